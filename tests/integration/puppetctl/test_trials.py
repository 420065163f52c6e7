"""What the doctor finds when it calls live third parties."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puppetctl.checks.findings import Mark
from puppetctl.checks.trials import tried
from services.llm.bootstrap import opener
from services.llm.settings import LlmSettings
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.server import serving
from tests.integration.llm.conftest import provider
from tests.integration.llm.openai_server import OpenAiServer, answers, openai_server
from tests.integration.puppetctl.conftest import World
from tests.support.channels import operator_of

LIVE = {"PUPPET_LLM_PROVIDERS": "elsewhere"}
WRONG_KEY = answers({"error": {"message": "no such key", "code": "invalid_api_key"}}, 401)


@pytest.fixture
async def model() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as server:
        yield server


async def test_a_model_that_refuses_the_key_is_found_through_the_service_that_has_it(
    model: OpenAiServer, tmp_path: Path
) -> None:
    operator_of(tmp_path)
    settings = LlmSettings(port=0, data_dir=tmp_path, providers=(provider("elsewhere", model.base_url),))
    credential = str(PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR))
    async with serving("llm", settings, opener(settings)) as address:
        environment = LIVE | {"PUPPET_CTL_LLM": address, "PUPPET_CTL_CREDENTIAL": credential}
        [fine] = await tried(environment, tmp_path, ["llm"])
        assert (fine.mark, fine.subject, fine.words) == (Mark.OK, "model of elsewhere", "small answers")
        model.next.extend([answers({"data": [{"id": "small"}]}), WRONG_KEY])
        [bad] = await tried(environment, tmp_path, ["llm"])
    assert (bad.mark, bad.subject) == (Mark.BAD, "model of elsewhere")
    assert "refused the key (HTTP 401, invalid_api_key)" in bad.words
    assert bad.remedy == "see PUPPET_LLM_ELSEWHERE_API_KEY, _BASE_URL and _MODEL"


async def test_a_model_is_tried_by_its_settings_where_no_suite_runs(
    model: OpenAiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = LIVE | {"PUPPET_LLM_ELSEWHERE_BASE_URL": model.base_url, "PUPPET_LLM_ELSEWHERE_MODEL": "small"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    [fine] = await tried(settings, tmp_path, [])
    assert (fine.mark, fine.words) == (Mark.OK, "small answers")
    model.next.append(WRONG_KEY)
    [bad] = await tried(settings, tmp_path, [])
    assert (bad.mark, bad.subject) == (Mark.BAD, "model of elsewhere")
    monkeypatch.delenv("PUPPET_LLM_ELSEWHERE_BASE_URL")
    [unset] = await tried(LIVE, tmp_path, [])
    assert "PUPPET_LLM_ELSEWHERE_BASE_URL is required" in unset.words


async def test_what_an_account_or_a_node_refuses_is_found_by_its_name(world: World, tmp_path: Path) -> None:
    live = {"PUPPET_SOCIAL_X_BASE_URL": "https://x.example", "PUPPET_TRADING_RPC_URL": "https://rpc.example"}
    live |= {"PUPPET_TRADING_JUPITER_URL": "https://jupiter.example"}
    world.trading.owners = {"wal_basil": "basil"}
    environment = live | {"PUPPET_CTL_SOCIAL": world.address, "PUPPET_CTL_TRADING": world.address}
    environment |= {"PUPPET_CTL_CREDENTIAL": str(_credential(tmp_path))}
    found = {one.subject: (one.mark, one.words) for one in await tried(environment, tmp_path, ["social", "trading"])}
    assert found["account @basil"] == (Mark.BAD, "UNAUTHENTICATED: the network refused them")
    assert found["Jupiter"][0] is Mark.OK
    assert found["Solana node"] == (Mark.OK, "answers")
    assert await tried(environment, tmp_path, ["agents"]) == []


def _credential(folder: Path) -> Path:
    operator_of(folder)
    return PrincipalFiles(folder / "auth").credential_path(OPERATOR)
