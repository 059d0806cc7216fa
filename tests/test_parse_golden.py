"""Whole receipts of sixteen countries, as lines and as single words, tilted: every main field is read and accepted.

The texts are made up after the habits of real receipts; no shop of them exists.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import pytest
from receipt_words import read


class Golden(NamedTuple):
    text: str
    merchant: str
    day: str
    time: str | None
    total: str
    currency: str
    country: str
    items: int
    tax: str | None


GOLDEN = {
    "us": Golden(
        """
            TRADER MIKE'S
         2001 Greenville Ave
           Dallas, TX 75206
            (214) 555-0142
         OPEN 8:00AM TO 9:00PM
SALE TRANSACTION
ORGANIC BANANAS                 $1.99
  2 @ $3.49
SPARKLING WATER                 $6.98
SOURDOUGH BREAD                 $4.29
SUBTOTAL                       $13.26
SALES TAX 8.25%                 $1.09
TOTAL                          $14.35
VISA CREDIT                    $14.35
Items in Transaction:4
03-04-2021 05:17PM 0512 04 1234 9988
THANK YOU FOR SHOPPING
""",
        "TRADER MIKE'S",
        "2021-03-04",
        "17:17",
        "14.35",
        "USD",
        "US",
        3,
        "1.09",
    ),
    "us_restaurant": Golden(
        """
          Blue Door Bistro
        415 W 4th St
     Austin, TX 78701
       512-555-0199
Server: Amy        Table 12
Check #: 2041      Guests: 2
06/14/2023         7:42 PM
1 Burger                 15.50
1 Caesar Salad           12.00
2 IPA Draft              14.00
Subtotal                 41.50
Tax                       3.42
Total                    44.92
VISA XXXXXXXX1234
Tip                       9.00
Total with tip           53.92
""",
        "Blue Door Bistro",
        "2023-06-14",
        "19:42",
        "53.92",
        "USD",
        "US",
        3,
        "3.42",
    ),
    "uk": Golden(
        """
          TESCA EXPRESS
       121 High Street London
       VAT NO: 220 4302 31
SEMI SKIMMED MILK        £1.15
CHEDDAR 400G             £3.00
 Clubcard savings       -£0.50
BREAD WHITE              £0.95
TOTAL                    £4.60
VISA DEBIT               £4.60
17/11/2022  18:05  2301 045
""",
        "TESCA EXPRESS",
        "2022-11-17",
        "18:05",
        "4.60",
        "GBP",
        "GB",
        3,
        None,
    ),
    "fr": Golden(
        """
        BOULANGERIE DU MARCHE SARL
        12 rue de la Paix
        75002 PARIS
        Tel : 01 42 61 00 00
        SIRET 123 456 789 00012
Le 03/02/2022 à 08:41
2 x Croissant 1,10          2,20
1 Baguette tradition        1,30
1 Tarte citron              3,80
TOTAL TTC                   7,30 EUR
Total HT                    6,92
TVA 5,5 %                   0,38
Espèces                    10,00
Rendu                       2,70
Merci de votre visite
""",
        "BOULANGERIE DU MARCHE SARL",
        "2022-02-03",
        "08:41",
        "7.30",
        "EUR",
        "FR",
        3,
        "0.38",
    ),
    "ch": Golden(
        """
        Cafe Matterhorn AG
        Bahnhofstrasse 21
        3920 Zermatt
        CHE-123.456.789 MWST
Rechnung Nr. 4572     30.07.2023/13:29
2x Latte Macchiato à 4.50 CHF    9.00
1x Gloki à 5.00 CHF              5.00
1x Schweinschnitzel à 22.00 CHF 22.00
1x Chässpätzli à 18.50 CHF      18.50
Total:  CHF                     54.50
Incl. 7.7% MwSt    54.50 CHF:    3.90
Entspricht in Euro 36.33 EUR
Es bediente Sie: Ursula
""",
        "Cafe Matterhorn AG",
        "2023-07-30",
        "13:29",
        "54.50",
        "CHF",
        "CH",
        4,
        "3.90",
    ),
    "es": Golden(
        """
      SUPERMERCADOS LA PLAZA S.L.
      CIF B12345678
      Calle Mayor 5, 28013 Madrid
