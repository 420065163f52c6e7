"""What would be started."""

from pathlib import Path

import pytest

from puppetctl.suite import (
    DEFAULT_PORTS,
    DEMO_SPEED,
    GATEWAY,
    LLM,
    SERVICES,
    SOLANA,
    Suite,
    SuiteError,
    X,
    is_live,
    plan_suite,
    prefix,
    read_ports,
)
from services.agents.settings import AgentsSettings
from services.gateway.settings import GatewaySettings
from services.llm.settings import LlmSettings
from services.memory.settings import MemorySettings
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings

DATA = Path("/data")
LIVE_SOLANA = {"PUPPET_TRADING_RPC_URL": "https://rpc.example", "PUPPET_TRADING_JUPITER_URL": "https://jup.example"}


def _plan(environment: dict[str, str], speed: float | None = None) -> Suite:
    return plan_suite(environment, DATA, read_ports("", environment), speed, has_gateway=True)


def _environment(suite: Suite, name: str) -> dict[str, str]:
    return dict(next(program.environment for program in suite.programs if program.name == name))


def test_without_settings_everything_outside_is_a_sandbox_and_time_runs_fast() -> None:
    suite = _plan({})
    assert {program.name: program.port for program in suite.programs} == DEFAULT_PORTS
    assert suite.live == ()
    assert suite.speed == DEMO_SPEED


@pytest.mark.parametrize(("model", "times"), [("", 1), ("smollm2", 1), ("gemma", 1), ("qwen", 5), ("/own.gguf", 1)])
def test_time_runs_no_faster_than_the_sandbox_s_model_writes(model: str, times: float) -> None:
    assert _plan({"PUPPET_SANDBOX_LLM_MODEL": model}).speed == DEMO_SPEED / times


def test_the_usual_ports_are_those_of_the_services_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (AgentsSettings, MemorySettings, LlmSettings, TradingSettings, SocialSettings)
    assert {name: DEFAULT_PORTS[name] for name in SERVICES} == {
        name: kind().port for name, kind in zip(SERVICES, kinds, strict=True)
    }


def test_every_process_is_told_where_it_listens_and_where_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {name: 20_000 + index for index, name in enumerate(DEFAULT_PORTS)}
    suite = plan_suite({}, DATA, ports)
    for program in suite.programs:
        for variable, value in program.environment.items():
            monkeypatch.setenv(variable, value)
    agents = AgentsSettings()
    assert (agents.port, agents.data_dir, agents.speed) == (ports["agents"], DATA, DEMO_SPEED)
    assert agents.memory_target == "unix:/data/run/memory.sock"
    assert agents.llm_target == "unix:/data/run/llm.sock"
    assert agents.trading_target == "unix:/data/run/trading.sock"
    assert agents.social_target == "unix:/data/run/social.sock"
    assert SocialSettings().x_base_url == f"http://127.0.0.1:{ports['sandbox.x']}"
    assert TradingSettings().rpc_url == f"http://127.0.0.1:{ports['sandbox.solana']}"
    assert TradingSettings().jupiter_url == f"http://127.0.0.1:{ports['sandbox.solana']}/jupiter"
    assert LlmSettings().providers[0].base_url == f"http://127.0.0.1:{ports['sandbox.llm']}/v1"


def test_the_gateway_calls_every_service_where_it_is_and_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in _environment(_plan({"PUPPET_AGENTS_LLM_TARGET": "other:1"}), GATEWAY).items():
        monkeypatch.setenv(variable, value)
    settings = GatewaySettings()
    assert settings.agents_target == "unix:/data/run/agents.sock"
    assert settings.memory_target == "unix:/data/run/memory.sock"
    assert settings.llm_target == "other:1"
    assert settings.credential == DATA / "auth" / "credentials" / "gateway.json"
    assert settings.accounts_url == f"http://127.0.0.1:{DEFAULT_PORTS['sandbox.x']}/_sandbox/accounts"
    assert settings.accounts_token_file == DATA / "sandbox" / "x" / "admin.token"
    own = _environment(_plan({"PUPPET_SANDBOX_X_ADMIN_TOKEN": "own"}), GATEWAY)
    assert ("PUPPET_GATEWAY_ACCOUNTS_TOKEN", "own") in own.items()
    live = _environment(_plan({"PUPPET_SOCIAL_X_BASE_URL": "https://api.x.com"}), GATEWAY)
    assert "PUPPET_GATEWAY_ACCOUNTS_URL" not in live, "a real network gives no accounts"
    assert plan_suite({}, DATA, read_ports("", {})).address(GATEWAY) is None


