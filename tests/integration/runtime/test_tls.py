"""TLS, certificates that prove who calls, and the port of the probes."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from puppetctl.access.certificates import Authority
from services.runtime.rpc.client import Proof, open_channel
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.rpc.status import Remote
from services.runtime.rpc.tls import channel_credentials_of
from services.runtime.settings import ServiceSettings
from tests.conftest import ROOT
from tests.integration.runtime.conftest import NAME, Caller, Echo, _descriptor
from tests.support.channels import operator_of
from tests.support.http import free_port
from tests.support.waits import WAIT_SECONDS

HELLO = b"\n\x05hello"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "certs")
    made.issue("test", ["localhost"])
    for name in (OPERATOR, "stranger"):
        made.issue(name)
    return made


def secured(tmp_path: Path, **more: Any) -> ServiceSettings:
    certs = tmp_path / "certs"
    given: dict[str, Any] = {"tls_certificate": certs / "test.pem", "tls_key": certs / "test.key", "drain_seconds": 0.2}
    return ServiceSettings(data_dir=tmp_path, **given | more)


@contextlib.asynccontextmanager
async def echoing(settings: ServiceSettings) -> AsyncIterator[str]:
    echo = Echo()

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        yield [Mounted(_descriptor(), echo.add, echo)]

    async with serving("test", settings, open_service) as address:
        yield address.replace("127.0.0.1", "localhost")


def shown(tmp_path: Path, name: str = "") -> grpc.ChannelCredentials:
    certs = tmp_path / "certs"
    own = (certs / f"{name}.pem", certs / f"{name}.key") if name else (None, None)
    return channel_credentials_of(certs / "ca.pem", *own)


async def call(address: str, credentials: grpc.ChannelCredentials | None, token: str = "") -> str:
    """Return what the echo answers, or the reason or status of the refusal."""
    channel = grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    async with channel:
        try:
            [answer] = await Caller(channel).call("One", HELLO, metadata=metadata, timeout=WAIT_SECONDS)
        except grpc.aio.AioRpcError as error:
            return Remote(error).reason or error.code().name
    return answer


async def test_with_tls_a_token_proves_who_calls(tmp_path: Path, authority: Authority) -> None:
    token = operator_of(tmp_path).token("test")
    other = Authority(tmp_path / "other")
    async with echoing(secured(tmp_path)) as address:
        assert await call(address, shown(tmp_path), token) == "hello"
        assert await call(address, shown(tmp_path)) == "UNAUTHENTICATED"
        assert await call(address, None, token) == "UNAVAILABLE", "in plaintext"
        assert await call(address, channel_credentials_of(other.certificate_path), token) == "UNAVAILABLE"


async def test_a_certificate_proves_who_calls(tmp_path: Path, authority: Authority) -> None:
    files = PrincipalFiles(tmp_path / "auth")
    operator = operator_of(tmp_path)
    async with echoing(secured(tmp_path, tls_client_ca=authority.certificate_path)) as address:
        assert await call(address, shown(tmp_path, OPERATOR)) == "hello"
        assert await call(address, shown(tmp_path, OPERATOR), operator.token("test")) == "hello"
        assert await call(address, shown(tmp_path, "stranger")) == "UNAUTHENTICATED", "nobody knows it"
        assert await call(address, shown(tmp_path), operator.token("test")) == "UNAVAILABLE", "it shows none"
        files.prepare(["stranger"])
        assert await call(address, shown(tmp_path, "stranger")) == "PERMISSION_DENIED"
        both = await call(address, shown(tmp_path, "stranger"), operator.token("test"))
        assert both == "UNAUTHENTICATED", "two principals at once"
        files.revoke(OPERATOR)
        assert await call(address, shown(tmp_path, OPERATOR)) == "UNAUTHENTICATED"


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path, authority: Authority) -> None:
    operator_of(tmp_path)
    other = Authority(tmp_path / "other")
    stolen = other.issue(OPERATOR)
    forged = channel_credentials_of(authority.certificate_path, stolen, stolen.with_suffix(".key"))
    async with echoing(secured(tmp_path, tls_client_ca=authority.certificate_path)) as address:
        assert await call(address, forged) == "UNAVAILABLE"


async def test_a_renewed_certificate_is_taken_up_without_a_restart(tmp_path: Path, authority: Authority) -> None:
    token = operator_of(tmp_path).token("test")
    async with echoing(secured(tmp_path)) as address:
        assert await call(address, shown(tmp_path), token) == "hello"
        renewed = Authority(tmp_path / "renewed")
        path = renewed.issue("test", ["localhost"])
        for suffix in (".pem", ".key"):
            path.with_suffix(suffix).replace((tmp_path / "certs" / "test.pem").with_suffix(suffix))
        assert await call(address, channel_credentials_of(renewed.certificate_path), token) == "hello"
        (tmp_path / "certs" / "test.pem").unlink()
        assert await call(address, channel_credentials_of(renewed.certificate_path), token) == "hello"


async def test_probes_have_a_port_of_their_own_and_nothing_else_is_on_it(tmp_path: Path, authority: Authority) -> None:
    token = operator_of(tmp_path).token("test")
    port = free_port()
    async with echoing(secured(tmp_path, health_port=port)), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as probe:
        health = health_pb2_grpc.HealthStub(probe)
        for name in ("", "test.v1.EchoService"):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await health.Check(health_pb2.HealthCheckRequest(service="other"))
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError) as watched:
            async for _ in health.Watch(health_pb2.HealthCheckRequest()):
                pass
        assert watched.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert await call(f"127.0.0.1:{port}", None, token) == "UNIMPLEMENTED"


def test_plaintext_beyond_this_machine_is_asked_for_by_name_or_refused() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "memory.example"):
        with pytest.raises(ValidationError, match="ALLOW_PLAINTEXT"):
            ServiceSettings(host=host)
        assert ServiceSettings(host=host, allow_plaintext=True).host == host
    for host in ("127.0.0.1", "127.0.0.9", "::1", "localhost"):
        assert ServiceSettings(host=host).is_local


async def test_a_service_that_would_speak_in_plaintext_to_others_does_not_start(tmp_path: Path) -> None:
    environment = {**os.environ, "PUPPET_LLM_HOST": "0.0.0.0", "PUPPET_LLM_DATA_DIR": str(tmp_path)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.llm"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PUPPET_LLM_TLS_CERTIFICATE" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_callers_certificate_is_no_services(tmp_path: Path, authority: Authority) -> None:
    token = operator_of(tmp_path).token("test")
    certs = tmp_path / "certs"
    authority.issue("other", ["localhost"])
    for name in (OPERATOR, "other"):
        own = {"tls_certificate": certs / f"{name}.pem", "tls_key": certs / f"{name}.key"}
        async with echoing(secured(tmp_path, **own)) as address:
            proof = Proof(operator_of(tmp_path), shown(tmp_path))
            async with open_channel(address, "test", proof) as channel:
                stub: Any = channel.unary_unary(f"/{NAME}/One", StringValue.SerializeToString, StringValue.FromString)
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await stub(StringValue(value="hello"), timeout=WAIT_SECONDS)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE, name
            if name == OPERATOR:
                assert await call(address, shown(tmp_path), token) == "UNAVAILABLE"


async def test_a_service_proves_that_it_is_the_one_that_is_called(tmp_path: Path, authority: Authority) -> None:
    operator = operator_of(tmp_path)
    async with (
        echoing(secured(tmp_path)) as address,
        open_channel(address.replace("localhost", "127.0.0.1"), "test", Proof(operator, shown(tmp_path))) as channel,
    ):
        stub: Any = channel.unary_unary(f"/{NAME}/One", StringValue.SerializeToString, StringValue.FromString)
        assert (await stub(StringValue(value="hello"), timeout=WAIT_SECONDS)).value == "hello"


def test_no_certificate_takes_the_authoritys_place_or_leaves_the_folder(authority: Authority) -> None:
    for name in ("ca", "../evil", "", "Odd", "a/b"):
        with pytest.raises(ValueError, match="no principal's name"):
            authority.issue(name)


async def test_only_a_uri_of_a_certificate_names_a_principal(tmp_path: Path, authority: Authority) -> None:
    operator_of(tmp_path)
    async with echoing(secured(tmp_path, tls_client_ca=authority.certificate_path)) as address:
        for names in (
            [x509.DNSName("puppet:principal:operator")],
            [x509.RFC822Name("puppet:principal:operator")],
            [x509.UniformResourceIdentifier(f"puppet:principal:{name}") for name in (OPERATOR, "stranger")],
        ):
            path = _issued(authority, tmp_path / "odd", names)
            odd = channel_credentials_of(authority.certificate_path, path, path.with_suffix(".key"))
            assert await call(address, odd) == "UNAUTHENTICATED", names


def _issued(authority: Authority, folder: Path, names: list[Any]) -> Path:
    """Return a certificate that an authority has signed with other names than it is asked for by us."""
    folder.mkdir(exist_ok=True)
    ca = x509.load_pem_x509_certificate(authority.certificate_path.read_bytes())
    signer: Any = load_pem_private_key(authority.certificate_path.with_suffix(".key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ca.not_valid_before_utc)
        .not_valid_after(ca.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(signer, hashes.SHA256())
    )
    path = folder / "odd.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.with_suffix(".key").write_bytes(pem)
    return path
