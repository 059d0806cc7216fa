"""What the text of a line says about being a merchant's name: legal forms, trades, addresses, contacts, boilerplate."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from flows.reading.parser.currency_marks import MARKS
from flows.reading.parser.folding import fold, squeeze


def _compiled(patterns: Sequence[str]) -> re.Pattern[str]:
    """Compile alternatives with their letters folded as the text is: Hangul falls into its parts."""
    return re.compile("|".join(re.sub(r"[^\x00-\x7f]+", lambda match: fold(match[0]), each) for each in patterns))


_LEGAL_HERE = (
    r"\bs[do0]n\b\.?\s*,?\s*\bb[hn][do0]\b|\bsbn\.? bhd\b|\bs/b\b|\bsb$|\bbhd\b|\bgmbh\b|\w*ges\.? ?mbh\b|\bmbh\b|"
    r"\bohg\b|\be\.? ?k\.?$|\bltd\b|"
    r"\blimited\b|\bplc\b|\bllc\b|\binc\b\.?|\bcorp\b|\bcorporation\b|\bllp\b|\bpte\b|\bpty\b|\bpvt\b|\bsarl\b|"
    r"\bs\.a\.r\.l|\bs\.a\.s\b|\bsas$|"
    r"\bs\.a\b|\bs\.l\b|\bs\.l\.u|\bs\.?l\.?u?$|\bs\.?r\.?l\b|\bs\.p\.a\b|\bspa$|\bb\.?v\b|\bn\.v\b|\blda\b|"
    r"\bltda\b|\boyj?\b|\bab$|\baps\b|"
    r"\ba/s\b|\bag$|\bco\.? ?kg\b|[a-z]{3,} kg$|^pt\.? |\btbk\b|^cv\.? |株式会社|有限会社|有限公司"
)
_LISTED: dict[str, list[str]] = json.loads(
    files("flows.reading.parser").joinpath("names.json").read_text(encoding="utf-8")
)
# The table's forms are folded; the ones above read through OCR's slips in the commonest.
_LEGAL = _compiled([_LEGAL_HERE, *_LISTED["legal_forms"]])
_PAPER_WORDS = _compiled(_LISTED["papers"])
_ROLE_WORDS = _compiled(_LISTED["roles"])
_STREET_FORMS = _compiled(_LISTED["addresses"])
_OTHER_PAPERS = _compiled([rf"\W*(?:{'|'.join(_LISTED['other_papers'])})(?:\W*(?:n[or]\W*)?[\d\-/]*)?\W*"])
_TRADE_WORDS = frozenset(_LISTED["trades"])
_FORM_WORDS = frozenset(_LISTED["forms"])
_HEADING_WORDS = frozenset(_LISTED["headings"])
_ADDRESS = re.compile(
    r"\b(?:jalan|jln|jl|jin|lot|taman|tmn|level|floor|flr|road|rd|street|str|strasse|platz|allee|avenue|ave|rue|"
    r"via|viale|piazza|calle|plaza|"
    r"rua|avenida|av|laan|straat|plein|katu|tie|gatan|vagen|blvd|boulevard|suite|bandar|kampung|kg\.|km|box|place|"
    r"lane|drive|hwy|highway|building|"
    r"bangunan|kawasan|seksyen|section|lorong|"
    r"pusat (?:dagangan|perdagangan|bandar)|batu|block|blk|quai|impasse|cours|corso|selangor|unit)\b|str\.|"
    r"strasse\b|weg \d|\bno\.? ?:? ?\d|"
    r"\b\d{5,6}\b|\b[a-z]\d[a-z] ?\d[a-z]\d\b|^\d{1,5}[a-z]?[,\-/ ]|(?:strasse|straat|gatan|katu|ring|weg|gasse|"
    r"damm|ufer) ?\d|"
    r"[都道府県市区町村].*\d|"
    r"\d+(?:丁目|番地)|[省市路].*号",
)
_STREET_WORDS = (
    "jalan",
    "street",
    "avenue",
    "strasse",
    "platz",
    "bandar",
    "kampung",
    "selangor",
    "boulevard",
    "straat",
)
_CONTACT = re.compile(
    r"\btel\b|\bte[1l]\b|phone|\bfax\b|\bmobile\b|\bhp\b ?:|whatsapp|www\.|https?:|\w@\w[\w\-]*\.|\.(?:com|net|"
    r"org|de|fr|my|co\.uk|it|es|nl|fi|se|pt)\b|\bcall\b|hotline|"
    r"facebook|instagram|電話|电话|\bc/c\b|\biban\b"
)
_NUMBER_OF = re.compile(r":\s*\+?[\d(][\d\s\-()]{8,}$")  # `Careline: 1800 88 1231`
_PAPER = re.compile(
    r"invoice|receipt|rechnung|quittung|kassenbon|\bbeleg\b|\bticket\b|\bfacture|\bfactura|ricevuta|scontrino|"
    r"documento commerciale|\brecibo\b|fatura|"
    r"kuitti|kvitto|\bkassabon\b|\bbon\b|\bnota\b|\bstruk\b|\bgst\b|\bvat\b|\bsst\b|\btax\b|ust-?id|steuer|\bmwst\b|"
    r"\btva\b|\bsiret\b|\bnif\b|\bp\.? ?iva|"
    r"reg(?:istration)?\.? ?no|co\.? ?reg|company no|co\. ?no|\broc\b|cashier|kassier|\bkasse\b|\btable\b|"
    r"\btisch\b|\bdate\b|\bdatum\b|\btime\b|"
    r"operator|\bserver\b|\border\b|copy|credit note|customer|duplicate|reprint|\bsite\b|hours|\bopen|offnungs|"
    r"cash sales|\bwelcome\b|willkommen|"
    r"bienvenue|benvenuti|thank|danke|\bmerci\b|gracias|obrigad|grazie|kiitos|\btack\b|terima kasih|\bpos\b|"
    r"\bterminal\b|counter|\bmember\b|"
    r"\bsubtotal|\btotal\b|\bamount\b|\bqty\b|description|save money|registered|business no|\babn\b|\bbranch\b|"
    r"\bguest|\bcheck ?#|\bstaff\b|trans(?:action)?\b|"
    r"error|warning|\bduty free\b|carry out|take ?away|dine in"
)
_STAMP = re.compile(
    r"\W*(?:posted|tosted|paid|received|entered|checked|approved|verified|original|void|cancelled|bezahlt|gebucht|"
    r"erledigt|paye|"
    r"pagado|pagato|betaald|lunas|processed|scanned|claimed)\W*$"
)
_ALIAS = re.compile(r"[\s\[(]*\b(?:f\.?k\.?a|formerly|t/a|trading as|d/?b/?a)\b.*$", re.IGNORECASE)
_INNER_REGISTRATION = re.compile(r"\s*[\[(]?\s*\b[A-Z]{0,2}\d{5,}\s?-\s?[A-Z]\b.*$", re.IGNORECASE)
_TITLE = re.compile(
    r"\W*(?:simplified |tax |sales |cash )*(?:invoice|receipt|rechnung|quittung|kassenbon|ticket de caisse|"
    r"facture|factura simplificada|"
    r"documento commerciale|scontrino|kassabon|fatura simplificada|kuitti|kvitto)\W*$"
)
_ROLE = re.compile(
    r"\bowned by|\boperated by|\bmanaged by|licen[sc]ee|formerly|bill(?:ed)? to|sold to|deliver(?:y|ed)? to|"
    r"ship to|\bmember of|franchise|a division of|"
    r"\bpart of|\bby :|kunde\b|\bclient\b|\binh\. |bediente|powered by|for staff|\battn\b|\bname\b ?:"
)
_REGISTRATION = re.compile(
    r"\s*[\[({]?\s*(?:co(?:mpany)?\.?\s*(?:reg\.?)?\s*(?:no\.?)?\s*:?\s*)?[A-Z]{0,3}\d[\d\s]{3,}\s*-?\s*[A-Z\d]{0,2}\s*[\])}]?\s*\.?\s*$",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:\w{2,8}: ?[\d'/]+ |[#*\W]*#?\d{5,}\s+|[^\w(]+)")
_LONG_TITLE = 12  # letters
_TITLES = (
    *("cashsale", "cashsales", "taxinvoice", "simplifiedtaxinvoice", "officialreceipt", "salesreceipt", "cashreceipt"),
    *("rechnung", "quittung", "kassenbon", "kassabon", "ticketdecaisse", "facturasimplificada"),
    *("documentocommerciale", "paragonfiskalny", "kvittering"),
)
_MIN_HEADINGS = 2
_SEPARATED, _MIN_OFFERS = re.compile(r" [-–—·•|*] "), 3
_NUMBERED_COMPANY = re.compile(
    r"\d{4,7}[ -]?\d{0,4} [^\W\d_0]?\w+(?: \w+)? (?:inc|ltd|ltee|lte|corp|limited|limitee)\b\.?"
)
# A number that authorities know the shop by, behind its name.
_INNER_IDENTITY = re.compile(
    r"\s*\b(?:R\.?U\.?T|C\.?I\.?F|N\.?I\.?F|N\.?I\.?P|C\.?U\.?I\.?T|C\.?N\.?P\.?J|R\.?F\.?C|R\.?U\.?C|GSTIN|ABN|UID|"
    r"SIRET|P\.? ?IVA|CHE|ATU)\b[^\w]*(?:N[ro°º]\.?[^\w]*)?[A-Z]{0,4}[-. ]?\d.*$",
    re.IGNORECASE,
)
_GOODS = re.compile(r"\b\d+ ?(?:g|kg|ml|cl|l|stk|szt|pcs)\b")
_MOST_NAME_WORDS = 6
_SLIPPED_FORM = re.compile(r"\b[S5]/[B8]\b")


def legal_form(text: str) -> bool:
    """Tell whether the text carries a company's legal form (GmbH, Sdn Bhd, Ltd, S.r.l. …)."""
    return _LEGAL.search(fold(clean_name(text))) is not None and not heads_columns(text)


