"""What of a mail is a receipt: attached, inline, in attached mails, archives and winmail.dat, or the mail itself.

Layout pictures are not; a part is what its bytes are; hostile and encrypted mails are refused with their cause.
"""

from __future__ import annotations

import dataclasses
from email.message import EmailMessage, Message

import pytest
from mail_helpers import a_mail, a_picture, attach
from pdf_pages import page, shown
from test_containers import packed, winmail
from test_einvoice import CII

from flows.containers import ContainerLimits
from flows.mail import MailContents, MailLimits, MailPart, MailRefusedError, Refusal, contents_of, parse_mail
from flows.mail.invoice_pairs import without_second_showings

PDF = b"%PDF-1.4\n%%EOF\n"
PHOTO = a_picture(900, 1200)
LOGO = a_picture(300, 90)


def found(mail: Message, limits: MailLimits | None = None) -> MailContents:
    return contents_of(parse_mail(mail.as_bytes()).message, limits or MailLimits())


def names(mail: Message) -> list[str]:
    return [part.name for part in found(mail).receipts]


def refusal(mail: Message, limits: MailLimits | None = None) -> Refusal:
    with pytest.raises(MailRefusedError) as raised:
        found(mail, limits)
    assert str(raised.value)
    return raised.value.code


def forwarded(inner: EmailMessage) -> EmailMessage:
    outer = a_mail("Please book this, it cost 5.00.", identity="<outer@example.org>")
    outer.add_attachment(inner)
    return outer


def test_thirty_receipts_in_one_mail_each_have_a_place_of_their_own() -> None:
    mail = a_mail()
    for number in range(30):
        attach(mail, PDF + bytes([number]), "receipt.pdf")
    contents = found(mail)
    assert len({part.path for part in contents.receipts}) == 30
    assert [part.data[-1] for part in contents.receipts] == list(range(30))
    assert found(mail) == contents


def test_inline_pdfs_and_photos_are_taken_and_layout_is_not() -> None:
    mail = a_mail("Hello", html='<p>Thanks</p><img src="cid:logo"><img src="cid:photo">')
    attach(mail, PDF, "inline.pdf", inline=True)
    attach(mail, LOGO, "logo.jpg", inline=True, cid="<logo>")
    attach(mail, PHOTO, "IMG_1.jpg", inline=True, cid="<photo>")
    attach(mail, a_picture(1, 1), "pixel.jpg")
    attach(mail, LOGO, "stub.jpg", inline=False)
    assert names(mail) == ["inline.pdf", "IMG_1.jpg"]
    assert len(found(mail).passed_over) == 3


def test_an_attached_slip_is_taken_though_it_is_small() -> None:
    assert names(attach(a_mail(), a_picture(200, 400, noisy=False), "slip.jpg")) == ["slip.jpg"]


def test_a_part_is_what_its_bytes_are() -> None:
    mail = attach(attach(a_mail(), PDF, "noname.bin"), b"MZ program", "receipt.pdf")
    assert names(mail) == ["noname.bin"]
    assert "receipt.pdf" in found(mail).passed_over[0] and "program" in found(mail).passed_over[0]


def test_attachments_of_attached_mails_are_taken_and_the_cover_is_not() -> None:
    inner = attach(a_mail(identity="<inner@shop.example>"), PDF, "bill.pdf")
    assert names(forwarded(forwarded(inner))) == ["bill.pdf"]


def test_an_attached_mail_without_attachment_is_the_receipt_itself() -> None:
    inner = a_mail("x", html="<h1>Your order</h1><p>Total: 12,99 EUR</p>", identity="<inner@shop.example>")
    (part,) = found(forwarded(inner)).receipts
    assert (part.name, b"12,99" in part.data) == ("Receipt.html", True)


def test_a_mail_as_a_file_is_a_mail() -> None:
    inner = attach(a_mail(identity="<inner@shop.example>"), PDF, "bill.pdf")
    assert names(attach(a_mail(), inner.as_bytes(), "forwarded.eml")) == ["bill.pdf"]


def test_html_goes_before_text_and_is_utf_8_whatever_it_was() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Ihre Rechnung/€"
    mail.set_content("Summe 3,50 €")
    html = '<meta charset="iso-8859-1"><p>Käse 3,50 €</p>'
    mail.add_alternative(html.encode("iso-8859-15"), "text", "html", params={"charset": "iso-8859-15"})
    (part,) = found(mail).receipts
    assert part.name == "Ihre Rechnung.html"
    assert part.data.decode("utf-8-sig").count("Käse 3,50") == 1


@pytest.mark.parametrize("text", ["Total 7.50", "¥1200", "20 €", "Summe: 1.234,56 EUR"])
def test_text_with_an_amount_is_a_receipt(text: str) -> None:
    (part,) = found(a_mail(text)).receipts
    assert part.name == "Receipt.txt"


@pytest.mark.parametrize("text", ["See attached.", "On 12.11.2026 at 10:30", "", "Version 1.50em of 3", "100.00%"])
def test_text_without_an_amount_is_none(text: str) -> None:
    assert refusal(a_mail(text)) is Refusal.NO_RECEIPT


