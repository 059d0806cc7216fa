"""Every reason for which a receipt waits for a person, as the sentence that says it; the field in doubt comes first.

A new reason belongs here: tests/test_review_reasons.py goes through all of them, and decides each by every way.
"""

from __future__ import annotations

from enum import StrEnum

_SCRIPTS = (
    "tesseract-ocr-rus (Cyrillic), -ell (Greek), -ara (Arabic), -heb (Hebrew), -kor (Korean), -tha (Thai) or "
    "-hin (Devanagari)"
)


class ReviewReason(StrEnum):
    """One reason; the value is its sentence, with the names of what is filled in."""

    # What is on the picture.
    UNREAD_SCRIPT = (
        "text: {lines} lines are in writing that was not read. Type in what they say, or send a sharper picture. It "
        f"can be read by itself where whoever runs receiptflow adds Tesseract's data for its script: {_SCRIPTS}"
    )
    NO_RECEIPT = "no receipt: {why}"
    SEVERAL_ON_PICTURE = "several receipts: {receipts} seem to be on one picture; send each by itself"
    PAGES_DIFFER = "several receipts: {how}"
    UNSURE = "The reading is unsure."

    TOTAL_NONE = "total: none was found"
    TOTAL_NO_PURCHASE = "total: {total} is not a purchase; a refund needs a person"
    TOTAL_MENDED = "total: {printed} is printed, but what adds up to it gives {total}"
    TOTAL_RIVAL = "total: two totals fit: {total} and {rival}"
    TOTAL_UNCONFIRMED = "total: nothing else on the receipt confirms {total}"

    DATE_NONE = "purchase_date: none was found"
    DATE_SWAPPED = "purchase_date: day and month may be swapped: {day} or {rival}"
    DATE_RIVAL = "purchase_date: two dates fit: {day} and {rival}"
    DATE_OF_OTHER_TAX = "purchase_date: on {day} the tax that the receipt names was not charged; a digit may be misread"
    DATE_CUT_OFF = "purchase_date: {day} stands at the edge of its line; its first figure may be cut off"
    DATE_ALONE = "purchase_date: nothing beside {day} says that it is the day of purchase"
    DATE_MENDED = "purchase_date: {printed} is printed, which seems to mean {day}"
    DATE_HARD_TO_READ = "purchase_date: {day} was hard to read and is printed only once"

    CURRENCY_NONE = "currency: {evidence}"
    CURRENCY_RIVAL = "currency: both {currency} and {rival} are printed"
    CURRENCY_LIKELY = "currency: {currency} is only likely ({evidence})"

    MERCHANT_NONE = "merchant: none was found"
    MERCHANT_UNCONFIRMED = "merchant: nothing else on the receipt supports {merchant}"

    # Of an electronic invoice.
    INVOICE_ARITHMETIC = "total: the invoice's own arithmetic fails: {detail}"
    INVOICE_UNCONFIRMED = "total: nothing in the invoice adds up to {total}"
    INVOICE_NOT_PRINTED = "total: the attached invoice says {total}, which is not printed on the page"
    INVOICE_LATER = "purchase_date: {day} is later than today"
    INVOICE_CURRENCY = "currency: {currency} is none"

    # Of a language model beside the parser.
    MODEL_ONLY = "{field}: only the language model found {value}"
    MODEL_DIFFERS = "{field}: the language model says {value}{where}; {read} was read"
    MODEL_UNUSABLE = "llm: the model's answer was not usable ({errors} errors); the built-in parser's is shown"

    # Of the ledger.
    SAME_PURCHASE = "It seems to be the same purchase as receipt {other}."

    def says(self, **given: object) -> str:
        """The sentence, filled in."""
        return self.value.format(**given)
