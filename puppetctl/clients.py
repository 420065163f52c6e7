"""Where the services are, how they are called, and what is said when they refuse."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from puppetctl import DATA_DIR
from puppetctl.datadir import running_addresses
from puppetctl.suite import SERVICES, SuiteError, location_setting, socket_of, usual_ports
from services.runtime.rpc.client import UNIX, Proof, connect
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.status import Remote
from services.runtime.rpc.tls import channel_credentials_of
from services.runtime.settings import SettingsError

_RECONNECT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Clients:
    """The stubs that the command line calls."""

    agents: AgentServiceStub
    events: EventServiceStub
    drafts: DraftServiceStub
    llm: LlmServiceStub
    memory: MemoryServiceStub
    relationships: RelationshipServiceStub
    social: SocialServiceStub
    trading: TradingServiceStub


def addresses(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> dict[str, str]:
    """Return where each service and sandbox is: `PUPPET_CTL_<NAME>`, else where the suite of the data folder runs.

    Where none runs, it is the usual port on this machine. A sandbox that a suite runs without is left out: what it
    stands in for is live there.
    """
    running = running_addresses(data_dir)
    found = {}
    for name, port in usual_ports(environment).items():
        if address := environment.get(location_setting(name)) or running.get(name):
            found[name] = address
        elif name in SERVICES or not running:
            found[name] = f"127.0.0.1:{port}"
    return found


def targets(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> dict[str, str]:
    """Return what is dialled for each service: `PUPPET_CTL_<NAME>`, else its socket in the data folder, or its port."""
    found = addresses(environment, data_dir)
    for name in SERVICES:
        path = socket_of(name, data_dir)
        if not environment.get(location_setting(name)) and path is not None and _is_answered(path):
            found[name] = f"{UNIX}{path}"
    return found


def _is_answered(path: Path) -> bool:
    """Tell whether somebody listens on a socket; one that was killed leaves it behind."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


@contextlib.asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[Clients]:
    """Open the stubs of the suite of this folder, or where the environment says. Raises SuiteError."""
    async with connected(targets(os.environ, data_dir), proof_in(os.environ, data_dir)) as clients:
        yield clients


@contextlib.asynccontextmanager
async def connected(where: Mapping[str, str], proof: Proof) -> AsyncIterator[Clients]:
    """Open the stubs; nothing is dialled before the first call."""
    called: dict[type, str] = {
        AgentServiceStub: where["agents"],
        EventServiceStub: where["agents"],
        DraftServiceStub: where["agents"],
        LlmServiceStub: where["llm"],
        MemoryServiceStub: where["memory"],
        RelationshipServiceStub: where["memory"],
        SocialServiceStub: where["social"],
        TradingServiceStub: where["trading"],
    }
    async with connect(called, proof) as stubs:
        yield Clients(
            stubs[AgentServiceStub],
            stubs[EventServiceStub],
            stubs[DraftServiceStub],
            stubs[LlmServiceStub],
            stubs[MemoryServiceStub],
            stubs[RelationshipServiceStub],
            stubs[SocialServiceStub],
            stubs[TradingServiceStub],
        )


