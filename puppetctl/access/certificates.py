"""The certificates of a suite that spans machines: an authority, and a certificate for each service and principal."""

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.runtime.rpc.authentication import CERTIFICATE_PREFIX
from services.runtime.rpc.principals import NAME

_AUTHORITY_LIFE, _LIFE = timedelta(days=3650), timedelta(days=397)
_CLOCK_SKEW = timedelta(minutes=5)
_AUTHORITY = "ca"


class Authority:
    """Signs certificates; made when its folder has none, and kept there as `ca.pem` and `ca.key`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificate_path, key_path = folder / f"{_AUTHORITY}.pem", folder / f"{_AUTHORITY}.key"
        if key_path.exists():
            key = load_pem_private_key(key_path.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{key_path} holds a key of another kind")
            self._key = key
            self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        elif self.certificate_path.exists():
            raise ValueError(
                f"{self.certificate_path} is there without its key: bring {key_path.name} back, or name another folder"
            )
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = self._signed_by_itself()
            _write(key_path, _pem(self._key))
            _write(self.certificate_path, self._certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, hosts: Sequence[str] | None = None) -> Path:
        """Write `<name>.pem` and `<name>.key`, which prove a principal; with hosts also that a service is there.

        A service's certificate bears its name as well: callers of the suite ask for that, wherever it is. Raises
        ValueError for a name that no principal can have.
        """
        if not NAME.fullmatch(name) or name == _AUTHORITY:
            raise ValueError(f"{name!r} is no principal's name")
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(CERTIFICATE_PREFIX + name)]
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if hosts is not None:
            names += [_general_name(host) for host in dict.fromkeys((name, *hosts))]
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
        certificate = (
            self._builder(name, key.public_key(), _LIFE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{name}.pem"
        _write(self._folder / f"{name}.key", _pem(key))
        _write(path, certificate.public_bytes(Encoding.PEM))
        return path

    def _signed_by_itself(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            self._builder("Puppet Engine", self._key.public_key(), _AUTHORITY_LIFE, issuer="Puppet Engine")
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(
        self, name: str, key: ec.EllipticCurvePublicKey, life: timedelta, issuer: str = ""
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_common_name(name))
            .issuer_name(_common_name(issuer) if issuer else self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + life)
        )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
