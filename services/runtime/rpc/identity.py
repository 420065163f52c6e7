"""Who calls: principals, what each may do, and the caller of the RPC that is being served."""

import contextvars
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from services.runtime import errors
from services.runtime.background import of_a_call


class Kind(StrEnum):
    """What a principal is: a caller of `puppet.options.v1.Caller`, or any of the services."""

    OPERATOR = "operator"
    READER = "reader"
    CLIENT = "client"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who can prove a name. `agents` None stands for all agents; both scopes are those of clients only."""

    name: str
    kind: Kind
    agents: frozenset[str] | None = None
    may_write: bool = True

    @property
    def role(self) -> str:
        """What the contract's access options know it as: its kind, or which service it is."""
        return f"{self.name} service" if self.kind is Kind.SERVICE else self.kind

    def covers(self, agents: Collection[str]) -> bool:
        """Tell whether its scope holds for a request that names these agents; one that names none is about all."""
        return self.agents is None or (bool(agents) and self.agents.issuperset(agents))


@dataclass(frozen=True, slots=True)
class Delegation:
    """What one principal lets a service do in its place: these methods, for these agents, for a short while."""

    issuer: Principal
    delegate: str
    agents: frozenset[str]
    methods: frozenset[str]
    expires_at: float
    """Unix seconds."""
    token: str

    def is_for(self, method: str, agents: Collection[str]) -> bool:
        """Tell whether it holds for this method (`package.Service/Method`) of a request that names these agents."""
        return method in self.methods and bool(agents) and self.agents.issuperset(agents)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and in whose place: `issuer` is somebody else where the call needs a delegation and has one."""

    principal: Principal
    issuer: Principal
    passed_on: Delegation | None = None
    """What the caller lets this service do at other services."""


@dataclass(frozen=True, slots=True)
class Session:
    """What lets one relay, such as the gateway, call in a principal's place until it expires; times in Unix seconds."""

    principal: Principal
    relay: str
    made_at: int
    expires_at: int
    link: str
    """Which sign-in link it came by: a link is no bearer's, and is exchanged once. Empty for any other session."""
    token: str = field(repr=False)


class Unauthenticated(errors.PuppetError):
    """Prove who you are: the call has no token or certificate, or one that doesn't hold."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(errors.Forbidden):
    """This principal may not do this."""

    reason = "PERMISSION_DENIED"

    def __init__(self, message: str, principal: Principal, **facts: str) -> None:
        super().__init__(message, principal=principal.name, **facts)


class DelegationRequired(errors.Forbidden):
    """Send a delegation along: this service may not do by itself what the call asks of others."""

    reason = "DELEGATION_REQUIRED"


_session = of_a_call(contextvars.ContextVar[Session | None]("session", default=None))
_caller = of_a_call(contextvars.ContextVar[Caller | None]("caller", default=None))


def current() -> Caller | None:
    """Return the caller of the RPC that is being served; None in background work, which is the service's own."""
    return _caller.get()


def name() -> str:
    """Return the name of who calls; empty in background work."""
    caller = _caller.get()
    return "" if caller is None else caller.principal.name


def is_operator() -> bool:
    """Tell whether the RPC that is being served was asked for by an operator, directly or by a delegation."""
    caller = _caller.get()
    return caller is not None and caller.issuer.kind is Kind.OPERATOR


def relayed() -> Session | None:
    """Return the session in whose principal's place this task calls others; None: in nobody's."""
    return _session.get()


def relay_for(session: Session | None) -> contextvars.Token[Session | None]:
    """Say in whose place this task calls others from now on."""
    return _session.set(session)


def act_as(caller: Caller | None) -> contextvars.Token[Caller | None]:
    """Say for whom this task works from now on; None: for the service itself."""
    return _caller.set(caller)
