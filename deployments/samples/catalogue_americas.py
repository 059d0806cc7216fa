"""Samples from North America: taxes added to the price, tips, month before day."""

from __future__ import annotations

from decimal import Decimal

from deployments.samples.locales import QUEBEC, US
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear, at

D = Decimal

US_DINER = SampleReceipt(
    name="us-diner.jpg",
    locale=US,
    merchant="Bluebird Diner",
    address=("482 Larkspur Avenue", "Brooklyn, NY 11215"),
    phone="(718) 555-0142",
    when=at(2025, 3, 4, 12, 47),
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
    when=at(2024, 11, 23, 16, 8),
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
        slashed_zero=True,
    ),
    wear=Wear(noise=9.0),
)  # fmt: skip

US_COFFEE = SampleReceipt(
    name="us-coffee.jpg",
    locale=US,
    merchant="Night Heron Coffee",
    address=("77 Wharf Street", "Portland, ME 04101"),
    when=at(2026, 8, 29, 7, 56),
    number="118",
    items=(
        Item("Cortado", D("4.25")),
        Item("Oat Latte 16oz", D("5.50"), D(2)),
        Item("Almond Croissant", D("4.75"), D(2)),
    ),
    rates=(TaxRate("A", D(8), "Maine Meals Tax"),),
    tip=D("4.00"),
    card="Mastercard 7719 (Contactless)",
    words={"total": "Amount Paid", "number": "Order", "thanks": "night-heron-coffee.example"},
    layout=Layout(
        ("logo", "address", "gap", "number", "when", "rule", "items", "gap", "totals", "rule", "payment",
         "<AID|A0000000041010", "gap", "thanks"),
        face="sans", columns=34, items="one_line", when="{date} {time}", logo_size=1.6,
    ),
    wear=Wear(tilt_degrees=-2.8, blur_pixels=0.7),
)  # fmt: skip

CA_BISTRO = SampleReceipt(
    name="ca-bistro.webp",
    locale=QUEBEC,
    merchant="Bistro du Vieux Quai",
    address=("215, rue Saint-Denis", "Montréal (Québec) H2X 3K9"),
    phone="514 555-0187",
    tax_id="810000417 RT0001",
    when=at(2025, 1, 18, 21, 33),
    number="008812",
    items=(
        Item("Soupe à l'oignon", D("11.00"), D(2)),
        Item("Confit de canard", D("29.50")),
        Item("Tartare de saumon", D("27.75")),
        Item("Crème brûlée", D("9.25"), D(2)),
        Item("Verre rouge 6oz", D("13.00"), D(3)),
    ),
    rates=(TaxRate("A", D(5), "TPS"), TaxRate("A", D("9.975"), "TVQ")),
    tip=D("24.50"),
    words={"card": "Débit Interac"},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "rule", "<Table 7|Couverts 2", "number", "when", "rule", "items", "rule",
         "totals", "payment", "gap", "thanks"),
        columns=38, items="quantity_first", logo_size=1.6,
        rule="_",
    ),
)  # fmt: skip

AMERICAS = (US_DINER, US_HARDWARE, US_COFFEE, CA_BISTRO)