def trade_word(text: str) -> bool:
    """Tell whether the text names a trade (restaurant, bakery, Baumarkt …)."""
    return any(word in _TRADE_WORDS for word in _folded_words(text))


def only_trade(text: str) -> bool:
    """Tell whether the text describes a trade and names nobody: `BISTRO & CAFE`."""
    return all(word in _TRADE_WORDS or len(word) < 3 for word in _folded_words(text))


def looks_like_address(text: str) -> bool:
    """Tell whether the text reads like a part of an address, its key words read through one OCR slip."""
    folded = fold(text)
    if _ADDRESS.search(folded) is not None or _STREET_FORMS.search(folded) is not None:
        return True
    return any(len(word) >= 5 and _street_word(word) for word in _folded_words(text))


@lru_cache(maxsize=20_000)
def _street_word(word: str) -> bool:
    return (
        process.extractOne(word, _STREET_WORDS, scorer=Levenshtein.normalized_similarity, score_cutoff=0.79) is not None
    )


def looks_like_contact(text: str) -> bool:
    return _CONTACT.search(fold(text)) is not None or _NUMBER_OF.search(text) is not None


def looks_like_paper(text: str) -> bool:
    """Tell whether the text is what any receipt says about itself (kind, numbers, greetings), or a stamp."""
    folded = fold(text)
    return any(
        (
            _PAPER.search(folded),
            _PAPER_WORDS.search(folded),
            _STAMP.match(folded),
            is_stamp(text),
            heads_columns(text),
            _is_mark(text),
            _is_misread_title(text),
        )
    )


