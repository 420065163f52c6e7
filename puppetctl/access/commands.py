"""Tokens, delegations, principals and certificates, as the command line makes and shows them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from google.protobuf.descriptor import MethodDescriptor

from puppet.agents.v1 import agent_service_pb2
from puppetctl.access.certificates import Authority
from puppetctl.clients import proof_in
from puppetctl.suite import GATEWAY, PRINCIPALS, SERVICES, SuiteError, made_again
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import Listing
from services.runtime.rpc.access import Rule
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.identity import Kind, Principal
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.registry import MAX_TOKEN_SECONDS

_LOCAL_HOSTS = ("localhost", "127.0.0.1")
"""Where a service is that no host is named for."""


def token(service: str, life: timedelta, data_dir: Path, environment: Mapping[str, str]) -> int:
    """Print a token for one service, or for the gateway a session, which is its token. Raises SuiteError."""
    if service not in (*SERVICES, GATEWAY):
        raise SuiteError(f"{service!r} is no service: {', '.join((*SERVICES, GATEWAY))}")
    seconds = round(life.total_seconds())
    if seconds > MAX_TOKEN_SECONDS:
        raise SuiteError(f"a token holds for {MAX_TOKEN_SECONDS // 3600} hours at most")
    credential = _credential(data_dir, environment)
    print(credential.session(GATEWAY, seconds) if service == GATEWAY else credential.token(service, seconds))  # noqa: T201
    return 0


def delegation(method: str, agent: str, data_dir: Path, environment: Mapping[str, str]) -> int:
    """Print a delegation to the agents service for what a method of it calls elsewhere. Raises SuiteError."""
    found = _delegating().get(method.rpartition("/")[2])
    if not agent.strip():
        raise SuiteError("say which character it is about")
    if found is None:
        raise SuiteError(f"{method!r} needs no delegation; these do: {', '.join(_delegating())}")
    print(_credential(data_dir, environment).delegation("agents", Rule.of(found).delegates, agent))  # noqa: T201
    return 0


def show(data_dir: Path, *, as_json: bool = False) -> int:
    """Show every principal. Raises SuiteError."""
    listing = Listing("principal", "kind", "agents", "may", as_json=as_json, empty="nobody may call")
    for principal in _files(data_dir).list():
        agents = None if principal.agents is None else sorted(principal.agents)
        may_write = principal.kind is not Kind.READER and principal.may_write
        item = {"name": principal.name, "kind": str(principal.kind), "agents": agents, "may_write": may_write}
        whose = "all" if agents is None else ", ".join(agents)
        listing.add(item, principal.name, principal.kind, whose, "read and write" if may_write else "read")
    listing.show()
    return 0


def add(name: str, kind: str, agents: Sequence[str] | None, data_dir: Path, *, may_write: bool) -> int:
    """Add a principal, and print where its credential is. Raises SuiteError."""
    if kind == Kind.SERVICE and name not in PRINCIPALS:
        raise SuiteError(f"{name!r} is no service: {', '.join(PRINCIPALS)}")
    if kind not in (Kind.OPERATOR, Kind.READER, Kind.CLIENT, Kind.SERVICE):
        raise SuiteError(f"{kind!r} is no kind: operator, reader, client or service")
    if kind != Kind.CLIENT and (agents or may_write):
        raise SuiteError("only a client has a scope: leave --agent and --write out")
    if any(not agent.strip() for agent in agents or ()):
        raise SuiteError("--agent needs a character's id")
    scope = frozenset(agents) if agents else None
    principal = Principal(name, Kind(kind), scope, may_write=kind == Kind.OPERATOR or may_write)
    try:
        print(_files(data_dir).add(principal))  # noqa: T201
    except FileExistsError:
        raise SuiteError(f"there is a principal {name!r} already") from None
    except ValueError as error:
        raise SuiteError(str(error)) from None
    return 0


def rotate(name: str, data_dir: Path) -> int:
    """Give a principal a new key, and print where it is. Raises SuiteError."""
    try:
        print(_files(data_dir).rotate(name))  # noqa: T201
    except LookupError:
        raise SuiteError(f"there is no principal {name!r}") from None
    return 0


def revoke(name: str, data_dir: Path, *, is_sure: bool = False) -> int:
    """Take a principal out, and say so. Raises SuiteError, also for a service or the last operator unless sure."""
    files = _files(data_dir)
    kinds = {item.name: item.kind for item in files.list()}
    operators = [item for item, kind in kinds.items() if kind is Kind.OPERATOR]
    if kinds.get(name) is Kind.SERVICE and not is_sure:
        raise SuiteError(
            f"{name} is a service: without its credential the others refuse it, and the suite doesn't start. "
            f"`puppetctl principals rotate {name}` gives it a new one, or revoke it all the same with --yes"
        )
    if operators == [name] and not is_sure:
        raise SuiteError(
            f"{name} is the last operator: without one nobody can change a character or halt trading. Add another with "
            "`puppetctl principals add NAME --kind operator`, or revoke it all the same with --yes"
        )
    try:
        files.revoke(name)
    except LookupError:
        raise SuiteError(f"there is no principal {name!r}") from None
    lines = [f"{name} is revoked: its credential is deleted, and opens nothing any more"]
    if operators == [name]:
        lines.append(f"there is no operator now: {made_again(OPERATOR)}")
    elif kinds[name] is Kind.SERVICE:
        lines.append(f"the suite doesn't work without it: {made_again(name)}")
    open_console().print("\n".join(lines), markup=False, soft_wrap=True)
    return 0


def certificates(folder: Path, hosts: Sequence[str], principals: Sequence[str]) -> int:
    """Make certificates, and print where they are. Raises SuiteError."""
    of_service: dict[str, list[str]] = {name: [] for name in SERVICES}
    for given in hosts:
        name, _, host = given.partition("=")
        if name not in of_service or not host:
            raise SuiteError(f"--host is {given!r}: say which service is there, for example memory=10.0.0.4")
        of_service[name].append(host)
    try:
        authority = Authority(folder)
        print(authority.certificate_path)  # noqa: T201
        for name, its_hosts in of_service.items():
            print(authority.issue(name, its_hosts or _LOCAL_HOSTS))  # noqa: T201
        for name in (OPERATOR, *principals):
            print(authority.issue(name))  # noqa: T201
    except ValueError as error:
        raise SuiteError(str(error)) from None
    return 0


def _files(data_dir: Path) -> PrincipalFiles:
    files = PrincipalFiles(data_dir / "auth")
    if not files.registry.exists():
        raise SuiteError(f"there are no principals in {data_dir}: they are made when the suite starts there first")
    return files


def _credential(data_dir: Path, environment: Mapping[str, str]) -> Credential:
    credential = proof_in(environment, data_dir).credential
    if credential is None:
        raise SuiteError("there is no credential to sign with")
    return credential


def _delegating() -> dict[str, MethodDescriptor]:
    methods = agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"].methods
    return {method.name: method for method in methods if Rule.of(method).delegates}
