"""Samples from Asia: taxes in and on top, five-sen rounding, lakhs, yen without cents."""

from __future__ import annotations

from decimal import Decimal

from deployments.samples.locales import INDIA, JAPAN, MALAYSIA, SINGAPORE
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear, at

D = Decimal

MY_RESTAURANT = SampleReceipt(
    name="my-restaurant.jpg",
    locale=MALAYSIA,
    merchant="RESTORAN SERI KENANGA SDN BHD",
    logo="RESTORAN SERI|KENANGA SDN BHD",
    address=("(1184520-P)", "NO. 27, JALAN MELUR 3/2,", "TAMAN MELUR, 43000 KAJANG, SELANGOR"),
    phone="03-8555 0163",
    tax_id="B16-2408-32000117",
    when=at(2026, 2, 7, 20, 14),
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
    when=at(2025, 10, 28, 21, 5),
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
        rule="=",
    ),
)  # fmt: skip

INDIA_ELECTRONICS = SampleReceipt(
    name="in-electronics.jpg",
    locale=INDIA,
    merchant="Saraswati Electronics",
    address=("14, 2nd Main Road, Jayanagar", "Bengaluru 560011, Karnataka"),
    phone="080 5550 0118",
    tax_id="29AAKCS0000P1Z5",
    when=at(2025, 8, 19, 18, 32),
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

MY_STATIONER = SampleReceipt(
    name="my-stationer.jpg",
    locale=MALAYSIA,
    merchant="KEDAI ALAT TULIS BINTANG TIMUR",
    logo="KEDAI ALAT TULIS|BINTANG TIMUR",
    address=("(JM0711820-K)", "LOT 8, JALAN PASAR BARU", "34000 TAIPING, PERAK"),
    phone="05-5550 171",
    when=at(2024, 12, 5, 11, 26),
    number="CS00041879",
    items=(
        Item("A4 PAPER 80GSM 500S", D("13.42"), D(2)),
        Item("BALL PEN BLUE 0.7", D("1.28"), D(6)),
        Item("STAPLES NO.10", D("2.18"), D(3)),
    ),
    rates=(),
    tendered=D("50.00"),
    words={"total": "TOTAL ROUNDED", "before_rounding": "TOTAL", "rounding": "ROUNDING", "cash": "CASH",
           "change": "CHANGE", "number": "CASH BILL", "thanks": "GOODS SOLD ARE NOT RETURNABLE|TERIMA KASIH"},
    layout=Layout(
        ("logo", "address", "phone", "rule", "number", "when", "rule", "items", "rule", "totals", "payment", "rule",
         "thanks"),
        columns=36, items="two_lines", when="DATE {date}|{time}", logo_size=1.5,
        rule=".",
    ),
    wear=Wear(photographed=True, shadow=0.3, jpeg_quality=80),
)  # fmt: skip

SG_BAKERY = SampleReceipt(
    name="sg-bakery.png",
    locale=SINGAPORE,
    merchant="Kopi & Kaya House",
    address=("31 Tiong Poh Lane #01-06", "Singapore 160031"),
    phone="6555 0154",
    tax_id="M9-0417723-8",
    when=at(2025, 9, 6, 9, 41),
    number="A-22719",
    items=(
        Item("Kaya Toast Set", D("6.80"), D(2)),
        Item("Soft Boiled Eggs", D("2.40")),
        Item("Kopi O", D("1.90"), D(3)),
        Item("Pandan Chiffon Slice", D("3.50"), D(2)),
    ),
    rates=(TaxRate("A", D(9)),),
    card="PayNow",
    words={"total": "Grand Total", "included": "Incl."},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", ">DINE IN  Q: 47", "rule", "number", "when", "rule", "items",
         "rule", "totals", "taxes", "gap", "payment", "gap", "thanks"),
        columns=36, items="quantity_first", tax_table="rates", when="{date} {time}|POS 2",
    ),
    wear=Wear(noise=5.0, tilt_degrees=1.1),
)  # fmt: skip

ASIA = (MY_RESTAURANT, JP_SHOP, INDIA_ELECTRONICS, MY_STATIONER, SG_BAKERY)
