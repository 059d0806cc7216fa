"""Samples from outside Europe: taxes added to the price, tips, five-sen rounding, lakhs, yen without cents."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from deployments.samples.locales import INDIA, JAPAN, MALAYSIA, US
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear

D = Decimal


def _at(year: int, month: int, day: int, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a receipt's own time has no zone


US_DINER = SampleReceipt(
    name="us-diner.jpg",
    locale=US,
    merchant="Bluebird Diner",
    address=("482 Larkspur Avenue", "Brooklyn, NY 11215"),
    phone="(718) 555-0142",
    when=_at(2025, 3, 4, 12, 47),
    number="20417",
    items=(
        Item("Turkey Club", D("16.50"), D(1)),
        Item("Tomato Soup", D("7.25"), D(2)),
        Item("Iced Tea", D("3.95"), D(2)),
        Item("Blueberry Pie", D("8.00"), D(1)),
    ),
    rates=(TaxRate("A", D("8.875"), "Sales Tax"),),
    tip=D("9.40"),
    card="VISA ************4021",
    words={"total": "Total", "thanks": "Thank You!|www.bluebird-diner.example"},
    layout=Layout(
        ("logo", "address", "phone", "gap", "<Server: Maya|Table 12", "when", "number", "rule", "items", "rule",
         "totals", "gap", "payment", "<Auth 061842|Approved", "gap", "thanks"),
        columns=36, items="quantity_first", logo_size=1.9,
    ),
)  # fmt: skip

US_HARDWARE = SampleReceipt(
    name="us-hardware.png",
    locale=US,
    merchant="Copper Creek Hardware",
    address=("1190 County Road 12", "Fredericksburg, TX 78624"),
    phone="830-555-0176",
    when=_at(2024, 11, 23, 16, 8),
    number="0007-3318",
    items=(
        Item("WOOD SCREW 2IN 100CT", D("9.49")),
        Item("PAINT BRUSH 3IN", D("6.79"), D(2)),
        Item("DECK STAIN CEDAR GAL", D("38.99")),
        Item("SANDPAPER 120G", D("4.29"), D(3)),
    ),
    rates=(TaxRate("A", D("8.25"), "TAX"),),
    tendered=D("100.00"),
    words={"subtotal": "SUBTOTAL", "cash": "CASH TENDERED", "change": "CHANGE DUE", "number": "TRANS",
           "thanks": "RETURNS WITHIN 30 DAYS|WITH RECEIPT"},
    layout=Layout(
        ("logo", "address", "phone", "gap", "when", "number", "gap", "items", "gap", "totals", "payment", "gap",
         "<ITEMS SOLD: 7", "barcode", "thanks"),
        columns=38, logo_size=1.5,
    ),
    wear=Wear(noise=9.0),
)  # fmt: skip

MY_RESTAURANT = SampleReceipt(
    name="my-restaurant.jpg",
    locale=MALAYSIA,
    merchant="RESTORAN SERI KENANGA SDN BHD",
    logo="RESTORAN SERI|KENANGA SDN BHD",
    address=("(1184520-P)", "NO. 27, JALAN MELUR 3/2,", "TAMAN MELUR, 43000 KAJANG, SELANGOR"),
    phone="03-8555 0163",
    tax_id="B16-2408-32000117",
    when=_at(2026, 2, 7, 20, 14),
    number="K1-104422",
    items=(
        Item("NASI LEMAK AYAM", D("13.90"), D(2)),
        Item("MEE GORENG MAMAK", D("9.50")),
        Item("SATAY AYAM (10)", D("15.60")),
        Item("TEH TARIK", D("3.40"), D(3)),
    ),
    rates=(TaxRate("A", D(6), "Service Tax"),),
    round_to=D("0.05"),
    tendered=D("70.00"),
    words={"total": "NET TOTAL", "before_rounding": "Total Incl. Tax", "rounding": "Rounding Adj"},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", ">TAX INVOICE", "gap", "number", "when", "<Cashier: Aina|Pax: 3",
         "rule", "items", "rule", "totals", "payment", "gap", ">SST SUMMARY", "taxes", "rule", "thanks"),
        columns=40, items="columns", tax_table="net_tax_gross", when="Date: {date}|{time}", logo_size=1.45,
    ),
    wear=Wear(blur_pixels=0.9),
)  # fmt: skip

JP_SHOP = SampleReceipt(
    name="jp-shop.png",
    locale=JAPAN,
    merchant="MINATO MARKET",
    address=("2-14-6 Kitahama, Chuo-ku", "Osaka 541-0041"),
    phone="06-5550-0139",
    tax_id="T7120001999013",
    when=_at(2025, 10, 28, 21, 5),
    number="0482-7731",
    items=(
        Item("Onigiri Salmon", D(178), D(2), "8"),
        Item("Green Tea 600ml", D(162), D(1), "8"),
        Item("Melon Pan", D(151), D(3), "8"),
        Item("Umbrella 65cm", D(1320), D(1), "T"),
        Item("Notebook B5", D(242), D(2), "T"),
    ),
    rates=(TaxRate("8", D(8), "Tax"), TaxRate("T", D(10), "Tax")),
    tendered=D(3000),
    words={"total": "Total", "cash": "Cash", "included": "incl."},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", "when", "number", "rule", "items", "rule", "totals", "taxes",
         "rule", "payment", "gap", ">8 = reduced tax rate", "thanks"),
        columns=34, tax_table="rates", codes=True,
    ),
)  # fmt: skip

INDIA_ELECTRONICS = SampleReceipt(
    name="in-electronics.jpg",
    locale=INDIA,
    merchant="Saraswati Electronics",
    address=("14, 2nd Main Road, Jayanagar", "Bengaluru 560011, Karnataka"),
    phone="080 5550 0118",
    tax_id="29AAKCS0000P1Z5",
    when=_at(2025, 8, 19, 18, 32),
    number="SE/25-26/00871",
    items=(
        Item("LED TV 55 inch 4K", D("86440.68")),
        Item("Wall Mount", D("1271.19")),
        Item("HDMI Cable 2 m", D("423.73"), D(2)),
        Item("Soundbar 2.1", D("15677.97")),
    ),
    rates=(TaxRate("A", D(9), "CGST"), TaxRate("A", D(9), "SGST")),
    round_to=D(1),
    card="UPI / Card",
    words={"total": "Grand Total", "subtotal": "Taxable Value",
           "thanks": "Goods once sold will not be taken back|E. & O.E."},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "rule", ">TAX INVOICE", "number", "when", "rule", "items", "rule",
         "totals", "rule", "payment", "gap", "thanks"),
        face="sans", columns=42, items="columns", when="Date: {date}|{time}", logo_size=1.7,
    ),
    wear=Wear(shadow=0.35, blur_pixels=0.6),
)  # fmt: skip

AMERICAS_ASIA = (US_DINER, US_HARDWARE, MY_RESTAURANT, JP_SHOP, INDIA_ELECTRONICS)
