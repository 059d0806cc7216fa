"""Samples in German: tax tables A/B, decimal commas, Swiss apostrophes and five-rappen rounding."""

from __future__ import annotations

from decimal import Decimal

from deployments.samples.locales import GERMANY, SWITZERLAND
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear, at

D = Decimal
_RATES = (TaxRate("A", D(19)), TaxRate("B", D(7)))

DE_SUPERMARKT = SampleReceipt(
    name="de-supermarkt.jpg",
    locale=GERMANY,
    merchant="Lindenhof Frischemarkt",
    logo="LINDENHOF|FRISCHEMARKT",
    address=("Lindenstraße 48", "04109 Leipzig"),
    tax_id="DE000418273",
    when=at(2025, 6, 24, 17, 38),
    number="7714",
    items=(
        Item("Bio Vollmilch 1L", D("1.29"), D(2), "B"),
        Item("Roggenbrot 750g", D("2.79"), rate="B"),
        Item("Gouda jung", D("3.49"), rate="B"),
        Item("Äpfel Elstar 1,5kg", D("3.98"), rate="B"),
        Item("Spülmittel", D("1.65"), rate="A"),
        Item("Küchentücher", D("2.95"), rate="A"),
        Item("Grüner Tee", D("2.19"), rate="B"),
    ),
    rates=_RATES,
    tendered=D("50.00"),
    layout=Layout(
        ("logo", "address", "gap", "<|EUR", "items", "rule", "totals", "payment", "gap", "taxes", "gap", "when",
         "<Markt 0418  Kasse 3|Bed. 21", "number", "tax_id", "barcode", "thanks"),
        columns=38, tax_table="net_tax_gross", codes=True, when="{date}|{time} Uhr",
    ),
)  # fmt: skip

DE_BAUMARKT = SampleReceipt(
    name="de-baumarkt-sideways.jpg",
    locale=GERMANY,
    merchant="Hammerschmidt Baumarkt GmbH",
    logo="HAMMERSCHMIDT",
    address=("Hammerschmidt Baumarkt GmbH", "Industriestraße 7", "90441 Nürnberg"),
    phone="0911 5550147",
    tax_id="DE000772915",
    when=at(2024, 9, 14, 10, 52),
    number="0183/22",
    items=(
        Item("Dübel 8mm 50 Stk", D("6.99")),
        Item("Bohrmaschine 750W", D("79.95")),
        Item("Wandfarbe weiß 10L", D("34.99"), D(2)),
        Item("Abdeckfolie 20m²", D("3.49"), D(3)),
    ),
    rates=_RATES,
    words={"total": "Zu zahlen EUR", "card": "Girocard kontaktlos"},
    layout=Layout(
        ("logo", "address", "phone", "rule", "items", "rule", "totals", "payment", "rule", "taxes", "rule",
         "<Datum|Uhrzeit", "when", "number", "tax_id", "gap", "thanks"),
        columns=40, items="two_lines", tax_table="net_tax_gross", codes=True,
        slashed_zero=True, rule="=",
    ),
    wear=Wear(photographed=True, exif_orientation=6, jpeg_quality=85),
)  # fmt: skip

DE_GASTHAUS = SampleReceipt(
    name="de-gasthaus.tiff",
    locale=GERMANY,
    merchant="Gasthaus Zum Alten Mühlrad",
    logo="Gasthaus|Zum Alten Mühlrad",
    address=("Inh. Petra Sommerfeld", "Mühlweg 3, 79098 Freiburg"),
    phone="0761 5550133",
    tax_id="DE000256604",
    when=at(2025, 11, 8, 20, 49),
    number="R-2025-4406",
    items=(
        Item("Käsespätzle", D("14.80"), D(2)),
        Item("Rinderroulade", D("21.50")),
        Item("Flädlesuppe", D("6.40")),
        Item("Apfelschorle 0,4", D("4.20"), D(2)),
        Item("Spätburgunder 0,2", D("8.90")),
    ),
    rates=_RATES,
    tip=D("5.60"),
    card="Kartenzahlung",
    words={"total": "Gesamtbetrag", "number": "Rechnung", "subtotal": "Speisen und Getränke",
           "thanks": "Es bediente Sie: Jonas|Auf Wiedersehen!"},
    layout=Layout(
        ("logo", "address", "phone", "gap", "number", "when", "<Tisch 14|Gäste 3", "rule", "items", "rule", "totals",
         "payment", "rule", "taxes", "gap", "tax_id", "thanks"),
        face="sans", columns=38, items="quantity_first", tax_table="net_tax_gross", subtotal=True,
        when="{date}|{time} Uhr", logo_size=1.6,
        rule="_",
    ),
)  # fmt: skip

DE_APOTHEKE = SampleReceipt(
    name="de-apotheke-faded.jpg",
    locale=GERMANY,
    merchant="Sternwald Apotheke",
    address=("Bahnhofstraße 112", "34117 Kassel"),
    phone="0561 5550190",
    tax_id="DE000638851",
    when=at(2024, 4, 29, 9, 14),
    number="55281",
    items=(
        Item("Nasenspray 10 ml", D("4.98")),
        Item("Ibuprofen 400 20 St", D("6.45")),
        Item("Handcreme 75 ml", D("7.95"), D(2)),
    ),
    rates=_RATES,
    tendered=D("30.00"),
    words={"total": "Gesamt EUR", "cash": "Gegeben Bar", "number": "Beleg-Nr."},
    layout=Layout(
        ("logo", "address", "phone", "rule", "when", "number", "rule", "items", "rule", "totals", "taxes", "rule",
         "payment", "gap", "tax_id", ">Gute Besserung!"),
        columns=36, tax_table="rates", when="{date} {time}|K02",
    ),
    wear=Wear(fade=0.72, tilt_degrees=0.8),
)  # fmt: skip

CH_BUCHHANDLUNG = SampleReceipt(
    name="ch-buchhandlung.jpg",
    locale=SWITZERLAND,
    merchant="Buchhandlung Seefeld",
    address=("Seefeldquai 21", "8008 Zürich"),
    phone="044 555 01 62",
    tax_id="CHE-000.417.662 MWST",
    when=at(2026, 3, 27, 15, 18),
    number="81-20447",
    items=(
        Item("Historisches Lexikon 4 Bde", D("1148.00"), rate="R"),
        Item("Wanderführer Tessin", D("36.93"), D(2), "R"),
        Item("Füllfeder M", D("58.90"), rate="N"),
    ),
    rates=(TaxRate("R", D("2.6")), TaxRate("N", D("8.1"))),
    tendered=D("1300.00"),
    layout=Layout(
        ("logo", "address", "phone", "rule", "items", "rule", "totals", "payment", "rule", "taxes", "rule", "when",
         "number", "tax_id", "barcode"),
        columns=40, tax_table="net_tax_gross", codes=True, when="{date}|{time}", logo_size=1.7,
        rule="=",
    ),
    wear=Wear(shadow=0.4),
)  # fmt: skip

GERMAN = (DE_SUPERMARKT, DE_BAUMARKT, DE_GASTHAUS, DE_APOTHEKE, CH_BUCHHANDLUNG)