def heads_columns(text: str) -> bool:
    """Tell whether the text is the heading of a table of goods: `Articolo Qtà Prezzo Totale`."""
    found = [word for word in _folded_words(text) if len(word) > 1]
    heading = sum(word in _HEADING_WORDS for word in found)
    return heading >= _MIN_HEADINGS and 4 * heading >= 3 * len(found)


def is_numbered_company(text: str) -> bool:
    """Tell whether the text is a company whose only name is its number: `1734421 ONTARIO INC.`"""
    return _NUMBERED_COMPANY.fullmatch(fold(text).strip()) is not None


def is_stamp(text: str) -> bool:
    """Tell whether the text is a stamp's single word, one letter of it misread at most: `PAIT`."""
    word = squeeze(text)
    return text.isupper() and word in _stamp_slips()


@lru_cache(maxsize=1)
def _stamp_slips() -> frozenset[str]:
    """Return the short stamps with each letter replaced in turn."""
    return frozenset(
        word[:place] + letter + word[place + 1 :]
        for word in _LISTED["stamps"]
        for place in range(len(word))
        for letter in "abcdefghijklmnopqrstuvwxyz0158"
    )


def _is_misread_title(text: str) -> bool:
    """Tell whether the text is a receipt's title, a letter or two of it misread: `Cash Saie`, `TAX INVDICE`."""
    word = squeeze(text)
    return any(
        abs(len(word) - len(title)) <= 1 and Levenshtein.distance(word, title) <= (1 if len(title) < _LONG_TITLE else 2)
        for title in _TITLES
    )


