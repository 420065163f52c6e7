"""What `up` starts: which processes, on which ports, with which environment. Pure."""

import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.data_folder import TOKEN_FILE
from sandbox.llm.model import SETTING, packed_model
from services.runtime.environment import inherited, own_settings
from services.runtime.rpc.identity import Kind
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

SERVICES = ("agents", "memory", "llm", "trading", "social")

GATEWAY = "gateway"
"""The front door of HTTP: no service, but a principal as well, which calls them in the place of others."""

CALLERS = ("agents", GATEWAY)
"""Which programs call the others by themselves."""

PRINCIPALS = (*SERVICES, GATEWAY)
"""Which programs prove who they are."""

DEFAULT_PORTS = {
    "agents": 50051,
    "memory": 50052,
    "llm": 50053,
    "trading": 50054,
    "social": 50055,
    GATEWAY: 8080,
    "sandbox.x": 50061,
    "sandbox.solana": 50062,
    "sandbox.llm": 50063,
}

DEMO_SPEED = 240.0
"""An hour of the characters is a quarter of a minute of ours: slow enough to read, and a day goes by in six minutes."""

_HOST = "127.0.0.1"
_SOCKET_PATH_LENGTH = 100

# Below the ports that systems hand out to clients, so that a service that is restarted finds its port free.
_FREE_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """Something outside of the suite: the sandbox that stands in for it, and the settings that say where it is."""

    name: str
    service: str
    """Which service calls it."""
    sandbox: str
    settings: Mapping[str, str]
    """By variable, the path below the sandbox's address."""


X = ThirdParty("X", "social", "sandbox.x", {"PUPPET_SOCIAL_X_BASE_URL": ""})
SOLANA = ThirdParty(
    "Solana", "trading", "sandbox.solana", {"PUPPET_TRADING_RPC_URL": "", "PUPPET_TRADING_JUPITER_URL": "/jupiter"}
)
LLM = ThirdParty("the language model", "llm", "sandbox.llm", {"PUPPET_LLM_LOCAL_BASE_URL": "/v1"})
THIRD_PARTIES = (X, SOLANA, LLM)


class SuiteError(Exception):
    """The suite can't be started like this; the message says what to change."""


Health = Literal["grpc", "/health", "/_sandbox/health"]
"""How a program is asked whether it is well: by gRPC's protocol, or at a path of HTTP."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process: the module that is run, the port it listens on, and how it is asked whether it is healthy."""

    name: str
    module: str
    port: int
    environment: Mapping[str, str]
    health: Health

    @property
    def address(self) -> str:
        """Where it listens, as `host:port`."""
        return f"{_HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Suite:
    """What is started, and how fast its characters live."""

    programs: tuple[Program, ...]
    speed: float
    live: tuple[str, ...]
    """The third parties that are real, by name."""
    replaced: Mapping[str, str]
    """By service that isn't started, because the environment names another in its place: where that is."""

    def address(self, name: str) -> str | None:
        """Return where a program listens, or None when it isn't started."""
        return next((program.address for program in self.programs if program.name == name), None)


def prefix(name: str) -> str:
    """Return the prefix of a program's settings: `PUPPET_SANDBOX_X_` for `sandbox.x`."""
    return f"PUPPET_{name.upper().replace('.', '_')}_"


def location_setting(name: str) -> str:
    """Return the variable that says where a program is: `PUPPET_CTL_SANDBOX_X` for `sandbox.x`."""
    return f"PUPPET_CTL_{name.upper().replace('.', '_')}"


def health_of(name: str) -> Health:
    """Return how a program of this name is asked whether it is well."""
    if name == GATEWAY:
        return "/health"
    return "/_sandbox/health" if name.startswith("sandbox.") else "grpc"


def target_setting(name: str) -> str:
    """Return the variable that names another service in the place of one of ours: `PUPPET_AGENTS_LLM_TARGET`."""
    return f"PUPPET_AGENTS_{name.upper()}_TARGET"


