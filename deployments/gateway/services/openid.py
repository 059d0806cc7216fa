"""Signing in with an OpenID provider (OpenID Connect Core 1.0): authorization code flow with state, nonce and PKCE.

Authlib is loaded when somebody first signs in by it: most gateways never need it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from deployments.settings import GatewaySettings
from flows.domain.errors import ReceiptflowError, TransientError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

# Signatures with the provider's own keys only: neither none nor a secret that both know.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
_SCOPE = "openid email profile"
_TIMEOUT_SECONDS, _KEPT_SECONDS, _LEEWAY_SECONDS = 10.0, 3600.0, 60
_SECRET_BYTES = 32
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenIdRefusedError(ReceiptflowError):
    """The provider, or what it says, lets nobody in."""


class ProviderAwayError(TransientError):
    """The provider does not answer."""


@dataclass(frozen=True, slots=True)
class SignInTry:
    """What a browser has to bring back with the provider's answer. `wanted` is the page to go to."""

    state: str
    nonce: str
    verifier: str
    wanted: str

    @classmethod
    def new(cls, wanted: str) -> SignInTry:
        """One that nobody can guess."""
        state, nonce, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
        return cls(state, nonce, verifier, wanted)

    @classmethod
    def read(cls, text: str) -> SignInTry | None:
        """As `write` wrote it; None for anything else."""
        try:
            made = cls(**json.loads(text))
        except (ValueError, TypeError):
            return None
        return made if all(isinstance(one, str) and one for one in asdict(made).values()) else None

    def write(self) -> str:
        """For the browser's cookie."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for. `subject` is the issuer and its `sub`, `name` the chosen claim."""

    subject: str
    name: str


