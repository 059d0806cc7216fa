"""The one vocabulary of a receipt: words on pages, and the fields read from them.

Used by the parser, the ledger, the API and the exports. Boxes are pixels of the upright page image
(`Page.width` x `Page.height`), origin at the top left. Confidences are 0.0 to 1.0. Money is `Decimal` and is
written to JSON as a string, never as a float. Field names follow Mindee's and Azure's receipt schemas.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

T = TypeVar("T")


class BBox(NamedTuple):
    """A box in pixels of the upright page: left, top inclusive; right, bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float


class Value(BaseModel):
    """Base of the value models: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(Value):
    """A word, or a text line where the engine reads lines, as OCR found it.

    `parts` has a confidence for each piece of `text` between spaces where the engine knows them, else nothing.
    """

    text: str
    confidence: float = Field(ge=0.0, le=1.0)
    bbox: BBox
    parts: tuple[float, ...] = ()


class Page(Value):
    """One upright page in reading order. `number` counts from 1.

    `unread_lines` counts lines of text that the engine found and could not read, where they are many: most likely they
    are in a script that it does not know.
    """

    number: int = Field(ge=1)
    width: int
    height: int
    words: tuple[Word, ...]
    unread_lines: int = 0


class Found(Value, Generic[T]):
    """One field's value with where it came from. `evidence` is the text that it was read from."""

    value: T
    confidence: float = Field(ge=0.0, le=1.0)
    page: int | None = None
    bbox: BBox | None = None
    evidence: str = ""


class Tax(Value):
    """One row of a tax table. `rate` in percent, `net` and `amount` in the receipt's currency."""

    rate: Decimal | None = None
    net: Decimal | None = None
    amount: Decimal | None = None


class Payment(Value):
    """One tender: `method` is one of cash, card, voucher, mobile, transfer, cheque, other."""

    method: str
    amount: Decimal | None = None


class LineItem(Value):
    """One bought thing. `total` is after its own discount, which is positive when there is one.

    `category` is printed nowhere; it is given to it.
    """

    description: str
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    discount: Decimal | None = None
    total: Decimal | None = None
    category: str | None = None


class ElectronicInvoice(Value):
    """An invoice's XML by EN 16931. Amounts are in `currency`; `total` is with tax, negative for a credit note.

    `syntax` is CII (ZUGFeRD, Factur-X) or UBL (Peppol, XRechnung). `line_items` are net of tax.
    """

    syntax: Literal["CII", "UBL"]
    number: str
    issued: dt.date
    seller: str
    seller_tax_id: str | None = None
    seller_address: str | None = None
    country: str | None = None
    currency: str
    lines_net: Decimal | None = None
    allowances: Decimal = Decimal(0)
    charges: Decimal = Decimal(0)
    net: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal
    prepaid: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    payable: Decimal | None = None
    taxes: tuple[Tax, ...] = ()
    line_items: tuple[LineItem, ...] = ()


class DocumentText(Value):
    """What OCR made of one object: the durable result of `extract_text`.

    `invoice` is the electronic invoice that the object is or carries.
    """

    sha256: str
    media_type: str
    engine: str
    engine_version: str
    pages: tuple[Page, ...]
    invoice: ElectronicInvoice | None = None

    @property
    def plain(self) -> str:
        """Every word that was read, in order."""
        return "\n".join(" ".join(word.text for word in page.words) for page in self.pages)


class Check(Value):
    """One cross-check over the fields, in words a person understands. `held` is None where it could not be made."""

    name: str
    held: bool | None
    detail: str


class Candidates(TypedDict, total=False):
    """Of the fields that decide, all values that may be meant: best first, the chosen one before the others.

    The confidences of one field's add up to at most about 1.0.
    """

    total: tuple[Found[Decimal], ...]
    purchase_date: tuple[Found[dt.date], ...]
    currency: tuple[Found[str], ...]
    merchant: tuple[Found[str], ...]


class Choice(Value):
    """What a rule chose for a field in place of what was read (`machine`, None where nothing was), and why."""

    field: str
    value: str
    machine: str | None = None
    rule: int
    why: str


class ReceiptFields(Value):
    """What was read from one receipt: the durable result of `parse_receipt`.

    `amounts` has what each kind of label on the receipt stands at (cash, change, service, discount …) in printed
    order, so that the checks can be made again when a person changes a value. Results from before parser version 7
    have neither `candidates` nor `amounts`.
    """

    parser_version: str
    merchant: Found[str] | None = None
    merchant_address: Found[str] | None = None
    merchant_phone: Found[str] | None = None
    merchant_tax_id: Found[str] | None = None
    purchase_date: Found[dt.date] | None = None
    purchase_time: Found[dt.time] | None = None
    total: Found[Decimal] | None = None
    subtotal: Found[Decimal] | None = None
    tax: Found[Decimal] | None = None
    tip: Found[Decimal] | None = None
    rounding: Found[Decimal] | None = None
    currency: Found[str] | None = None
    country: Found[str] | None = None
    language: Found[str] | None = None
    receipt_number: Found[str] | None = None
    category: Found[str] | None = None
    payments: tuple[Found[Payment], ...] = ()
    taxes: tuple[Found[Tax], ...] = ()
    line_items: tuple[Found[LineItem], ...] = ()
    checks: tuple[Check, ...] = ()
    decision: Literal["accept", "review"] = "review"
    reasons: tuple[str, ...] = ()
    candidates: Candidates = Field(default_factory=Candidates)
    amounts: dict[str, tuple[Decimal, ...]] = Field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