FACTURA SIMPLIFICADA 2034-112-5567
25/08/2021 19:12
1 LECHE ENTERA            0,89
2 PAN BARRA     0,45      0,90
1 ACEITE OLIVA            4,75
TOTAL A PAGAR             6,54
EFECTIVO                 10,00
CAMBIO                    3,46
IVA 10%  BASE 5,95  CUOTA 0,59
GRACIAS POR SU COMPRA
""",
        "SUPERMERCADOS LA PLAZA S.L",
        "2021-08-25",
        "19:12",
        "6.54",
        "EUR",
        "ES",
        3,
        "0.59",
    ),
    "it": Golden(
        """
       TRATTORIA DA GINO SRL
       Via Roma 14 - 50123 Firenze
       P.IVA 01234567890
DOCUMENTO COMMERCIALE
DESCRIZIONE     IVA   Prezzo(€)
COPERTO X2      10,00%     4,00
TAGLIATELLE     10,00%    12,00
ACQUA           10,00%     2,50
TOTALE COMPLESSIVO        18,50
di cui IVA                 1,68
Pagamento elettronico     18,50
Importo pagato            18,50
12-05-2022 21:33
""",
        "TRATTORIA DA GINO SRL",
        "2022-05-12",
        "21:33",
        "18.50",
        "EUR",
        "IT",
        2,
        "1.68",
    ),
    "nl": Golden(
        """
        HEMMA AMSTERDAM B.V.
        Kalverstraat 212
        1012 XH Amsterdam
Datum: 19-10-2020 14:22
RUBBER BAND             3,50
KAARS 2 X 2,25          4,50
Subtotaal               8,00
Korting                -0,80
TE BETALEN              7,20
PIN                     7,20
BTW 21%  over 5,95      1,25
Bedankt en tot ziens
""",
        "HEMMA AMSTERDAM B.V",
        "2020-10-19",
        "14:22",
        "7.20",
        "EUR",
        "NL",
        2,
        "1.25",
    ),
    "pt": Golden(
        """
      PASTELARIA CENTRAL LDA
      Rua Augusta 99 1100-048 Lisboa
      NIF 501234567
Fatura Simplificada FS 2021/445
2021-06-30 09:15
2 Pastel de Nata  1,10    2,20
1 Café                    0,70
TOTAL                     2,90 €
Dinheiro                  5,00
Troco                     2,10
""",
        "PASTELARIA CENTRAL LDA",
        "2021-06-30",
        "09:15",
        "2.90",
        "EUR",
        "PT",
        2,
        None,
    ),
    "fi": Golden(
        """
      K-Kauppa Töölö Oy
      Runeberginkatu 40, 00260 Helsinki
      Y-tunnus 1234567-8
Maito 1L                 1,05
Ruisleipä                2,49
Kahvi                    4,95
YHTEENSÄ                 8,49
Kortti                   8,49
ALV 14%   7,45  1,04  8,49
5.3.2022 16:20
Kiitos käynnistä
""",
        "K-Kauppa Töölö Oy",
        "2022-03-05",
        "16:20",
        "8.49",
        "EUR",
        "FI",
        3,
        "1.04",
    ),
    "se": Golden(
        """
      ICQ Nära Söder AB
      Götgatan 31 Stockholm
      Org.nr 556677-8899
2022-09-14 17:45
Mjölk 3%                14,90
Bröd                    32,50
Kaffe                   54,95
Rabatt                 -10,00
Öresavrundning          -0,35
Att betala SEK          92,00
Kontant                100,00
Växel                    8,00
Moms 12%  82,46   9,89
""",
        "ICQ Nära Söder AB",
        "2022-09-14",
        "17:45",
        "92.00",
        "SEK",
        "SE",
        3,
        "9.89",
    ),
    "id": Golden(
        """
        WARUNG SEDERHANA
     Jl. Sudirman No. 12 Jakarta