def test_amounts_in_styles_and_scripts_do_not_count() -> None:
    html = "<style>p{line-height:1.25}</style><script>x=12.50</script><p width='1.50'>Hello</p>"
    assert refusal(a_mail("Hello", html=html)) is Refusal.NO_RECEIPT


def test_archives_and_winmail_are_opened() -> None:
    mail = attach(a_mail(), packed({"a/1.pdf": PDF, "2.jpg": PHOTO, "notes.txt": b"hello"}), "month.zip")
    attach(mail, winmail({"3.pdf": PDF}), "winmail.dat")
    assert names(mail) == ["1.pdf", "2.jpg", "3.pdf"]
    assert "notes.txt" in found(mail).passed_over[0]


def test_a_bomb_in_an_archive_is_passed_over_with_its_reason() -> None:
    limits = dataclasses.replace(MailLimits(), contained=ContainerLimits(max_file_bytes=1000))
    mail = attach(attach(a_mail(), packed({"bomb.jpg": bytes(5_000_000)}), "bomb.zip"), PDF, "bill.pdf")
    contents = found(mail, limits)
    assert [part.name for part in contents.receipts] == ["bill.pdf"]
    assert "bomb.zip" in contents.passed_over[0]


def test_too_many_receipts_parts_and_levels_are_refused() -> None:
    mail = a_mail()
    for _ in range(6):
        attach(mail, PDF, "1.pdf")
    assert refusal(mail, MailLimits(max_receipts=5)) is Refusal.TOO_MANY
    assert refusal(mail, MailLimits(max_parts=5)) is Refusal.TOO_MANY
    deep = attach(a_mail(), PDF, "1.pdf")
    for _ in range(9):
        deep = forwarded(deep)
    assert refusal(deep) is Refusal.TOO_DEEP


def test_a_mail_nested_beyond_what_can_be_parsed_is_refused() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 3000 + b"hello"
    with pytest.raises(MailRefusedError) as raised:
        contents_of(parse_mail(raw).message, MailLimits())
    assert raised.value.code is Refusal.TOO_DEEP


@pytest.mark.parametrize("kind", ["multipart/encrypted", "application/pkcs7-mime"])
def test_an_encrypted_mail_says_so(kind: str) -> None:
    mail = a_mail("Total 7.50")
    mail.replace_header("Content-Type", f'{kind}; boundary="x"')
    assert refusal(mail) is Refusal.ENCRYPTED


@pytest.mark.parametrize(
    "hostile",
    [
        "Content-Type: text/html; charset=no-such-charset\r\n\r\nTotal 7.50",
        'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nTotal 7.50',
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nVG90YWwgNy41MA=",
        "Content-Type: text/plain\r\nSubject: =?no-such?q?x?=\r\n\r\nTotal 7.50",
        "Content-Type: text/html\r\n\r\n" + "<" * 200_000 + " Total 7.50",
        "Content-Type: text/html\r\n\r\n" + "<style" * 50_000 + "</style> Total 7.50",
        "Content-Type: text/plain\r\n\r\n" + "1." * 100_000 + " Total 7.50",
    ],
    ids=["charset", "boundary", "base64", "subject", "angles", "styles", "digits"],
)
def test_what_mail_programs_do_wrong_is_still_read(hostile: str) -> None:
    mail = parse_mail(hostile.encode())
    assert len(contents_of(mail.message, MailLimits()).receipts) == 1


def _xml_parts(*pdfs: bytes, place: str = "") -> list[MailPart]:
    """An invoice R-471 of 5.35 and PDFs, as parts of one mail."""
    files = [("invoice.xml", CII.encode()), *((f"{number}.pdf", pdf) for number, pdf in enumerate(pdfs))]
    return [MailPart(f"{place}{number}.", name, data) for number, (name, data) in enumerate(files, start=2)]


def test_an_invoice_and_the_pdf_that_shows_it_are_one_receipt() -> None:
    shows = page(shown(("Invoice R-471", "Total EUR 5.35")))
    kept, passed = without_second_showings(_xml_parts(shows))
    assert ([part.name for part in kept], passed) == (
        ["invoice.xml"],
        ["0.pdf (shows the same invoice as invoice.xml)"],
    )


def test_the_pdf_that_carries_the_xml_is_the_receipt() -> None:
    carries = page(shown(("Invoice R-471", "Total EUR 5.35")), attached=("factur-x.xml", CII.encode()))
    kept, passed = without_second_showings(_xml_parts(carries))
    assert ([part.name for part in kept], passed) == (["0.pdf"], ["invoice.xml (the same invoice is in 0.pdf)"])


@pytest.mark.parametrize(
    "lines",
    [("Invoice R-472", "Total EUR 5.35"), ("Invoice R-471", "Total EUR 15.35"), ("Invoice R-4710", "Total 5.35"), ()],
)
def test_another_pdf_beside_an_invoice_is_a_receipt_of_its_own(lines: tuple[str, ...]) -> None:
    parts = _xml_parts(page(shown(lines)), PDF)
    assert without_second_showings(parts) == (parts, [])


def test_an_invoice_and_a_pdf_of_different_mails_are_two() -> None:
    shows = page(shown(("Invoice R-471", "Total EUR 5.35")))
    parts = [_xml_parts()[0], MailPart("3.m.2.", "a.pdf", shows)]
    assert without_second_showings(parts) == (parts, [])