class OpenIdProvider:
    """One provider, whose metadata and keys are kept for an hour.

    Args:
        settings: The gateway's.
        client: For requests to the provider.
    """

    def __init__(self, settings: GatewaySettings, client: httpx.AsyncClient) -> None:
        self._settings, self._client = settings, client
        self._kept: dict[str, tuple[float, Any]] = {}

    async def address(self, begun: SignInTry, redirect_uri: str) -> str:
        """Where to send the browser.

        Raises:
            ProviderAwayError: It does not answer.
            OpenIdRefusedError: It is not the provider that was configured.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415

        metadata = await self._metadata()
        uri: str = prepare_grant_uri(
            str(metadata["authorization_endpoint"]),
            self._settings.oidc_client_id,
            "code",
            redirect_uri,
            _SCOPE,
            begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def vouched(self, begun: SignInTry, answer: Mapping[str, str], redirect_uri: str) -> Vouched:
        """Whom the provider's answer vouches for.

        Args:
            begun: What this browser began.
            answer: The parameters that it brings back.
            redirect_uri: As in `address`.

        Raises:
            OpenIdRefusedError: Anything of it does not fit; the message is for the person.
            ProviderAwayError: The provider does not answer.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise OpenIdRefusedError("This answer belongs to another try to sign in. Try again.")
        metadata = await self._metadata()
        if answer.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
            raise OpenIdRefusedError("This answer comes from another provider. Try again.")
        if "code" not in answer:
            raise OpenIdRefusedError(f"The provider refused: {answer.get('error', 'it gave no code')[:100]}.")
        tokens = await self._tokens(metadata, answer["code"], begun, redirect_uri)
        claims = await self._claims(metadata, tokens, begun.nonce)
        if not {self._settings.oidc_claim, "email"} <= claims.keys() and "userinfo_endpoint" in metadata:
            claims = {**await self._userinfo(metadata, tokens, claims["sub"]), **claims}
        return self._person(claims)

    def _person(self, claims: Mapping[str, Any]) -> Vouched:
        settings, email = self._settings, str(claims.get("email", ""))
        verified = str(claims.get("email_verified")).lower() == "true"
        domains = {domain.casefold().lstrip("@") for domain in settings.oidc_domains}
        if (settings.oidc_claim == "email" or domains) and not (email and verified):
            raise OpenIdRefusedError("The provider does not say that your email is yours (email_verified).")
        if domains and email.rpartition("@")[2].casefold() not in domains:
            raise OpenIdRefusedError(f"{email} is of none of the domains that may sign in here.")
        name = claims.get(settings.oidc_claim)
        if not isinstance(name, str) or not name.strip():
            raise OpenIdRefusedError(f"The provider does not tell your {settings.oidc_claim}; its operator can let it.")
        return Vouched(f"{claims['iss']}#{claims['sub']}", name)

    async def _tokens(
        self, metadata: Mapping[str, Any], code: str, begun: SignInTry, redirect_uri: str
    ) -> Mapping[str, Any]:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": begun.verifier,
        }
        secret, auth = settings.oidc_client_secret, None
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret is None or "client_secret_basic" not in methods:
            form["client_id"] = settings.oidc_client_id
            form |= {"client_secret": secret.get_secret_value()} if secret else {}
        else:  # RFC 6749, 2.3.1: both are form-encoded first
            auth = (quote(settings.oidc_client_id, safe=""), quote(secret.get_secret_value(), safe=""))
        status, body = await self._ask("POST", metadata["token_endpoint"], data=form, auth=auth)
        if status != 200 or "id_token" not in body:
            raise OpenIdRefusedError(f"The provider gave no token: {str(body.get('error', status))[:100]}. Try again.")
        return body

    async def _claims(self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        client_id = self._settings.oidc_client_id
        wanted = {"iss": metadata["issuer"], "aud": client_id, "nonce": nonce}
        params = {"nonce": nonce, "client_id": client_id, "access_token": tokens.get("access_token")}
        for fresh in (False, True):  # once more with new keys: a provider changes its own
            try:
                token = jwt.decode(tokens["id_token"], await self._keys(metadata, fresh), algorithms=_ALGORITHMS)
                options: Any = {name: {"essential": True, "value": value} for name, value in wanted.items()}
                claims = CodeIDToken(token.claims, token.header, options, params)
                claims.validate(leeway=_LEEWAY_SECONDS)
            except (JoseError, ValueError) as error:
                if fresh:
                    raise OpenIdRefusedError(f"The provider's token does not hold: {error}. Try again.") from error
            else:
                return dict(claims)
        raise AssertionError("the loop returns or raises")

    async def _userinfo(self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], sub: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        status, body = await self._ask("GET", metadata["userinfo_endpoint"], headers=headers)
        if status != 200 or body.get("sub") != sub:
            raise OpenIdRefusedError("The provider tells about somebody else than who signed in.")
        return body

    async def _keys(self, metadata: Mapping[str, Any], fresh: bool) -> KeySet:
        from joserfc.jwk import KeySet  # noqa: PLC0415

        body: Any = await self._get(metadata["jwks_uri"], fresh=fresh)
        return KeySet.import_key_set(body)

    async def _metadata(self) -> Mapping[str, Any]:
        issuer = self._settings.oidc_issuer
        metadata = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != issuer:
            raise OpenIdRefusedError(
                f"The provider calls itself {metadata.get('issuer')!r}; RECEIPTFLOW_OIDC_ISSUER has to be the same."
            )
        if missing := [name for name in _ENDPOINTS if not isinstance(metadata.get(name), str)]:
            raise OpenIdRefusedError(
                f"The provider does not say its {', '.join(missing)}; it is none for OpenID Connect."
            )
        return metadata

    async def _get(self, url: str, *, fresh: bool = False) -> Mapping[str, Any]:
        kept = self._kept.get(url)
        if kept and not fresh and time.monotonic() - kept[0] < _KEPT_SECONDS:
            found: Mapping[str, Any] = kept[1]
            return found
        status, body = await self._ask("GET", url)
        if status != 200:
            raise ProviderAwayError(f"{url} answered {status}")
        self._kept[url] = (time.monotonic(), body)
        return body

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, Mapping[str, Any]]:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self._client.request(method, url, **options)
            body = answer.json()
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise ProviderAwayError(f"{url}: {error!r}") from error
        return answer.status_code, body if isinstance(body, dict) else {}
