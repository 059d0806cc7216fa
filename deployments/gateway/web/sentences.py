"""Sentences that routes and the layers below them say in English, told in the visitor's language.

Each is a text of the catalogue; `%(name)s` stands for whatever a message has there. A message that fits none stays
English. Of several joined by semicolons each is told by itself.
"""

from __future__ import annotations

import re
from functools import cache

from deployments.gateway.web.texts import translations


def N_(text: str) -> str:  # noqa: N802  # gettext's name for a text that is translated elsewhere
    """Marks a text for the catalogue."""
    return text


SENTENCES = (
    # What was done.
    N_("Changed."),
    N_("Nothing was changed."),
    N_("1 receipt is safe."),
    N_("%(n)s receipts are safe."),
    N_("1 receipt is safe. %(known)s of them were there already."),
    N_("%(n)s receipts are safe. %(known)s of them were there already."),
    N_("Taken back: it waits again."),
    N_("The rule is off."),
    N_("The rule is on."),
    N_("%(done)s of %(all)s done."),
    N_("%(done)s of %(all)s done. Not done: %(why)s"),
    N_("Corrected. No later reading changes it."),
    N_("Voided: it counts no more."),
    N_("It counts again."),
    N_("It is read again."),
    N_("The receipt is deleted, with its picture and its expense."),
    N_("The webhook is deleted."),
    N_("It is delivered once more."),
    N_("The key is revoked."),
    N_("Your password is set. Other browsers are signed out."),
    N_("That browser is signed out."),
    N_("The filter is kept."),
    N_("The filter is deleted."),
    N_("Booked: %(what)s"),
    N_("Booked as %(n)s expenses."),
    N_("Booked with %(n)s further pages: %(what)s"),
    N_("Read there: %(what)s"),
    N_("Nothing was read there. Choose a larger part."),
    N_("The rule is made. It acts on later receipts."),
    N_("The rule is removed."),
    N_("Dismissed."),
    N_("Nothing is new, changed or voided since the last export; none was made."),
    N_("Export %(number)s is made: %(new)s new, %(changed)s changed, %(voided)s voided."),
    N_("Export %(number)s is made: %(new)s new, %(changed)s changed, %(voided)s voided, %(refused)s left out."),
    N_("Saved. %(tried)s"),
    N_("The connection works: %(what)s."),
    N_("The connection does not work: %(why)s"),
    N_("Saved. The connection works: %(what)s."),
    N_("Saved. The connection does not work: %(why)s"),
    N_("No server is set yet."),
    N_("The server is forgotten; what it was told stays noted."),
    N_("The export has begun; below is what becomes of it."),
    N_("%(n)s changed."),
    # What the gateway waits for while it starts.
    N_("The program is being loaded."),
    N_("The database is being started and brought up to date."),
    # What was refused, and what to do.
    N_("There is no such page."),
    N_("A part behind this page does not answer just now. Nothing is lost; try again in a moment."),
    N_("This should not have happened. It is in the gateway's log; try again."),
    N_("Nobody is signed in here, or the session has ended: sign in."),
    N_("This request comes from another page than ours. Open the page again and repeat it there."),
    N_("This needs the role %(role)s; you are %(mine)s."),
    N_("Name or password is wrong."),
    N_("Wrong tries to sign in may make %(rate)s; wait %(wait)s s."),
    N_("This key may make %(rate)s; wait %(wait)s s."),
    N_("An address without a valid key may make %(rate)s; wait %(wait)s s."),
    N_("Nobody is signed in here, so nothing was taken in. Sign in, and share again."),
    N_("Share from another app, or hand in on the page."),
    N_("As a viewer you see receipts; handing in needs the role reviewer."),
    N_("This address has a certificate that devices trust already, or none."),
    N_("There is no picture (yet): it is made when the receipt is read."),
    N_("A file is empty; send the picture itself."),
    N_("A file may have at most %(n)s bytes; send a smaller picture."),
    N_("There is no file in the body; send one as multipart field `file`, or as the body itself."),
    N_("%(name)s was made by an operating system and is no receipt; leave it out."),
    N_("%(name)s is no sound ZIP archive (%(why)s); pack it again."),
    N_("%(name)s holds %(n)s files, more than %(most)s: split it."),
    N_("%(name)s is encrypted: pack it again without a password."),
    N_("%(file)s in %(name)s is larger than allowed: at most %(most)s bytes a file and %(all)s in all. Split it."),
    N_("%(name)s holds no pictures and no PDFs: it is an archive of something else."),
    N_("The body came too slowly; send it again."),
    N_("The sender went away before the body ended."),
    N_("The multipart body is malformed: %(why)s"),
    N_("reason: choose one of %(known)s; duplicate_of: a receipt's id"),
    N_("into: choose the category that takes its expenses"),
    N_("change: choose what to do with the chosen expenses"),
    N_("pages: choose the receipts that are further pages of this one"),
    N_("pages: choose two or more receipts, the pages of one"),
    N_("%(side)s: give a number; all four sides are needed"),
    N_("page, left, top, right and bottom: give numbers of a part of a page"),
    N_("page: this receipt has %(count)s"),
    N_("This receipt was not read yet; read it again first."),
    N_("This receipt was not read yet, so it has no page to draw on; wait until it was, or read it again."),
    N_("Nothing can be read again just now, as Prefect does not answer. Type the value, or try again later."),
    N_("The readers are busy with other receipts. Type the value, or try again in a minute."),
    N_("The picture is not in its bucket any more, so nothing of it can be read again."),
    N_("kind: choose whether it names a merchant or chooses a category"),
    N_("url: give an address of at most %(n)s characters"),
    N_("url: %(why)s"),
    N_("kind: %(kind)s is none that has accounts"),
    N_("kind: choose one of %(known)s"),
    N_("role: choose one of %(known)s"),
    N_("days: give a number from 1 to %(n)s, or nothing for a key without an end"),
    N_("name: give 1 to %(n)s visible characters"),
    N_("name: %(name)s is taken by another person; choose another name"),
    N_("password: give %(least)s to %(most)s characters"),
    N_("password: the two are not the same; type the new one twice"),
    N_("current password: this is not it"),
    N_("time zone: there is none of this name; choose one like Europe/Berlin"),
    N_("this is the last admin of %(owner)s; make another person admin first"),
    N_("filter: show a part of the expenses first, then keep what is shown"),
    N_("filter: %(n)s are kept already; delete one first"),
    N_("%(what)s was changed meanwhile (%(changes)s); look at it again and decide then"),
    N_("nothing was decided on receipt %(receipt)s that could be taken back"),
    N_(
        "receipt %(receipt)s seems to be the same purchase as receipt %(other)s; "
        "keep both, or dismiss it as a duplicate"
    ),
    N_("there is no category %(name)s; make it first, or give one of: %(known)s"),
    N_("name: %(name)s means the category %(other)s already; choose another name, or merge them"),
    # Why an accounting program would refuse an expense.
    N_("it has no date; correct it"),
    N_("it has no currency; correct it, or name one for all such expenses under Accounts"),
    N_("its taxes are larger than its total; correct them"),
    N_("its total is zero, and Firefly takes no amount of zero; leave it out"),
    N_("the budget is in %(theirs)s, it is in %(own)s, and no rate is known for its day"),
    N_("Actual has two decimal places, and its total has more; leave it out"),
    N_(
        "%(what)s goes to the account %(account)s, which is none of the accounts that there are; add it to them, or "
        "name another one for it, under Accounts"
    ),
    N_("what has no category or payment method"),
    N_("the account %(account)s cannot be one here; name another one under Accounts"),
    N_(
        "Beancount takes no account %(account)s: it begins with Assets, Liabilities, Equity, Income or Expenses, and "
        "each part with a capital or a digit; name another one under Accounts"
    ),
    N_(
        "OFX takes account names of %(n)s characters, without the currency behind it: %(account)s is longer; name a "
        "shorter one under Accounts"
    ),
    # Signing in with a provider.
    N_("No provider is set up here: sign in with name and password."),
    N_("The provider does not answer just now. Try again in a moment, or sign in with your password."),
    N_("This browser began no sign-in, or more than ten minutes ago. Try again."),
    N_("This answer belongs to another try to sign in. Try again."),
    N_("This answer comes from another provider. Try again."),
    N_("The provider calls itself %(name)s; RECEIPTFLOW_OIDC_ISSUER has to be the same."),
    N_("The provider does not say its %(what)s; it is none for OpenID Connect."),
    N_("The provider refused: %(why)s."),
    N_("The provider does not say that your email is yours (email_verified)."),
    N_("%(email)s is of none of the domains that may sign in here."),
    N_("The provider does not tell your %(claim)s; its operator can let it."),
    N_("The provider gave no token: %(why)s. Try again."),
    N_("The provider's token does not hold: %(why)s. Try again."),
    N_("The provider tells about somebody else than who signed in."),
    N_("This link was used already or has expired; ask for a new one (`receiptflow people link`)."),
    N_("nobody here is named %(name)s; an admin adds them under People with this name"),
    N_("%(name)s is somebody else at the provider; an admin gives you a name of your own"),
    N_("%(name)s is disabled; an admin lets them in again under People"),
)
_LONGEST = 600
_PLACE = re.compile(r"%\\\((\w+)\\\)s")  # as re.escape writes it


