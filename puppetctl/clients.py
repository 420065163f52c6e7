"""Where the services are, how they are called, and what is said when they refuse."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from puppetctl.suite import SERVICES, SuiteError, socket_of, usual_ports
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
    memory: MemoryServiceStub
    social: SocialServiceStub
    trading: TradingServiceStub


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where each service and sandbox is: `PUPPET_CTL_<NAME>`, else its usual port on this machine."""
    return {
        name: environment.get(f"PUPPET_CTL_{name.upper().replace('.', '_')}") or f"127.0.0.1:{port}"
        for name, port in usual_ports(environment).items()
    }


def targets(environment: Mapping[str, str], data_dir: Path = Path("var")) -> dict[str, str]:
    """Return what is dialled for each service: `PUPPET_CTL_<NAME>`, else its socket in the data folder, or its port."""
    found = addresses(environment)
    for name in SERVICES:
        path = socket_of(name, data_dir)
        if not environment.get(f"PUPPET_CTL_{name.upper()}") and path is not None and _is_answered(path):
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
async def connected(where: Mapping[str, str], proof: Proof) -> AsyncIterator[Clients]:
    """Open the stubs; nothing is dialled before the first call."""
    called: dict[type, str] = {
        AgentServiceStub: where["agents"],
        MemoryServiceStub: where["memory"],
        SocialServiceStub: where["social"],
        TradingServiceStub: where["trading"],
    }
    async with connect(called, proof) as stubs:
        yield Clients(
            stubs[AgentServiceStub], stubs[MemoryServiceStub], stubs[SocialServiceStub], stubs[TradingServiceStub]
        )


def proof_in(environment: Mapping[str, str], data_dir: Path = Path("var")) -> Proof:
    """Return what the command line proves itself with.

    That is the credential at `PUPPET_CTL_CREDENTIAL`, else the operator's in the data folder; with `PUPPET_CTL_TLS_CA`
    the calls are made with TLS, and `PUPPET_CTL_TLS_CERTIFICATE` with its `_KEY` is shown. Raises SuiteError.
    """
    given, ca = environment.get("PUPPET_CTL_CREDENTIAL"), environment.get("PUPPET_CTL_TLS_CA")
    certificate, key = (environment.get(f"PUPPET_CTL_TLS_{name}") for name in ("CERTIFICATE", "KEY"))
    path = Path(given) if given else PrincipalFiles(data_dir / "auth").credential_path(OPERATOR)
    if not given and not path.exists():
        raise SuiteError(
            f"there is no credential at {path}: start the suite with `puppetctl up`, make a new one with `puppetctl "
            "principals rotate operator`, or say where one is with PUPPET_CTL_CREDENTIAL"
        )
    try:
        shown = (Path(certificate), Path(key)) if certificate and key else (None, None)
        return Proof(Credential.read(path), channel_credentials_of(Path(ca), *shown) if ca else None)
    except SettingsError as error:
        raise SuiteError(str(error)) from None


async def find_agent(clients: Clients, agent_id: str) -> agents_pb.Agent | None:
    """Return an agent, or None when there is none with this id."""
    try:
        return (await clients.agents.GetAgent(agents_pb.GetAgentRequest(id=agent_id))).agent
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


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


async def cursor_before(clients: Clients, time: datetime) -> str:
    """Return the cursor from which a watch shows everything since a time, and nothing older."""
    request = agents_pb.ListActivityRequest(page_size=100)
    while True:
        page = await clients.agents.ListActivity(request)
        for activity in page.activities:
            if activity.create_time.ToDatetime(tzinfo=UTC) < time:
                return activity.cursor
        if not page.next_page_token:
            return "0"
        request.page_token = page.next_page_token


async def watch(clients: Clients, cursor: str, agent_ids: Sequence[str] = ()) -> AsyncIterator[agents_pb.Activity]:
    """Yield what agents do from a cursor on, through restarts of the service; an empty cursor is now."""
    while True:
        request = agents_pb.WatchActivityRequest(agent_ids=agent_ids, after_cursor=cursor)
        try:
            async for message in clients.agents.WatchActivity(request):
                if message.HasField("activity"):
                    cursor = message.activity.cursor
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
    if remote.violations:
        return "\n".join([f"{reason}:", *(f"  {item.field}: {item.description}" for item in remote.violations)])
    later = f" (try again in {remote.retry_after:.0f} s)" if remote.retry_after else ""
    return f"{reason}: {remote.message}{later}"


def nobody_answers(service: str) -> str:
    """Return what is said when this service isn't there."""
    return (
        "UNAVAILABLE: no service answers. Start the suite with `puppetctl up`, "
        f"or say where it is with PUPPET_CTL_{service.upper()}=host:port"
    )
