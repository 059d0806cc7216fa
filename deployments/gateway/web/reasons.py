"""Why a receipt waits for a person, or was not read: the reading's reasons, told in the visitor's language.

A reason begins with what it is about, mostly a field. What fits no text here stays as the reading said it.
"""

from __future__ import annotations

import re

from deployments.gateway.web.sentences import N_, told
from deployments.gateway.web.texts import translations

_ABOUT = {
    "total": N_("Total"),
    "purchase_date": N_("Date"),
    "currency": N_("Currency"),
    "merchant": N_("Merchant"),
    "text": N_("Text"),
    "several receipts": N_("Several receipts"),
    "no receipt": N_("No receipt"),
    "llm": N_("Language model"),
}
REASONS = (
    N_("none was found"),
    N_("nothing else on the receipt supports %(what)s"),
    N_("nothing else on the receipt confirms %(what)s"),
    N_("%(what)s is not a purchase; a refund needs a person"),
    N_("%(printed)s is printed, but what adds up to it gives %(sum)s"),
    N_("two totals fit: %(one)s and %(other)s"),
    N_("two dates fit: %(one)s and %(other)s"),
    N_("day and month may be swapped: %(one)s or %(other)s"),
    N_("on %(day)s the tax that the receipt names was not charged; a digit may be misread"),
    N_("%(day)s stands at the edge of its line; its first figure may be cut off"),
    N_("nothing beside %(day)s says that it is the day of purchase"),
    N_("%(printed)s is printed, which seems to mean %(day)s"),
    N_("%(day)s was hard to read and is printed only once"),
    N_("both %(one)s and %(other)s are printed"),
    N_("%(what)s is only likely (%(why)s)"),
    N_("no symbol, code or country found"),
    N_("the symbol may be %(which)s"),
    N_("the country looks like %(country)s"),
    N_("the country is %(country)s, whose money is loosely written with that symbol"),
    N_("symbol, and the country may be that of %(currency)s"),
    N_("symbol, and the owner's currency"),
    N_("%(what)s is printed"),
    N_("%(what)s is printed, and the country is %(country)s"),
    N_("%(n)s seem to be on one picture; send each by itself"),
    N_("the pages have different totals, %(which)s"),
    N_("the pages have the same total, %(total)s, at different times"),
    N_("the page has no text"),
    N_("it is titled %(title)s, which is no purchase"),
    N_("no amount of money is on the page"),
    N_("there is hardly any amount, and no word that receipts have"),
    N_("there are prices, but no total, no payment and no date"),
    N_(
        "%(n)s lines are in writing that was not read. Type in what they say, or send a sharper picture. It can be "
        "read by itself where whoever runs receiptflow adds Tesseract's data for its script: %(packages)s"
    ),
    N_("the invoice's own arithmetic fails: %(why)s"),
    N_("nothing in the invoice adds up to %(what)s"),
    N_("the attached invoice says %(what)s, which is not printed on the page"),
    N_("%(day)s is later than today"),
    N_("%(what)s is none"),
    N_("only the language model found %(what)s"),
    N_("the language model says %(theirs)s; %(mine)s was read"),
    N_("the language model says %(theirs)s, which is not printed; %(mine)s was read"),
    N_("the model's answer was not usable (%(n)s errors); the built-in parser's is shown"),
    N_("It seems to be the same purchase as receipt %(receipt)s."),
    N_("The reading is unsure."),
    N_("the same content as %(receipt)s"),
    N_("received by %(door)s"),
)
# Receipts are named by as much of their id as people see elsewhere.
_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# Reasons are joined by semicolons, which some have inside.
_NEXT = re.compile(rf"; (?=(?:{'|'.join(_ABOUT)}): )")


def reason_told(text: str | None, language: str) -> str:
    """One reason or several, in a language of the pages.

    Args:
        text: As the reading gave it, in English.
        language: As `texts.LANGUAGES` has it.
    """
    return "; ".join(_one(part, language) for part in _NEXT.split(_ID.sub(r"\1", text or "")))


def _one(text: str, language: str) -> str:
    about, colon, why = text.partition(": ")
    if not colon or about not in _ABOUT:
        return told(text, language, REASONS)
    return f"{translations(language).gettext(_ABOUT[about])}: {told(why, language, REASONS)}"