2 NASI GORENG      30.000    60.000
1 ES TEH MANIS      8.000     8.000
1 AYAM BAKAR       35.000    35.000
SUBTOTAL                    103.000
PB1 10%                      10.300
TOTAL                       113.300
TUNAI                       150.000
KEMBALI                      36.700
17-08-2019 12:45
""",
        "WARUNG SEDERHANA",
        "2019-08-17",
        "12:45",
        "113300",
        "IDR",
        "ID",
        3,
        "10300",
    ),
    "jp": Golden(
        """
       ファミリーストア 渋谷店
       東京都渋谷区1-2-3
       電話 03-1234-5678
2021年3月14日  12:30
おにぎり鮭            ¥128
緑茶                  ¥140
小計                  ¥268
合計                  ¥289
(内税                  ¥21)
お預り               ¥1,000
お釣り                 ¥711
""",
        "ファミリーストア 渋谷店",
        "2021-03-14",
        "12:30",
        "289",
        "JPY",
        "JP",
        2,
        "21",
    ),
    "in": Golden(
        """
       SAGAR RESTAURANT PVT LTD
      MG Road, Bengaluru 560001
      GSTIN: 29ABCDE1234F1Z5
Bill No: 1042   Date: 05/11/2022
Masala Dosa    2   80.00   160.00
Filter Coffee  2   30.00    60.00
Sub Total                  220.00
CGST 2.5%                    5.50
SGST 2.5%                    5.50
Round Off                    0.00
Grand Total               ₹231.00
""",
        "SAGAR RESTAURANT PVT LTD",
        "2022-11-05",
        None,
        "231.00",
        "INR",
        "IN",
        2,
        "11.00",
    ),
    "au": Golden(
        """
      Coffee Lane Pty Ltd
      ABN 12 345 678 901
      22 Collins St Melbourne VIC 3000
02/11/2022 08:15
Flat white             $4.80
Banana bread           $6.50
TOTAL AUD             $11.30
Includes GST of        $1.03
EFTPOS                $11.30
""",
        "Coffee Lane Pty Ltd",
        "2022-11-02",
        "08:15",
        "11.30",
        "AUD",
        "AU",
        2,
        "1.03",
    ),
    "ca": Golden(
        """
     Tim's Maple Donuts Inc.
     100 King St, Toronto Ontario
     HST# 123456789RT0001
2022-12-05 10:22:31
1 Dbl Dbl               2.05
1 Bagel                 3.10
Subtotal                5.15
HST 13%                 0.67
Total                   5.82
Cash                   20.00
Rounding               -0.02
Change                 14.20
""",
        "Tim's Maple Donuts Inc",
        "2022-12-05",
        "10:22",
        "5.82",
        "CAD",
        "CA",
        2,
        "0.67",
    ),
}


@pytest.mark.parametrize("shape", ["lines", "words"])
@pytest.mark.parametrize("tilt_degrees", [0.0, 2.0, -3.0])
@pytest.mark.parametrize("name", GOLDEN)
def test_reads_the_receipt(name: str, tilt_degrees: float, shape: str) -> None:
    golden = GOLDEN[name]
    fields = read(golden.text, shape=shape, tilt_degrees=tilt_degrees)
    assert fields.merchant is not None and fields.merchant.value == golden.merchant
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date.fromisoformat(golden.day)
    assert fields.total is not None and fields.total.value == Decimal(golden.total)
    assert fields.currency is not None and fields.currency.value == golden.currency
    assert fields.country is not None and fields.country.value == golden.country
    assert len(fields.line_items) == golden.items
    assert (fields.tax and fields.tax.value) == (golden.tax and Decimal(golden.tax))
    if golden.time is not None:
        assert fields.purchase_time is not None and f"{fields.purchase_time.value:%H:%M}" == golden.time
    assert fields.decision == "accept", fields.reasons