def _is_mark(text: str) -> bool:
    """Tell whether the text is a currency's code or sign and nothing else."""
    return text.strip(" .:-*").upper() in MARKS


def is_registration(text: str) -> bool:
    """Tell whether the text is a company's registration number alone: `(801580-T)`, `Co. Reg. No: 1082-K`."""
    return _REGISTRATION.fullmatch(text) is not None


def titles_receipt(text: str) -> bool:
    """Tell whether the text is a receipt's title alone: `TAX INVOICE`, `Quittung`, `Ticket de caisse`."""
    return _TITLE.match(fold(text)) is not None


def titles_other_paper(text: str) -> bool:
    """Tell whether the text is the title of a paper that is no purchase's: a refund, a deposit's return, an offer."""
    return _OTHER_PAPERS.fullmatch(fold(text)) is not None


def names_another_role(text: str) -> bool:
    """Tell whether the text introduces someone who is not the shop: an owner, a licensor, the customer."""
    folded = fold(text)
    return _ROLE.search(folded) is not None or _ROLE_WORDS.search(folded) is not None


def looks_garbled(text: str) -> bool:
    """Tell whether a name's letters are no writing of any language: a logo or a watermark that OCR made up.

    Two scripts in one word, capitals inside of words, figures between letters, and long runs without a vowel.
    """
    words = re.findall(r"[^\W_]+", text)
    if any(_mixes_scripts(word) for word in words):
        return True
    strange = sum(len(word) for word in words if _is_strange(word))
    return strange * 2 > sum(len(word) for word in words)


def _mixes_scripts(word: str) -> bool:
    scripts = {unicodedata.name(char, "?").split()[0] for char in word if char.isalpha()}
    return len(scripts & {"LATIN", "GREEK", "CYRILLIC"}) > 1


def _is_strange(word: str) -> bool:
    if len(word) < 5 or word.isdigit():
        return False
    turns = len(re.findall(r"[a-z][A-Z]", word))
    voiceless = word.isascii() and not re.search(r"[aeiouy]", fold(word))
    within = re.search(r"[^\W\d_]\d+[^\W\d_]", word) is not None
    return turns > 1 or (turns == 1 and word[-1].isupper()) or voiceless or within


def looks_like_slogan(text: str) -> bool:
    stripped = text.strip()
    if len(_SEPARATED.split(stripped)) >= _MIN_OFFERS and not any(map(str.isdigit, stripped)):
        return not legal_form(text)  # what the shop offers: `dames - hommes - enfants`
    if _GOODS.search(fold(stripped)) or (len(stripped.split()) > _MOST_NAME_WORDS and stripped[0].islower()):
        return not legal_form(text)
    return stripped.endswith(("!", "?")) or (
        stripped.endswith(".") and len(stripped.split()) > 3 and not legal_form(text)
    )


def significant_words(text: str) -> list[str]:
    """Return the words that make a name its own: neither legal form nor in parentheses."""
    bare = re.sub(r"\([^)]*\)?|[^(]*\)", " ", fold(text))
    initials = re.findall(r"\b(?:[a-z]\.){2,}", bare)
    return initials + [word for word in _folded_words(bare) if len(word) >= 3 and word not in _FORM_WORDS]


def _folded_words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(text))


def clean_name(text: str) -> str:
    """Drop registration numbers, stickers' numbers and stray marks around a name, and mend its legal form."""
    name = text.translate(str.maketrans("（）［］", "()[]"))
    name = _LEADING.sub("", name)
    for tail in (_ALIAS, _INNER_IDENTITY, _INNER_REGISTRATION, _REGISTRATION):
        shorter = tail.sub("", name)
        loses_form = tail is _REGISTRATION and _LEGAL.search(fold(name)) and not _LEGAL.search(fold(shorter))
        if len(squeeze(shorter)) >= 3 and not loses_form:
            name = shorter
    if name.count("(") > name.count(")") and len(name) - name.rindex("(") <= 3:
        name = name[: name.rindex("(")]
    name = _SLIPPED_FORM.sub("S/B", name.upper()) if _SLIPPED_FORM.search(name.upper()) and name.isupper() else name
    if name.count("(") < name.count(")"):
        name = name.lstrip(")")
    return re.sub(r"\s+", " ", name).strip(" -–*:.,;|#'\"=_~") or text.strip()