def folder_of(name: str, data_dir: Path) -> Path:
    """Return where a program keeps its data: a sandbox below `sandbox`, the services beside one another."""
    return data_dir / name.replace(".", "/") if name.startswith("sandbox.") else data_dir


def is_live(party: ThirdParty, environment: Mapping[str, str]) -> bool:
    """Tell whether the environment names the real third party. Raises SuiteError when it names only a part of it."""
    given = [name for name in party.settings if environment.get(name)]
    if given and len(given) < len(party.settings):
        missing = ", ".join(name for name in party.settings if name not in given)
        raise SuiteError(f"{given[0]} is set, so set {missing} too: one alone would mix {party.name} with the sandbox")
    if party is LLM:
        names = [name.strip() for name in environment.get("PUPPET_LLM_PROVIDERS", "local").split(",")]
        return bool(given) or "local" not in names
    return bool(given)


def usual_ports(environment: Mapping[str, str], offset: int = 0) -> dict[str, int]:
    """Return every program's port: the one in the environment, else the default, plus the offset."""
    ports = {}
    for name, default in DEFAULT_PORTS.items():
        given = environment.get(f"{prefix(name)}PORT") or str(default)
        port = int(given) + offset if given.isdecimal() else 0
        if not 1 <= port <= 65_535:
            raise SuiteError(f"{prefix(name)}PORT is {given}, and with the offset {offset} no port from 1 to 65535")
        ports[name] = port
    return ports


def free_ports() -> dict[str, int]:
    """Return a port for every program on which nothing listens now."""
    free = (port for port in random.sample(_FREE_PORTS, len(_FREE_PORTS)) if not port_in_use(port))
    return dict(zip(DEFAULT_PORTS, free, strict=False))


def read_ports(given: str, environment: Mapping[str, str]) -> dict[str, int]:
    """Return every program's port: `auto` takes free ones, `+1000` moves the usual ones, empty leaves them."""
    if given == "auto":
        return free_ports()
    if given and not given.removeprefix("+").isdecimal():
        raise SuiteError(f"--ports is {given!r}: give `auto`, or a number that is added to the usual ports")
    return usual_ports(environment, int(given or 0))


def socket_of(name: str, data_dir: Path) -> Path | None:
    """Return the socket of a service in a data folder; None where its path would be longer than systems take.

    A port is anybody's while nobody listens on it, and a folder of mode 0700 its owner's: there the service answers.
    """
    path = data_dir.resolve() / "run" / f"{name}.sock"
    return path if len(str(path)) <= _SOCKET_PATH_LENGTH else None


