"""What settings may be, and how it is said that they are wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.agents.settings import AgentsSettings
from services.memory.settings import MemorySettings
from services.runtime.settings import ServiceSettings, SettingsError, explain
from services.trading.settings import TradingSettings

Kind = type[AgentsSettings] | type[MemorySettings] | type[TradingSettings]


@pytest.mark.parametrize(
    ("kind", "field", "value", "rule"),
    [
        (MemorySettings, "PORT", "70000", "less than or equal to 65535"),
        (MemorySettings, "HEALTH_PORT", "-1", "greater than or equal to 0"),
        (MemorySettings, "HOST", "[::1]", "must be a name or an IP address"),
        (MemorySettings, "HOST", "localhost:50052", "must be a name or an IP address"),
        (MemorySettings, "LOG_LEVEL", "loud", "'DEBUG'"),
        (MemorySettings, "DATABASE_URL", "postgresql://u:secret@h/d", r"must be a URL like postgresql\+asyncpg"),
        (MemorySettings, "DATABASE_URL", "nonsense", r"must be a URL like postgresql\+asyncpg"),
        (MemorySettings, "DRAIN_SECONDS", "inf", "finite"),
        (MemorySettings, "CHROMA_URL", "localhost:8000", "must be an http or https URL"),
        (MemorySettings, "RETENTION_DAYS", "14", "valid dictionary"),
        (MemorySettings, "RETENTION_DAYS", "recent=14", "must be a JSON object"),
        (AgentsSettings, "WORKFLOWS_URL", "mysql://u:secret@h/d", "must be a sqlite:/// or postgresql:// URL"),
        (AgentsSettings, "LLM_TARGET", "localhost", "must be host:port"),
        (AgentsSettings, "LLM_TARGET", "localhost:99999", "must be host:port"),
        (AgentsSettings, "LLM_TARGET", "local host:1", "must be host:port"),
        (AgentsSettings, "WEBHOOK_URL", "ftp://hooks.example/secret", "must be an http or https URL"),
        (AgentsSettings, "WEBHOOK_SECRET", "secret", "must be `whsec_` and 24 to 64 bytes in base64"),
        (AgentsSettings, "WEBHOOK_SECRET", "whsec_c2VjcmV0", "must be `whsec_` and 24 to 64 bytes in base64"),
        (AgentsSettings, "PUBLIC_URL", "suite.example", "must be an http or https URL"),
        (TradingSettings, "RPC_URL", "http://[", "must be an http or https URL"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_name_of_its_variable(
    kind: Kind, field: str, value: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = str(kind.model_config["env_prefix"])
    monkeypatch.setenv(prefix + field, value)
    with pytest.raises(ValidationError, match=rule) as caught:
        kind()
    words = explain(caught.value, prefix)
    assert words.startswith(f"{prefix}{field}: ")
    assert "\n" not in words
    assert "secret" not in words


def test_a_webhook_needs_a_secret_to_sign_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_AGENTS_WEBHOOK_URL", "https://hooks.example/T0/B0/XX")
    with pytest.raises(ValidationError, match="WEBHOOK_URL needs PUPPET_AGENTS_WEBHOOK_SECRET") as caught:
        AgentsSettings()
    assert "T0/B0/XX" not in explain(caught.value, "PUPPET_AGENTS_")


@pytest.mark.parametrize("host", ["::", "::1", "0.0.0.0", "fe80::1%eth0", "localhost", "memory", "a-b.example.org"])
def test_a_service_listens_on_any_address_or_name(host: str) -> None:
    assert ServiceSettings(host=host, allow_plaintext=True).host == host


@pytest.mark.parametrize("target", ["memory:50052", "[::1]:50052", "unix:/run/a.sock", "dns:///memory.default:50052"])
def test_a_service_is_called_by_any_target_of_grpc(target: str) -> None:
    assert AgentsSettings(memory_target=target).memory_target == target


def test_log_levels_are_read_in_any_case() -> None:
    assert ServiceSettings.model_validate({"log_level": "debug"}).log_level == "DEBUG"


def test_a_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = MemorySettings(data_dir=tmp_path / "a" / "b").data_folder()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SettingsError, match=rf"^PUPPET_MEMORY_DATA_DIR: .*{tmp_path / 'file'}"):
            MemorySettings(data_dir=wrong).sql_url("memory")


def test_with_a_database_elsewhere_no_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = "postgresql+asyncpg://host/memory"
    assert MemorySettings(data_dir=tmp_path / "file", database_url=url).sql_url("memory") == url
