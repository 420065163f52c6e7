"""Providers from the environment."""

import pytest
from pydantic import ValidationError

from services.llm.settings import PREFIX, LlmSettings
from services.runtime.settings import explain


def test_without_any_variable_there_is_the_local_sandbox() -> None:
    [local] = LlmSettings().providers
    assert (local.name, local.base_url, local.dialect) == ("local", "http://127.0.0.1:50063/v1", "completion")


def test_variables_go_over_the_preset_of_their_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "groq, local")
    monkeypatch.setenv("PUPPET_LLM_GROQ_API_KEY", " gsk_1\n")
    monkeypatch.setenv("PUPPET_LLM_GROQ_MODEL", "llama")
    monkeypatch.setenv("PUPPET_LLM_GROQ_CONCURRENCY", "9")
    monkeypatch.setenv("PUPPET_LLM_GROQ_DIALECT", "responses")
    monkeypatch.setenv("PUPPET_LLM_LOCAL_BASE_URL", "http://sandbox:50063/v1")
    groq, local = LlmSettings().providers
    assert (groq.base_url, groq.model, groq.concurrency) == ("https://api.groq.com/openai/v1", "llama", 9)
    assert (groq.dialect, groq.api_key.get_secret_value()) == ("responses", "gsk_1")
    assert (local.base_url, local.dialect) == ("http://sandbox:50063/v1", "completion")


def test_any_other_name_works_with_a_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "my_server")
    monkeypatch.setenv("PUPPET_LLM_MY_SERVER_BASE_URL", "https://llm.example/v1")
    [other] = LlmSettings().providers
    assert (other.name, other.dialect) == ("my_server", "chat")


@pytest.mark.parametrize(
    ("url", "seconds"),
    [
        ("http://127.0.0.1:9/v1", 120),
        ("http://localhost:9/v1", 120),
        ("http://[::1]:9/v1", 120),
        ("http://gpu:9/v1", 60),
    ],
)
def test_a_server_on_this_machine_has_more_time(monkeypatch: pytest.MonkeyPatch, url: str, seconds: float) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "mine")
    monkeypatch.setenv("PUPPET_LLM_MINE_BASE_URL", url)
    assert LlmSettings().providers[0].timeout_seconds == seconds
    monkeypatch.setenv("PUPPET_LLM_MINE_TIMEOUT_SECONDS", "7")
    assert LlmSettings().providers[0].timeout_seconds == 7


@pytest.mark.parametrize(
    ("names", "variables", "told"),
    [
        ("openai", {}, "PUPPET_LLM_OPENAI_API_KEY is required"),
        ("local,openai", {"OPENAI_API_KEY": "sk-1"}, "PUPPET_LLM_OPENAI_MODEL is required"),
        ("other", {}, "PUPPET_LLM_OTHER_BASE_URL is required"),
        ("other", {"OTHER_BASE_URL": "llm.example"}, "PUPPET_LLM_OTHER_BASE_URL must be an http or https URL"),
        ("local", {"LOCAL_CONCURRENCY": "0"}, "PUPPET_LLM_LOCAL_CONCURRENCY: "),
        ("local", {"LOCAL_DIALECT": "prose"}, "PUPPET_LLM_LOCAL_DIALECT: "),
        ("My Server", {}, "PUPPET_LLM_PROVIDERS: "),
        ("local,local", {}, "must name each provider once"),
        (",", {}, "at least 1 item"),
    ],
)
def test_what_is_wrong_is_told_with_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, names: str, variables: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", names)
    for name, value in variables.items():
        monkeypatch.setenv(f"PUPPET_LLM_{name}", value)
    with pytest.raises(ValidationError, match=told):
        LlmSettings()


def test_what_is_wrong_is_explained_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "openai")
    monkeypatch.setenv("PUPPET_LLM_DEFAULT_MAX_TOKENS", "0")
    with pytest.raises(ValidationError) as refused:
        LlmSettings()
    assert explain(refused.value, PREFIX) == (
        "PUPPET_LLM_OPENAI_API_KEY is required; "
        "PUPPET_LLM_DEFAULT_MAX_TOKENS: Input should be greater than or equal to 1"
    )


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_LLM_PROVIDERS", "openai")
    monkeypatch.setenv("PUPPET_LLM_OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PUPPET_LLM_OPENAI_MODEL", "m")
    assert "secret" not in repr(LlmSettings())
    monkeypatch.setenv("PUPPET_LLM_OPENAI_API_KEY", "sk-secr\u00e9t")
    with pytest.raises(ValidationError, match="PUPPET_LLM_OPENAI_API_KEY: must be printable ASCII") as refused:
        LlmSettings()
    assert "secr\u00e9t" not in str(refused.value) + explain(refused.value, PREFIX)
