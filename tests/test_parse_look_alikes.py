"""Words whose letters come from two scripts that look alike are put back into one."""

from __future__ import annotations

import pytest
from receipt_words import read

from flows.reading.parser.look_alikes import in_one_script


@pytest.mark.parametrize(
    ("mixed", "whole"),
    [
        ("TABEPNA O ΓIANNHΣ", "ΤΑΒΕΡΝΑ Ο ΓΙΑΝΝΗΣ"),  # Latin letters among Greek ones
        ("Kαφέ Αθηνα", "Καφέ Αθηνα"),
        ("ПPOДУKTЫ 24", "ПРОДУКТЫ 24"),
        ("OOO Сeверный двoр", "ООО Северный двор"),
        ("CORNER BAKERY", "CORNER BAKERY"),
        ("Hotel Ω Athens", "Hotel Ω Athens"),  # one letter is a mark, not a script
        ("ΚΑΦΕ Starbrew", "ΚΑΦΕ Starbrew"),  # a word with other Latin letters is Latin
        ("好运来超市", "好运来超市"),
        ("", ""),
    ],
)
def test_a_word_has_one_script(mixed: str, whole: str) -> None:
    assert in_one_script(mixed) == whole


def test_a_greek_merchant_is_named_in_greek_and_accepted() -> None:
    fields = read(
        """
TABEPNA H ΩPAIA
Eρμoν 14, Aθηνα 10563
AΦM 055501234
05/06/2026 21:40
XQPIATIKH    8,50
PETΣINA    6,50
ΣYNOΛO    15,00€
METPHTA    20,00
PEΣTA    5,00
"""
    )
    assert fields.merchant is not None and fields.merchant.value == "ΤΑΒΕΡΝΑ Η ΩΡΑΙΑ"
    assert fields.decision == "accept"


def test_simplified_characters_and_their_means_of_payment_tell_china() -> None:
    fields = read(
        """
好运来超市
上海市南京路88号
2026-04-18 19:33
苹果    12.80
牛奶    59.90
总计    72.70
微信支付    72.70
"""
    )
    assert fields.currency is not None and (fields.currency.value, fields.currency.confidence >= 0.93) == ("CNY", True)
    assert fields.decision == "accept"


def test_japanese_characters_do_not_tell_china() -> None:
    fields = read("好運来超市\n2026-04-18 19:33\n牛乳    590\n総計    590\n")
    assert fields.currency is None or fields.currency.value != "CNY" or fields.decision == "review"
