"""Whether a mail's sender is who its From line says, by what the receiving server found out (RFC 8601).

Only the results of the server that is named are believed, and only those above the first `Received` line below them:
further down stands what came with the mail. That server must remove forged results of its own name, as RFC 8601
(section 5) demands.
"""

from __future__ import annotations

from email.message import Message

import authres

from flows.mail.message import Mail

_HEADER = "authentication-results"


def is_authenticated(mail: Mail, server: str) -> bool:
    """Whether `server` (its authserv-id) says that the domain in From vouches for this mail.

    DMARC says it itself. Without, a DKIM signature or an SPF result of that domain, or of one that it belongs to.
    """
    domain = mail.sender_domain
    results = _results(mail.message, server.lower())
    return bool(domain) and any(_vouches(result, domain) for result in results)


def _results(message: Message, server: str) -> list[authres.AuthenticationResult]:
    found: list[authres.AuthenticationResult] = []
    for name, value in message.items():
        if name.lower() == "received" and found:
            break
        if name.lower() == _HEADER:
            parsed = _parsed(str(value))
            if parsed is not None and (parsed.authserv_id or "").lower() == server:
                found += parsed.results
    return found


def _parsed(value: str) -> authres.AuthenticationResultsHeader | None:
    try:
        return authres.AuthenticationResultsHeader.parse_value(value)
    except authres.AuthResError:
        return None  # not understood, so it vouches for nothing


def _vouches(result: authres.AuthenticationResult, domain: str) -> bool:
    if (result.result or "").lower() != "pass":
        return False
    named = {f"{one.type}.{one.name}": str(one.value).lower() for one in result.properties}
    if result.method == "dmarc":
        return named.get("header.from") == domain
    if result.method == "dkim":
        return _covers(named.get("header.d") or named.get("header.i", ""), domain)
    return result.method == "spf" and _covers(named.get("smtp.mailfrom", ""), domain)


def _covers(vouching: str, domain: str) -> bool:
    """Relaxed alignment, one way: a domain vouches for itself and for what is below it."""
    name = vouching.rpartition("@")[2].strip("\"' ")
    return bool(name) and (domain == name or domain.endswith(f".{name}"))
