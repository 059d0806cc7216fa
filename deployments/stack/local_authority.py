"""A certificate authority of this stack, which a phone can be told to trust, and the certificate that it signs.

The authority stays, as each device trusts it once; it may speak for addresses of private networks and of this machine
only, so that whoever steals its key can pose as no site of the internet. What it signs is made anew at each start, for
the addresses of that moment.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from deployments.stack.certificates import CertificateFiles, certificate, common_name, key_pem
from deployments.stack.credentials import write_private
from deployments.stack.errors import DataUnusableError

_AUTHORITY_DAYS = 3650
# Apple's systems refuse certificates of servers that are valid for longer than 825 days (support.apple.com/103769).
_CERTIFICATE_DAYS = 397
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
            "fc00::/7", "fe80::/10", "::1/128")  # fmt: skip
_LOCAL_NAMES = ("local", "localhost")
_A_DAY = dt.timedelta(days=1)


class LocalAuthority(CertificateFiles):
    """One authority and what it signed, in a folder that is private to its owner. Devices are to trust `authority`."""

    def certify(self, addresses: Sequence[str], names: Sequence[str]) -> None:
        """Write a new certificate for a server under these addresses and names; makes the authority if there is none.

        An authority that may not speak for all of them, as this machine moved to a network that is not private, is made
        anew, and devices have to trust it again.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self._load()
        if made is None or not _may_sign(made[0], addresses):
            made = self._make_authority(addresses, names)
        authority, authority_key = made
        key = generate_private_key(SECP256R1())
        own = [name for name in dict.fromkeys((*names, "localhost")) if name]
        alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        alternatives += [x509.DNSName(name) for name in own if _is_permitted(authority, name)]
        signed = (
            _builder(common_name("receiptflow"), authority.subject, key, _CERTIFICATE_DAYS)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_issued_by(authority_key), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        write_private(self.key, key_pem(key))
        write_private(self.certificate, signed.public_bytes(Encoding.PEM).decode())

    def _load(self) -> tuple[x509.Certificate, EllipticCurvePrivateKey] | None:
        if not self.authority.exists():
            return None
        try:
            authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
            key = load_pem_private_key((self.folder / "authority-key.pem").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise DataUnusableError(
                f"The authority in {self.folder} is broken ({error}): delete that folder. A new one is made at the "
                "next start, which devices have to be told to trust."
            ) from error
        ends_soon = authority.not_valid_after_utc < dt.datetime.now(dt.UTC) + _A_DAY * _CERTIFICATE_DAYS
        return None if ends_soon or not isinstance(key, EllipticCurvePrivateKey) else (authority, key)

    def _make_authority(
        self, addresses: Sequence[str], names: Sequence[str]
    ) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
        key = generate_private_key(SECP256R1())
        name = common_name(f"receiptflow on {socket.gethostname()}"[:64])
        permitted: list[x509.GeneralName] = [x509.IPAddress(network) for network in _networks(addresses)]
        permitted += [x509.DNSName(one) for one in dict.fromkeys((*_LOCAL_NAMES, *names)) if one]
        usage = x509.KeyUsage(
            key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        authority = (
            _builder(name, name, key, _AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(self.folder / "authority-key.pem", key_pem(key))
        write_private(self.authority, authority.public_bytes(Encoding.PEM).decode())
        return authority, key


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(addresses: Sequence[str]) -> list[_Network]:
    """The private networks, and this machine's own addresses elsewhere."""
    private = [ipaddress.ip_network(one) for one in _PRIVATE]
    others = [ipaddress.ip_network(one) for one in addresses if not _is_in(one, private)]
    return [*private, *others]


def _is_in(address: str, networks: Sequence[_Network]) -> bool:
    ip = ipaddress.ip_address(address)
    return any(ip.version == network.version and ip in network for network in networks)


def _constraints(authority: x509.Certificate) -> list[x509.GeneralName]:
    return authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []


def _may_sign(authority: x509.Certificate, addresses: Sequence[str]) -> bool:
    networks = [one.value for one in _constraints(authority) if isinstance(one, x509.IPAddress)]
    return all(_is_in(address, networks) for address in addresses)  # type: ignore[arg-type]  # constraints are networks


def _is_permitted(authority: x509.Certificate, name: str) -> bool:
    domains = [one.value for one in _constraints(authority) if isinstance(one, x509.DNSName)]
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    made = certificate(subject, issuer, key, (now - _A_DAY, now + _A_DAY * days))
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _issued_by(key: EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
