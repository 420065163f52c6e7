"""A service that can't be started says why in one line, and leaves nothing behind."""

import asyncio
import sys
from pathlib import Path

import pytest

from puppetctl.access.certificates import Authority
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the certificates of two services."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    for name in ("social", "trading"):
        authority.issue(name, ["localhost"])
    return folder


async def _refusal(service: str, data_dir: Path, **settings: str) -> str:
    """Start a service as its own user would, without a home, and return what it says."""
    prefix = f"PUPPET_{service.upper()}_"
    given = {"PORT": "0", "DATA_DIR": str(data_dir), "KEY_DIR": str(data_dir / "keys"), **settings}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}"),
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}", **{prefix + name: given[name] for name in given}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 1
    assert output == b""
    # Its own logs are JSON, and gRPC's core has notes of its own.
    return "\n".join(line for line in errors.decode().splitlines() if not line.startswith(("{", "E")))


@pytest.mark.parametrize("service", ["agents", "memory", "llm", "trading", "social"])
async def test_a_folder_that_cannot_be_written(service: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = await _refusal(service, tmp_path / "file" / "data")
    assert words.startswith(f"PUPPET_{service.upper()}_DATA_DIR: {tmp_path / 'file'}")
    assert "\n" not in words


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("PORT", "Input should be less than or equal to 65535"),
        ("KEYSTORE_KEY", "each must be 32 bytes in URL-safe base64"),
        ("PRINCIPALS", "/dev/null/none can't be read: Not a directory"),
        ("TLS_KEY", "/dev/null/none can't be read: Not a directory"),
        ("DATABASE_URL", "postgresql+asyncpg://u:***@127.0.0.1:1/d can't be opened: "),
        ("SOCKET", "/dev/null/none can't be used: Not a directory"),
    ],
)
async def test_a_setting_that_is_wrong(field: str, words: str, tmp_path: Path, certificates: Path) -> None:
    wrong = {
        "PORT": "70000",
        "KEYSTORE_KEY": "secret",
        "DATABASE_URL": "postgresql+asyncpg://u:secret@127.0.0.1:1/d",
        "SOCKET": "/dev/null/none/a.sock",
    }
    settings = {field: wrong.get(field, "/dev/null/none")}
    if field == "TLS_KEY":
        settings["TLS_CERTIFICATE"] = str(certificates / "social.pem")
    refusal = await _refusal("social", tmp_path, **settings)
    assert refusal.startswith(f"PUPPET_SOCIAL_{field}: {words}")
    assert "\n" not in refusal
    assert "secret" not in refusal


async def test_a_key_of_another_certificate(tmp_path: Path, certificates: Path) -> None:
    certificate, other = certificates / "social.pem", certificates / "trading.key"
    refusal = await _refusal("social", tmp_path, TLS_CERTIFICATE=str(certificate), TLS_KEY=str(other))
    assert refusal == f"PUPPET_SOCIAL_TLS_KEY: {other} is not the key of {certificate}"


async def test_an_address_that_is_none_of_this_machine(tmp_path: Path) -> None:
    # 192.0.2.0/24 is for documentation, RFC 5737.
    refusal = await _refusal("social", tmp_path, HOST="192.0.2.1", ALLOW_PLAINTEXT="true")
    assert refusal.startswith("PUPPET_SOCIAL_PORT: 192.0.2.1:0 can't be listened on: ")
