"""Names of settings that nobody reads."""

import re

import pytest

from puppetctl.checks.misspelt import misspelt
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PUPPET_AGENTS_SPEEED", "PUPPET_AGENTS_SPEED"),
        ("PUPPET_AGENT_SPEED", "PUPPET_AGENTS_SPEED"),
        ("PUPPET_LLM_OPENAI_API_KYE", "PUPPET_LLM_OPENAI_API_KEY"),
        ("PUPPET_LLM_OPNAI_API_KEY", "PUPPET_LLM_OPENAI_API_KEY"),
        ("PUPPET_SANDBOX_LLM_MODELL", "PUPPET_SANDBOX_LLM_MODEL"),
        ("PUPPET_CTL_PASPHRASE", "PUPPET_CTL_PASSPHRASE"),
        ("puppet_memory_prt", "PUPPET_MEMORY_PORT"),
    ],
)
def test_a_misspelt_setting_is_told_with_what_may_be_meant(name: str, meant: str) -> None:
    [sentence] = misspelt({name: "s3cr3t", "PATH": "/bin"})
    assert sentence == f"{name} is no setting: did you mean {meant}?"


def test_what_is_like_nothing_or_empty_or_of_another_program_is_let_be() -> None:
    assert misspelt({"PUPPET_WALRUS": "1"}) == ["PUPPET_WALRUS is no setting"]
    assert misspelt({"PUPPET_AGENTS_SPEEED": "", "PUPPETEER_SKIP": "1", "puppet_agents_speed": "2"}) == []


def test_a_provider_of_ones_own_has_settings() -> None:
    named = {"PUPPET_LLM_PROVIDERS": "local,mine", "PUPPET_LLM_MINE_BASE_URL": "http://x/v1"}
    assert misspelt(named) == []
    assert misspelt({"PUPPET_LLM_MINE_BASE_URL": "http://x/v1"})


def test_every_setting_that_the_pages_name_is_one() -> None:
    pages = [
        ROOT / "README.md",
        ROOT / "docker-compose.yml",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("services/*/README.md"),
    ]
    named = {name for page in pages for name in re.findall(r"\bPUPPET_[A-Z0-9_]*[A-Z0-9]\b(?![_<])", page.read_text())}
    assert len(named) > 50
    assert misspelt(dict.fromkeys(named, "x") | {"PUPPET_LLM_PROVIDERS": "mine,own"}) == []
