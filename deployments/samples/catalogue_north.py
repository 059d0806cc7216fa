"""Samples from Britain, the Netherlands, Finland and Sweden; one of them a PDF of two pages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from deployments.samples.locales import FINLAND, NETHERLANDS, SWEDEN, UK
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear, at

D = Decimal


UK_GROCER = SampleReceipt(
    name="uk-grocer.jpg",
    locale=UK,
    merchant="Harrow & Finch",
    logo="HARROW & FINCH",
    address=("12 Mill Lane, Ludlow SY8 1RB",),
    phone="01584 550124",
    tax_id="GB 000 4177 21",
    when=at(2025, 5, 30, 18, 22),
    number="0931 004 7718",
    items=(
        Item("SEMI SKIMMED MILK 2L", D("1.65"), rate="Z"),
        Item("SOURDOUGH LOAF", D("3.20"), rate="Z"),
        Item("MATURE CHEDDAR", D("4.15"), rate="Z"),
        Item("SPARKLING WATER", D("0.85"), D(4), "V"),
        Item("WASHING UP LIQUID", D("1.95"), rate="V"),
        Item("DARK CHOCOLATE", D("2.10"), D(2), "V"),
    ),
    rates=(TaxRate("Z", D(0)), TaxRate("V", D(20))),
    card="VISA DEBIT CONTACTLESS",
    words={"total": "BALANCE DUE", "number": "TXN", "thanks": "Thank you for shopping|at Harrow & Finch"},
    layout=Layout(
        ("logo", "gap", "address", "phone", "tax_id", "rule", "items", "rule", "totals", "payment", "gap", "taxes",
         "rule", "when", "number", "barcode", "thanks"),
        columns=40, tax_table="net_tax_gross", codes=True, when="{date}|{time}", logo_size=1.8,
        reversed_logo=True,
    ),
    wear=Wear(shadow=0.45, tilt_degrees=-0.9),
)  # fmt: skip

UK_TRADE = SampleReceipt(
    name="uk-trade-counter.pdf",
    locale=replace(UK, tax_included=False),
    merchant="Calder Valley Trade Supplies",
    address=("Unit 6, Weir Mill Estate", "Hebden Bridge HX7 8AD"),
    phone="01422 550166",
    tax_id="GB 000 2938 04",
    when=at(2026, 9, 10, 7, 45),
    number="INV-77120",
    items=(
        Item("Copper pipe 15mm 3m", D("11.48"), D(6)),
        Item("Elbow 15mm x10", D("6.95"), D(2)),
        Item("Isolating valve", D("3.29"), D(4)),
        Item("Flux 100g", D("4.10")),
        Item("Solder lead free", D("13.85"), D(2)),
        Item("PTFE tape", D("0.62"), D(12)),
        Item("Pipe clips 15mm x50", D("5.75")),
        Item("Gloves L", D("2.99"), D(5)),
    ),
    rates=(TaxRate("A", D(20), "VAT"),),
    card="Account card ****0916",
    words={"total": "TOTAL DUE", "number": "Invoice"},
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "rule", "number", "when", "rule", "items", "gap", ">continued on page 2",
         "page", ">Calder Valley Trade Supplies", "number", "<|Page 2 of 2", "rule", "totals", "rule", "payment", "gap",
         "thanks"),
        face="sans", columns=42, items="columns", when="Date {date}|{time}", logo_size=1.5,
        rule="_",
    ),
)  # fmt: skip

NL_DROGIST = SampleReceipt(
    name="nl-drogist.jpg",
    locale=NETHERLANDS,
    merchant="Drogisterij De Linde",
    logo="DROGISTERIJ|DE LINDE",
    address=("Kerkstraat 88", "3581 RB Utrecht"),
    phone="030-5550121",
    tax_id="NL000417226B01",
    when=at(2024, 10, 31, 12, 9),
    number="2281-4",
    items=(
        Item("Tandpasta 75ml", D("2.39"), D(2)),
        Item("Shampoo 250ml", D("4.49")),
        Item("Pleisters 20 st", D("3.19")),
        Item("Drop zoet 400g", D("2.79"), D(2), "L"),
    ),
    rates=(TaxRate("L", D(9)), TaxRate("A", D(21))),
    tendered=D("20.00"),
    layout=Layout(
        ("logo", "address", "phone", "gap", "when", "number", "rule", "items", "rule", "totals", "payment", "rule",
         "taxes", "gap", "tax_id", "thanks"),
        columns=38, tax_table="net_tax_gross", when="{date}|{time}", logo_size=1.7,
        slashed_zero=True, rule="=",
    ),
    wear=Wear(noise=10.0, blur_pixels=0.7),
)  # fmt: skip

FI_KAUPPA = SampleReceipt(
    name="fi-kauppa.heic",
    locale=FINLAND,
    merchant="Lähikauppa Koivula",
    logo="LÄHIKAUPPA|KOIVULA",
    address=("Rantatie 5", "33100 Tampere"),
    phone="03 555 0175",
    tax_id="0041772-6",
    when=at(2025, 12, 19, 16, 40),
    number="4/10382",
    items=(
        Item("RUISLEIPÄ 6KPL", D("1.99"), rate="B"),
        Item("KEVYTMAITO 1L", D("1.15"), D(3), "B"),
        Item("JUUSTO OLTERMANNI", D("6.79"), rate="B"),
        Item("KAHVI 500G", D("7.38"), rate="B"),
        Item("TISKIAINE", D("2.45"), rate="A"),
    ),
    rates=(TaxRate("B", D(14)), TaxRate("A", D("25.5"))),
    tendered=D("50.00"),
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", "when", "number", "rule", "items", "rule", "totals", "payment",
         "rule", "taxes", "rule", "thanks"),
        columns=36, tax_table="net_tax_gross", codes=True, when="{date} {time}|K3 M:17",
    ),
    wear=Wear(photographed=True, blur_pixels=0.5, jpeg_quality=70),
)  # fmt: skip

SE_BAGERI = SampleReceipt(
    name="se-bageri.jpg",
    locale=SWEDEN,
    merchant="Ångströms Bageri",
    address=("Storgatan 14", "753 31 Uppsala"),
    phone="018-555 01 44",
    tax_id="000417-2281",
    when=at(2025, 4, 17, 10, 31),
    number="30772",
    items=(
        Item("Kanelbulle", D("32.00"), D(3), "B"),
        Item("Prinsesstårta bit", D("58.50"), rate="B"),
        Item("Bryggkaffe", D("35.00"), D(2), "B"),
        Item("Kaffemugg", D("149.00"), rate="A"),
    ),
    rates=(TaxRate("B", D(12)), TaxRate("A", D(25))),
    tendered=D("400.00"),
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "rule", "when", "number", "rule", "items", "rule", "totals", "payment",
         "gap", "taxes", "gap", "thanks"),
        face="sans", columns=36, tax_table="net_tax_gross", when="{date} {time}|Kassa 1",
    ),
    wear=Wear(photographed=True, tilt_degrees=2.4, shadow=0.3, noise=3.0),
)  # fmt: skip

NORTH = (UK_GROCER, UK_TRADE, NL_DROGIST, FI_KAUPPA, SE_BAGERI)