def proof_in(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> Proof:
    """Return what the command line proves itself with.

    That is the credential at `PUPPET_CTL_CREDENTIAL`, else the operator's in the data folder; with `PUPPET_CTL_TLS_CA`
    the calls are made with TLS, and `PUPPET_CTL_TLS_CERTIFICATE` with its `_KEY` is shown. Raises SuiteError.
    """
    given, ca = environment.get("PUPPET_CTL_CREDENTIAL"), environment.get("PUPPET_CTL_TLS_CA")
    certificate, key = (environment.get(f"PUPPET_CTL_TLS_{name}") for name in ("CERTIFICATE", "KEY"))
    files, path = PrincipalFiles(data_dir / "auth"), credential_path(environment, data_dir)
    try:
        if not given and not path.exists():
            raise SuiteError(f"there is no credential at {path}: {_remedy(files)}")
    except PermissionError:
        raise SuiteError(f"{path} belongs to another user: say where yours is with PUPPET_CTL_CREDENTIAL") from None
    try:
        shown = (Path(certificate), Path(key)) if certificate and key else (None, None)
        return Proof(Credential.read(path), channel_credentials_of(Path(ca), *shown) if ca else None)
    except SettingsError as error:
        raise SuiteError(str(error)) from None


def credential_path(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> Path:
    """Return where the credential is that the command line proves itself with."""
    given = environment.get("PUPPET_CTL_CREDENTIAL")
    return Path(given) if given else PrincipalFiles(data_dir / "auth").credential_path(OPERATOR)


def _remedy(files: PrincipalFiles) -> str:
    """Return how to get a credential of the operator's where there is none; the command is one that works."""
    if not files.registry.exists():
        making = "start the suite with `puppetctl up`"
    else:
        is_known = any(principal.name == OPERATOR for principal in files.list())
        command = f"rotate {OPERATOR}" if is_known else f"add {OPERATOR} --kind operator"
        making = f"make one with `puppetctl principals {command}`"
    return f"{making}, name another data folder with --data, or say where one is with PUPPET_CTL_CREDENTIAL"


async def find_agent(clients: Clients, agent_id: str, seconds: float | None = None) -> agents_pb.Agent | None:
    """Return an agent, or None when there is none with this id; `seconds` is how long that may take."""
    try:
        return (await clients.agents.GetAgent(agents_pb.GetAgentRequest(id=agent_id), timeout=seconds)).agent
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


async def wallet_of(clients: Clients, agent_id: str) -> str:
    """Return the id of an agent's wallet. Raises SuiteError when it has none."""
    listed = await clients.trading.ListWallets(trading_pb.ListWalletsRequest(agent_id=agent_id, page_size=1))
    if not listed.wallets:
        raise SuiteError(f"{agent_id!r} has no wallet")
    return listed.wallets[0].id


async def named_agents(clients: Clients, agent_ids: Sequence[str]) -> list[agents_pb.Agent]:
    """Return these agents, or all when none is named; one that isn't there is refused by its id. Raises SuiteError."""
    if agent_ids:
        requests = [agents_pb.GetAgentRequest(id=agent_id) for agent_id in dict.fromkeys(agent_ids)]
        return [(await clients.agents.GetAgent(request)).agent for request in requests]
    try:
        return await list_agents(clients)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            raise
        raise SuiteError(f"{in_words(error)}\nName the characters that your credential is for") from None


async def list_agents(clients: Clients) -> list[agents_pb.Agent]:
    """Return every agent, in the order of their ids."""
    found: list[agents_pb.Agent] = []
    request = agents_pb.ListAgentsRequest(page_size=500)
    while True:
        page = await clients.agents.ListAgents(request)
        found += page.agents
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def activities(clients: Clients, request: agents_pb.ListActivityRequest) -> AsyncIterator[log_pb.Activity]:
    """Yield what the log holds of a request, newest first, from page to page. Raises grpc's errors."""
    while True:
        page = await clients.agents.ListActivity(request)
        for activity in page.activities:
            yield activity
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def cursor_before(clients: Clients, time: datetime) -> str:
    """Return the cursor from which a watch shows everything since a time, and nothing older."""
    async for activity in activities(clients, agents_pb.ListActivityRequest(page_size=100)):
        if activity.create_time.ToDatetime(tzinfo=UTC) < time:
            return activity.cursor
    return "0"


async def watch(clients: Clients, cursor: str, agent_ids: Sequence[str] = ()) -> AsyncIterator[log_pb.Activity]:
    """Yield what agents do from a cursor on, through restarts of the service; an empty cursor is now."""
    while True:
        request = agents_pb.WatchActivityRequest(agent_ids=agent_ids, after_cursor=cursor)
        try:
            async for message in clients.agents.WatchActivity(request):
                cursor = message.cursor or cursor
                if message.HasField("activity"):
                    yield message.activity
        except grpc.aio.AioRpcError as error:
            if not Remote(error).is_transient:
                raise
        await asyncio.sleep(_RECONNECT_SECONDS)


def in_words(error: grpc.aio.AioRpcError, service: str = "agents") -> str:
    """Return a refusal by this service as `reason: message`, with a line for each field that breaks a rule."""
    remote = Remote(error)
    if not remote.reason and error.code() is grpc.StatusCode.UNAVAILABLE:
        return nobody_answers(service)
    reason = remote.reason or error.code().name
    if len(remote.violations) == 1:
        [only] = remote.violations
        return f"{reason}: {only.field}: {only.description}"
    if remote.violations:
        return "\n".join([f"{reason}:", *(f"  {item.field}: {item.description}" for item in remote.violations)])
    later = f" (try again in {remote.retry_after:.0f} s)" if remote.retry_after else ""
    # What another service has refused comes with its reason before the words.
    words = remote.message.removeprefix(f"{reason}: ")
    return f"{reason}: {words}{f' (says {asked})' if (asked := refused_by(remote)) else ''}{later}"


def refused_by(remote: Remote) -> str:
    """Return which service has refused it to the one that was called; empty when that refuses by itself."""
    return remote.metadata.get("dependency", "") if remote.reason != "DEPENDENCY_UNAVAILABLE" else ""


def nobody_answers(service: str) -> str:
    """Return what is said when this service isn't there."""
    return (
        "UNAVAILABLE: no service answers. Start the suite with `puppetctl up`, "
        f"name its data folder with --data, or say where it is with {location_setting(service)}=host:port"
    )