@pytest.mark.parametrize(
    ("given", "target"), [({}, "unix:/data/run/llm.sock"), ({"PUPPET_AGENTS_LLM_TARGET": "other:1"}, "other:1")]
)
def test_memory_gets_its_vectors_where_agents_get_their_words(given: dict[str, str], target: str) -> None:
    memory = _environment(_plan(given | {"PUPPET_MEMORY_EMBEDDINGS": "llm"}), "memory")
    assert memory["PUPPET_MEMORY_LLM_TARGET"] == target
    assert memory["PUPPET_MEMORY_EMBEDDINGS"] == "llm"
    assert memory["PUPPET_MEMORY_CREDENTIAL"] == "/data/auth/credentials/memory.json"


def test_a_service_whose_sockets_path_would_be_too_long_is_called_by_its_port() -> None:
    ports = {name: 20_000 + index for index, name in enumerate(DEFAULT_PORTS)}
    suite = plan_suite({}, Path("/" + "d" * 100), ports)
    assert "PUPPET_MEMORY_SOCKET" not in _environment(suite, "memory")
    assert _environment(suite, "agents")["PUPPET_AGENTS_MEMORY_TARGET"] == f"127.0.0.1:{ports['memory']}"


def test_sandboxes_keep_their_data_apart() -> None:
    assert _environment(_plan({}), "sandbox.x")["PUPPET_SANDBOX_X_DATA_DIR"] == "/data/sandbox/x"
    assert _environment(_plan({}), "memory")["PUPPET_MEMORY_DATA_DIR"] == "/data"


@pytest.mark.parametrize(
    ("environment", "sandbox", "name"),
    [
        ({"PUPPET_SOCIAL_X_BASE_URL": "https://api.x.com"}, "sandbox.x", "X"),
        (LIVE_SOLANA, "sandbox.solana", "Solana"),
        ({"PUPPET_LLM_LOCAL_BASE_URL": "http://127.0.0.1:8080/v1"}, "sandbox.llm", "the language model"),
        ({"PUPPET_LLM_PROVIDERS": "openai,groq"}, "sandbox.llm", "the language model"),
    ],
)
def test_what_is_live_has_no_sandbox_and_runs_at_the_speed_of_life(
    environment: dict[str, str], sandbox: str, name: str
) -> None:
    suite = _plan(environment)
    assert suite.address(sandbox) is None
    assert suite.live == (name,)
    assert suite.speed == 1
    assert _plan(environment, speed=10).speed == 10


def test_a_provider_list_with_the_local_model_needs_its_sandbox() -> None:
    assert not is_live(LLM, {"PUPPET_LLM_PROVIDERS": "openai, local"})


def test_an_empty_variable_is_no_address() -> None:
    assert not is_live(X, {"PUPPET_SOCIAL_X_BASE_URL": ""})


def test_half_of_solana_is_refused() -> None:
    with pytest.raises(SuiteError, match="PUPPET_TRADING_JUPITER_URL"):
        is_live(SOLANA, {"PUPPET_TRADING_RPC_URL": "https://rpc.example"})


def test_ports_can_be_moved_together_or_one_by_one() -> None:
    assert read_ports("+1000", {})["agents"] == 51_051
    assert read_ports("1000", {"PUPPET_AGENTS_PORT": "7000"})["agents"] == 8000


def test_free_ports_are_all_different() -> None:
    ports = read_ports("auto", {})
    assert ports.keys() == DEFAULT_PORTS.keys()
    assert len(set(ports.values())) == len(ports)


