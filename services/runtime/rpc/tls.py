"""TLS by settings, for servers and for calls; on loopback there is none."""

import logging
from pathlib import Path

import grpc

from services.runtime.settings import ServiceSettings

log = logging.getLogger(__name__)


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Return what a server proves itself with; None for plaintext. Raises OSError when a file can't be read.

    The files are looked at for each connection, so a renewed certificate needs no restart.
    """
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None or key is None:
        return None
    paths = [path for path in (certificate, key, client_ca) if path is not None]
    seen: list[tuple[int, ...]] = []

    def read() -> grpc.ServerCertificateConfiguration:
        ca = client_ca.read_bytes() if client_ca else None
        return grpc.ssl_server_certificate_configuration([(key.read_bytes(), certificate.read_bytes())], ca)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        now = _changed_at(paths)
        if now == seen[-1]:
            return None
        try:
            configuration = read()
        except OSError:
            log.exception("the renewed certificate can't be read, so the one before stays")
            return None
        seen.append(now)
        return configuration

    seen.append(_changed_at(paths))
    return grpc.dynamic_ssl_server_credentials(
        read(),
        renewed,  # type: ignore[arg-type]  # None says that nothing has changed, which the types leave out
        require_client_authentication=client_ca is not None,
    )


def channel_credentials(settings: ServiceSettings) -> grpc.ChannelCredentials | None:
    """Return what calls to other services are encrypted with; None for plaintext. Raises OSError."""
    if settings.tls_ca is None:
        return None
    return channel_credentials_of(settings.tls_ca, settings.tls_certificate, settings.tls_key)


def channel_credentials_of(
    ca: Path, certificate: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials:
    """Return the credentials of a caller who trusts this CA, and shows a certificate if it has one. Raises OSError."""
    return grpc.ssl_channel_credentials(
        ca.read_bytes(), key.read_bytes() if key else None, certificate.read_bytes() if certificate else None
    )


def _changed_at(paths: list[Path]) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
