"""A certificate authority of one start: its certificate, and one certificate that it signed for the servers and clients
that are to trust each other and nobody else.

The authority's key is thrown away, so that nobody can have another certificate signed. Everything is made anew at each
start: nothing expires, and nothing of it belongs into a backup.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deployments.stack.credentials import write_private

# Any moment that this host's clock may show, however it is set while the certificate is in use.
_FROM, _UNTIL = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
_AUTHORITY, _MEMBER = "receiptflow authority", "receiptflow"


@dataclass(frozen=True)
class CertificateFiles:
    """Where the certificates lie in a folder, in PEM; readable by their owner only."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "authority.pem"

    @property
    def certificate(self) -> Path:
        """The certificate of servers and clients."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "key.pem"


def make_certificates(files: CertificateFiles) -> None:
    """Write new ones, valid for servers on 127.0.0.1 and for their clients."""
    files.folder.mkdir(mode=0o700, exist_ok=True)
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _made(_AUTHORITY, authority_key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
    member = _made(_MEMBER, key).add_extension(usages, False).add_extension(names, False)
    write_private(files.authority, _signed(authority, authority_key))
    write_private(files.certificate, _signed(member, authority_key))
    write_private(files.key, key_pem(key))


def certificate(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, valid: tuple[dt.datetime, dt.datetime]
) -> x509.CertificateBuilder:
    """A certificate to be completed and signed.

    Args:
        subject: Whose it is.
        issuer: Who signs it.
        key: The subject's.
        valid: From when until when.
    """
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def common_name(name: str) -> x509.Name:
    """A name that is nothing but this."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def key_pem(key: EllipticCurvePrivateKey) -> str:
    """A private key, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _made(name: str, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return certificate(common_name(name), common_name(_AUTHORITY), key, (_FROM, _UNTIL))


def _signed(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> str:
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