@pytest.mark.parametrize(
    ("given", "environment", "named"),
    [
        ("some", {}, "--ports"),
        ("-1", {}, "--ports"),
        ("60000", {}, "PUPPET_AGENTS_PORT"),
        ("", {"PUPPET_LLM_PORT": "http"}, "PUPPET_LLM_PORT"),
        ("", {"PUPPET_SANDBOX_X_PORT": "0"}, "PUPPET_SANDBOX_X_PORT"),
    ],
)
def test_a_port_that_is_none_is_refused_by_its_name(given: str, environment: dict[str, str], named: str) -> None:
    with pytest.raises(SuiteError, match=named):
        read_ports(given, environment)


def test_the_processes_never_call_each_other_through_a_proxy() -> None:
    environment = {"https_proxy": "http://proxy:3128", "NO_PROXY": "intranet"}
    assert _environment(_plan(environment), "agents")["no_proxy"] == "intranet,127.0.0.1,localhost"


@pytest.mark.parametrize("name", DEFAULT_PORTS)
def test_a_process_gets_the_settings_of_its_own_and_nothing_of_another_or_of_the_shell(name: str) -> None:
    mine = {f"{prefix(name)}SECRET": "mine", f"{prefix(name)}secret_too".lower(): "mine"}
    others = {f"{prefix(other)}SECRET": "theirs" for other in DEFAULT_PORTS if other != name}
    shell = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "PGPASSWORD", "PUPPET_CTL_TOKEN"), "theirs")
    machine = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "https_proxy": "http://proxy:3128", "SSL_CERT_FILE": "/ca.pem"}
    given = _environment(_plan({**mine, **others, **shell, **machine}), name)
    assert (mine | machine).items() <= given.items()
    assert "theirs" not in given.values()
    foreign = {variable for variable in given if variable.upper().startswith("PUPPET_")} - set(mine)
    assert {variable for variable in foreign if not variable.startswith(prefix(name))} == set()


@pytest.mark.parametrize(
    "environment",
    [
        {"PUPPET_SOCIAL_X_BASE_URL": "https://api.x.com"},
        {"PUPPET_LLM_PROVIDERS": "openai", "PUPPET_LLM_OPENAI_API_KEY": "sk"},
    ],
)
def test_what_is_live_is_told_to_the_service_that_calls_it(environment: dict[str, str]) -> None:
    name = next(iter(environment)).split("_")[1].lower()
    assert environment.items() <= _environment(_plan(environment), name).items()


def test_limits_of_the_sandbox_run_as_fast_as_time() -> None:
    name = "PUPPET_SANDBOX_X_RATE_LIMIT_MULTIPLIER"
    assert _environment(_plan({}, speed=60), "sandbox.x")[name] == "60"
    assert _environment(_plan({}, speed=0.5), "sandbox.x")[name] == "1.0"
    assert _environment(_plan({name: "2"}), "sandbox.x")[name] == "2"


@pytest.mark.parametrize(
    ("name", "sandbox"),
    [("memory", None), ("llm", "sandbox.llm"), ("trading", "sandbox.solana"), ("social", "sandbox.x")],
)
def test_a_service_that_the_environment_names_is_called_and_not_started(name: str, sandbox: str | None) -> None:
    target = f"PUPPET_AGENTS_{name.upper()}_TARGET"
    suite = _plan({target: "elsewhere:7"})
    assert {program.name for program in suite.programs} == DEFAULT_PORTS.keys() - {name, sandbox}
    assert suite.replaced == {name: "elsewhere:7"}
    assert _environment(suite, "agents")[target] == "elsewhere:7"
    # What it does with what is outside, nobody here knows.
    assert suite.speed == (DEMO_SPEED if sandbox is None else 1)
    assert _plan({target: ""}).replaced == {}


def test_settings_of_a_service_that_is_not_started_are_not_looked_at() -> None:
    environment = {"PUPPET_AGENTS_TRADING_TARGET": "elsewhere:7", "PUPPET_TRADING_RPC_URL": "https://rpc.example"}
    assert _plan(environment).live == ()
