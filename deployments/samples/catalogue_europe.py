"""Samples from Europe: prices that hold the tax, decimal commas, tables of tax rates, cash rounded to coins."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from deployments.samples.locales import FRANCE, GERMANY
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear

D = Decimal
_GERMAN = (TaxRate("A", D(19)), TaxRate("B", D(7)))


def _at(year: int, month: int, day: int, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a receipt's own time has no zone


DE_SUPERMARKT = SampleReceipt(
    name="de-supermarkt.jpg",
    locale=GERMANY,
    merchant="Lindenhof Frischemarkt",
    logo="LINDENHOF|FRISCHEMARKT",
    address=("Lindenstraße 48", "04109 Leipzig"),
    tax_id="DE000418273",
    when=_at(2025, 6, 24, 17, 38),
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
    rates=_GERMAN,
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
    merchant="Hammerschmidt Baumarkt",
    logo="HAMMERSCHMIDT",
    address=("Hammerschmidt Baumarkt GmbH", "Industriestraße 7", "90441 Nürnberg"),
    phone="0911 5550147",
    tax_id="DE000772915",
    when=_at(2024, 9, 14, 10, 52),
    number="0183/22",
    items=(
        Item("Dübel 8mm 50 Stk", D("6.99")),
        Item("Bohrmaschine 750W", D("79.95")),
        Item("Wandfarbe weiß 10L", D("34.99"), D(2)),
        Item("Abdeckfolie 20m²", D("3.49"), D(3)),
    ),
    rates=_GERMAN,
    words={"total": "Zu zahlen EUR", "card": "Girocard kontaktlos"},
    layout=Layout(
        ("logo", "address", "phone", "rule", "items", "rule", "totals", "payment", "rule", "taxes", "rule",
         "<Datum|Uhrzeit", "when", "number", "tax_id", "gap", "thanks"),
        columns=40, items="two_lines", tax_table="net_tax_gross", codes=True,
    ),
    wear=Wear(photographed=True, exif_orientation=6, jpeg_quality=85),
)  # fmt: skip

FR_BOULANGERIE = SampleReceipt(
    name="fr-boulangerie.jpg",
    locale=FRANCE,
    merchant="Au Fournil de Camille",
    address=("18, rue des Tilleuls", "69003 Lyon"),
    phone="04 65 55 01 28",
    tax_id="FR00 918 273 645",
    when=_at(2026, 5, 16, 8, 21),
    number="4471-082",
    items=(
        Item("Baguette tradition", D("1.35"), D(3), "B"),
        Item("Croissant beurre", D("1.40"), D(4), "B"),
        Item("Tarte citron", D("4.20"), D(2), "B"),
        Item("Café crème", D("2.80"), D(2), "A"),
    ),
    rates=(TaxRate("B", D("5.5")), TaxRate("A", D(10))),
    words={"card": "CB SANS CONTACT"},
    layout=Layout(
        ("logo", "address", "phone", "rule", "when", "number", "rule", "items", "rule", "totals", "payment", "gap",
         "taxes", "gap", "tax_id", "thanks"),
        columns=38, tax_table="net_tax_gross", when="Le {date} à {time}|Caisse 1", items="quantity_first",
        logo_size=1.7,
    ),
    wear=Wear(tilt_degrees=2.2, shadow=0.25),
)  # fmt: skip

EUROPE = (DE_SUPERMARKT, DE_BAUMARKT, FR_BOULANGERIE)