def told(text: str, language: str, sentences: tuple[str, ...] = SENTENCES) -> str:
    """A message in a language of the pages.

    Args:
        text: As it was said, in English.
        language: As `texts.LANGUAGES` has it.
        sentences: Which ones it may be.
    """
    if language == "en" or len(text) > _LONGEST:
        return text
    whole = _told(text, language, sentences)
    if whole is not None:
        return whole
    parts = text.split("; ")
    return "; ".join(_told(part, language, sentences) or part for part in parts) if len(parts) > 1 else text


def _told(text: str, language: str, sentences: tuple[str, ...]) -> str | None:
    found = translations(language).gettext(text) if text else text
    if found != text:
        return found
    for pattern, sentence in _patterns(sentences):
        if fits := pattern.fullmatch(text):
            inside = {name: _inside(name, value, language, sentences) for name, value in fits.groupdict().items()}
            return translations(language).gettext(sentence) % inside
    return None


def _inside(name: str, value: str, language: str, sentences: tuple[str, ...]) -> str:
    """A reason inside a sentence is one itself, and so may be what an account is for."""
    return told(value, language, sentences) if name in {"why", "what"} else value


@cache
def _patterns(sentences: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    """Those with something in them; the longest first, as a short one fits what a long one fits better."""
    open_ones = sorted((one for one in sentences if "%(" in one), key=len, reverse=True)
    return [(re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(one)), re.DOTALL), one) for one in open_ones]
