"""Samples in French, Spanish, Italian and Portuguese."""

from __future__ import annotations

from decimal import Decimal

from deployments.samples.locales import FRANCE, ITALY, PORTUGAL, SPAIN
from deployments.samples.model import Item, Layout, SampleReceipt, TaxRate, Wear, at

D = Decimal

FR_BOULANGERIE = SampleReceipt(
    name="fr-boulangerie.jpg",
    locale=FRANCE,
    merchant="Au Fournil de Camille",
    address=("18, rue des Tilleuls", "69003 Lyon"),
    phone="04 65 55 01 28",
    tax_id="FR00 918 273 645",
    when=at(2026, 5, 16, 8, 21),
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

FR_PAPETERIE = SampleReceipt(
    name="fr-papeterie.jpg",
    locale=FRANCE,
    merchant="PAPETERIE DES ARCADES",
    logo="PAPETERIE|DES ARCADES",
    address=("7, place du Marché", "33000 Bordeaux"),
    phone="05 65 55 01 49",
    tax_id="FR00 402 118 736",
    when=at(2025, 2, 11, 14, 37),
    number="000219-3",
    items=(
        Item("CAHIER A4 96P", D("3.45"), D(4)),
        Item("STYLO GEL NOIR", D("2.20"), D(3)),
        Item("AGENDA 2025", D("18.90")),
        Item("ENVELOPPES C5 X50", D("6.75")),
    ),
    rates=(TaxRate("A", D(20)),),
    tendered=D("50.00"),
    words={"total": "NET A PAYER", "net": "Total HT"},
    layout=Layout(
        ("logo", "address", "phone", "gap", "items", "rule", "totals", "payment", "rule", "taxes", "rule", "when",
         "number", "tax_id", "barcode", "thanks"),
        columns=36, items="two_lines", tax_table="rates", when="{date}|{time}", logo_size=1.6,
        rule=".",
    ),
    wear=Wear(blur_pixels=1.1, noise=4.0, jpeg_quality=60),
)  # fmt: skip

ES_BAR = SampleReceipt(
    name="es-bar.jpg",
    locale=SPAIN,
    merchant="Bar La Higuera",
    address=("Calle de los Olmos, 26", "41004 Sevilla"),
    phone="955 550 138",
    tax_id="B00741963",
    when=at(2026, 6, 13, 14, 55),
    number="T-10883",
    items=(
        Item("Caña", D("1.80"), D(4)),
        Item("Tortilla española", D("4.50")),
        Item("Jamón ibérico ½", D("11.00")),
        Item("Boquerones", D("7.20")),
        Item("Café con leche", D("1.70"), D(3)),
    ),
    rates=(TaxRate("A", D(10)),),
    tendered=D("40.00"),
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", ">FACTURA SIMPLIFICADA", "number", "when",
         "<Mesa 5|Camarero: Inés", "rule", "items", "rule", "totals", "payment", "gap", "taxes", "gap", "thanks"),
        columns=38, items="columns", tax_table="net_tax_gross", when="Fecha {date}|Hora {time}",
        rule="_",
    ),
    wear=Wear(jpeg_quality=35, tilt_degrees=-1.4),
)  # fmt: skip

IT_TRATTORIA = SampleReceipt(
    name="it-trattoria-crumpled.jpg",
    locale=ITALY,
    merchant="Trattoria Due Lanterne",
    logo="TRATTORIA|DUE LANTERNE",
    address=("di Marchetti Elena", "Via dei Salici 41", "40126 Bologna BO"),
    tax_id="00418820379",
    when=at(2025, 7, 9, 22, 6),
    number="0417-0093",
    items=(
        Item("COPERTO", D("2.50"), D(2)),
        Item("TAGLIATELLE AL RAGU", D("12.00"), D(2)),
        Item("TIGELLE", D("8.50")),
        Item("ACQUA NATURALE", D("2.80")),
        Item("CAFFE", D("1.60"), D(2)),
    ),
    rates=(TaxRate("A", D(10)),),
    layout=Layout(
        ("logo", "address", "tax_id", "gap", ">DOCUMENTO COMMERCIALE", ">di vendita o prestazione", "gap",
         "<DESCRIZIONE|EURO", "items", "gap", "totals", "taxes", "gap", "payment", "gap", "when", "number",
         "<Server RT|99MEY000417", "thanks"),
        columns=36, tax_table="rates", when="{date} {time}", logo_size=1.6,
    ),
    wear=Wear(crumple=1.0),
)  # fmt: skip

PT_MERCEARIA = SampleReceipt(
    name="pt-mercearia.webp",
    locale=PORTUGAL,
    merchant="Mercearia São Brás",
    address=("Rua das Amoreiras, 19", "4050-022 Porto"),
    phone="225 550 116",
    tax_id="500 041 776",
    when=at(2026, 4, 21, 18, 3),
    number="FS 1A/20833",
    items=(
        Item("Pão de milho", D("1.95"), rate="A"),
        Item("Queijo da serra", D("8.60"), D("0.482"), "A"),
        Item("Maçã Bravo", D("2.49"), D("1.265"), "A"),
        Item("Vinho verde", D("4.79"), D(2), "B"),
        Item("Detergente loiça", D("2.15"), rate="C"),
    ),
    rates=(TaxRate("A", D(6)), TaxRate("B", D(13)), TaxRate("C", D(23))),
    layout=Layout(
        ("logo", "address", "phone", "tax_id", "gap", "number", "when", "rule", "items", "rule", "totals", "payment",
         "gap", "taxes", "gap", ">Processado por programa certificado", "thanks"),
        columns=38, tax_table="net_tax_gross", codes=True, logo_size=1.7,
        rule="=",
    ),
    wear=Wear(blur_pixels=0.8, noise=3.0),
)  # fmt: skip

LATIN = (FR_BOULANGERIE, FR_PAPETERIE, ES_BAR, IT_TRATTORIA, PT_MERCEARIA)