def port_in_use(port: int) -> bool:
    """Tell whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return True
    return False


def _demo_speed(environment: Mapping[str, str]) -> float:
    packed = packed_model(environment.get(SETTING, ""))
    return DEMO_SPEED / packed.slowness if packed else DEMO_SPEED


def plan_suite(
    environment: Mapping[str, str],
    data_dir: Path,
    ports: Mapping[str, int],
    speed: float | None = None,
    *,
    has_gateway: bool = False,
) -> Suite:
    """Return what to start.

    Without a speed it is that of life when a third party is live, and otherwise the demo's, as far as the sandbox's
    model keeps up with it.
    """
    replaced = {name: target for name in SERVICES[1:] if (target := environment.get(target_setting(name)))}
    ours = [party for party in THIRD_PARTIES if party.service not in replaced]
    live = [party for party in ours if is_live(party, environment)]
    sandboxes = [party for party in ours if party not in live]
    # What somebody else's service does may be real.
    speed = speed or (_demo_speed(environment) if sandboxes == list(THIRD_PARTIES) else 1.0)
    machine = {**inherited(environment), "no_proxy": _without_proxy(environment), "PYTHONUNBUFFERED": "1"}
    # All settings together; each program is handed its own and no other's.
    settings = {
        **environment,
        **_settings_of_services(environment, data_dir, ports),
        **_settings_of_sandboxes(environment, data_dir, sandboxes, ports, speed),
        "PUPPET_AGENTS_SPEED": str(speed),
    }

    def program(name: str, module: str) -> Program:
        own = {"HOST": _HOST, "PORT": str(ports[name]), "DATA_DIR": str(folder_of(name, data_dir))}
        its = own_settings(settings, prefix(name)) | {prefix(name) + key: value for key, value in own.items()}
        return Program(name, module, ports[name], machine | its, health_of(name))

    programs = [program(party.sandbox, party.sandbox) for party in sandboxes]
    programs += [program(name, f"services.{name}") for name in SERVICES if name not in replaced]
    if has_gateway:
        programs.append(program(GATEWAY, "services.gateway"))
    return Suite(tuple(programs), speed, tuple(party.name for party in live), replaced)


def _settings_of_services(environment: Mapping[str, str], data_dir: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """Return how the services find each other, and who may call.

    The agents service, the gateway and, where it has its vectors from the llm service, the memory service call others.
    """
    auth = PrincipalFiles(data_dir / "auth")
    settings = {f"{prefix(name)}PRINCIPALS": str(auth.registry) for name in PRINCIPALS}
    settings |= {f"{prefix(name)}CREDENTIAL": str(auth.credential_path(name)) for name in ("agents", "memory", GATEWAY)}
    settings = {name: environment.get(name) or value for name, value in settings.items()}
    for name in SERVICES:
        if socket_path := socket_of(name, data_dir):
            settings[f"{prefix(name)}SOCKET"] = str(socket_path)
        target = f"unix:{socket_path}" if socket_path else f"{_HOST}:{ports[name]}"
        if name != "agents":
            settings[target_setting(name)] = environment.get(target_setting(name)) or target
            target = settings[target_setting(name)]
        own = f"{prefix(GATEWAY)}{name.upper()}_TARGET"
        settings[own] = environment.get(own) or target
    of_vectors = f"{prefix('memory')}LLM_TARGET"
    settings[of_vectors] = environment.get(of_vectors) or settings[target_setting("llm")]
    return settings


def _settings_of_sandboxes(
    environment: Mapping[str, str],
    data_dir: Path,
    sandboxes: Sequence[ThirdParty],
    ports: Mapping[str, int],
    speed: float,
) -> dict[str, str]:
    """Return where the sandboxes are, and what they need to be lived in as fast as this."""
    where = {
        variable: f"http://{_HOST}:{ports[party.sandbox]}{path}"
        for party in sandboxes
        for variable, path in party.settings.items()
    }
    defaults = {}
    if SOLANA in sandboxes:
        defaults["PUPPET_TRADING_BIRDEYE_URL"] = f"http://{_HOST}:{ports[SOLANA.sandbox]}/birdeye"
    if X in sandboxes:
        # The limits are per quarter of an hour of our time, and the characters live through many in it.
        defaults["PUPPET_SANDBOX_X_RATE_LIMIT_MULTIPLIER"] = str(max(1.0, speed))
        defaults["PUPPET_SOCIAL_VISIBILITY_SECONDS"] = "2"
        # Who comes to life by REST has an account as well.
        own = prefix(GATEWAY)
        defaults[f"{own}ACCOUNTS_URL"] = f"http://{_HOST}:{ports[X.sandbox]}/_sandbox/accounts"
        if token := environment.get(f"{prefix(X.sandbox)}ADMIN_TOKEN"):
            defaults[f"{own}ACCOUNTS_TOKEN"] = token
        else:
            defaults[f"{own}ACCOUNTS_TOKEN_FILE"] = str(folder_of(X.sandbox, data_dir) / TOKEN_FILE)
    return {name: environment.get(name, value) for name, value in defaults.items()} | where


def _without_proxy(environment: Mapping[str, str]) -> str:
    """Keep calls between the processes away from a proxy that the machine may use for the world outside."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    return ",".join(filter(None, [given, _HOST, "localhost"]))


def made_again(name: str) -> str:
    """Return in words what makes a principal anew that the suite needs."""
    kind = Kind.OPERATOR if name == OPERATOR else Kind.SERVICE
    return f"`puppetctl principals add {name} --kind {kind}` makes it anew"
