"""TLS by settings, for servers and for calls; on loopback there is none."""

import logging
from pathlib import Path

import grpc

from services.runtime.settings import ProgramSettings, ServiceSettings, SettingsError

log = logging.getLogger(__name__)


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Return what a server proves itself with; None for plaintext. Raises SettingsError when a file can't be used.

    The files are looked at for each connection, so a renewed certificate needs no restart.
    """
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None or key is None:
        return None
    paths = [path for path in (certificate, key, client_ca) if path is not None]
    seen = _changed_at(paths)

    def read() -> grpc.ServerCertificateConfiguration:
        with settings.naming("tls_client_ca"):
            ca = _pem(client_ca) if client_ca else None
        return grpc.ssl_server_certificate_configuration([_pair(settings, certificate, key)], ca)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal seen
        if (now := _changed_at(paths)) == seen:
            return None
        try:
            configuration = read()
        except SettingsError:
            log.exception("the renewed certificate can't be read, so the one before stays")
            return None
        seen = now
        return configuration

    return grpc.dynamic_ssl_server_credentials(
        read(),
        renewed,  # type: ignore[arg-type]  # None says that nothing has changed, which the types leave out
        require_client_authentication=client_ca is not None,
    )


def channel_credentials(settings: ProgramSettings) -> grpc.ChannelCredentials | None:
    """Return what calls to other services are encrypted with; None for plaintext. Raises SettingsError."""
    if settings.tls_ca is None:
        return None
    with settings.naming("tls_ca"):
        ca = _pem(settings.tls_ca)
    if settings.tls_certificate is None or settings.tls_key is None:
        return grpc.ssl_channel_credentials(ca)
    return grpc.ssl_channel_credentials(ca, *_pair(settings, settings.tls_certificate, settings.tls_key))


def channel_credentials_of(
    ca: Path, certificate: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials:
    """Return the credentials of a caller who trusts this CA, and shows a certificate if it has one.

    Raises SettingsError.
    """
    return grpc.ssl_channel_credentials(
        _pem(ca), _pem(key) if key else None, _pem(certificate) if certificate else None
    )


def _pair(settings: ProgramSettings, certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """Return the key and the certificate. Raises SettingsError also when they don't belong together."""
    # Few services speak TLS, and this takes 40 ms to import.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with settings.naming("tls_certificate"):
        chain = _pem(certificate)
        try:
            shown = x509.load_pem_x509_certificate(chain).public_key()
        except ValueError:
            raise SettingsError(f"{certificate} holds no certificate") from None
    with settings.naming("tls_key"):
        secret = _pem(key)
        try:
            held = load_pem_private_key(secret, None).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise SettingsError(f"{key} holds no private key, or one behind a passphrase") from None
        if held != shown:
            raise SettingsError(f"{key} is not the key of {certificate}")
    return secret, chain


def _pem(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    if b"-----BEGIN " not in content:
        raise SettingsError(f"{path} is not in PEM")
    return content


def _changed_at(paths: list[Path]) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
