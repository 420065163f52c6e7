"""Tells who calls, and whether they may: before a handler sees anything of a request.

A caller proves itself by a token in the metadata, or by the certificate of a mutual TLS connection. What it may not do
by its own right it may do in somebody's place who signed a delegation for it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.rpc.access import Rule, is_other_than_text_at, lacking_at, values_at
from services.runtime.rpc.identity import (
    Caller,
    Delegation,
    DelegationRequired,
    PermissionDenied,
    Principal,
    Unauthenticated,
)
from services.runtime.rpc.registry import Registry, Shown

TOKEN_KEY, DELEGATION_KEY = "authorization", "puppet-delegation"
"""The keys of the metadata that carry a token, as `Bearer TOKEN`, and a delegation."""

CERTIFICATE_PREFIX = "puppet:principal:"
"""With the principal's name behind it, the URI among a client certificate's alternative names."""

_SCHEME = "bearer "

AgentOf = Callable[[str], Awaitable[str | None]]
"""Returns the agent that something belongs to, by the id of the thing; None when there is no such thing."""


class Authentication:
    """What a server knows about its callers."""

    def __init__(
        self,
        service: str,
        registry: Registry,
        rules: Mapping[str, Rule],
        agent_of: AgentOf | None,
        *,
        asks_for_certificates: bool = False,
    ) -> None:
        """Take the server's short name, the principals, the rules by path, and how the owner of a thing is found."""
        self._asks_for_certificates = asks_for_certificates
        self._service = service
        self._registry = registry
        self._rules = rules
        self._agent_of = agent_of

    def rule(self, path: str) -> Rule:
        """Return the rule of an RPC; one that the contract says nothing about is open to nobody."""
        return self._rules.get(path) or Rule(path.removeprefix("/"))

    def identify(self, context: grpc.aio.ServicerContext[Any, Any], metadata: Mapping[str, str]) -> Shown:
        """Return who calls, as it is registered. Raises Unauthenticated."""
        given = metadata.get(TOKEN_KEY, "")
        bearer = None
        if given:
            if given[: len(_SCHEME)].lower() != _SCHEME:
                raise Unauthenticated("the metadata's `authorization` must be `Bearer TOKEN`")
            bearer = self._registry.bearer(given[len(_SCHEME) :].strip(), self._service)
        certified = self._certified(context) if self._asks_for_certificates else None
        # A relay's certificate is its own, whoever it calls for.
        if bearer is not None and certified is not None and bearer.signer != certified.signer:
            raise Unauthenticated("the token and the certificate name two principals")
        if (found := bearer or certified) is None:
            raise Unauthenticated(
                f"send a token of `puppetctl token {self._service}` in the metadata: `authorization: Bearer TOKEN`"
            )
        return found

    def check_current(self, proof: Shown) -> None:
        """Raise Unauthenticated when who called, itself or by a relay, is registered no longer, or not as it was."""
        if any(self._registry.find(it.principal.name) != it for it in {proof.registered, proof.signer}):
            raise Unauthenticated("this principal was revoked, or has changed")

    async def admit(self, rule: Rule, principal: Principal, metadata: Mapping[str, str], request: Any) -> Caller:
        """Return the caller when it may have this RPC with this request. `request` None: it can't be looked into.

        Raises PermissionDenied, DelegationRequired, InvalidRequest where an agent must be named and isn't, and
        Unauthenticated for a delegation that doesn't hold.
        """
        given = metadata.get(DELEGATION_KEY, "")
        delegation = self._registry.delegation(given) if given else None
        if rule.delegates:
            return self._admit_with_others(rule, principal, delegation, request)
        if delegation is not None and delegation.delegate != principal.name:
            raise PermissionDenied("the delegation was given to somebody else", principal)
        if delegation is not None and await self._holds(rule, delegation, request):
            return Caller(principal, delegation.issuer)
        if not rule.admits(principal):
            raise PermissionDenied(f"{principal.role} may not call {rule.method}", principal)
        if not (rule.any_scope or principal.agents is None or principal.covers(await self._agents(rule, request))):
            own = ",".join(sorted(principal.agents))
            raise PermissionDenied(
                "the request is about agents, or about all, beyond this client's scope", principal, agents=own
            )
        return Caller(principal, principal)

    def _admit_with_others(
        self, rule: Rule, principal: Principal, delegation: Delegation | None, request: Any
    ) -> Caller:
        """Admit a call that goes on to other services in its caller's place."""
        if not rule.admits(principal):
            raise PermissionDenied(f"{principal.role} may not call {rule.method}", principal)
        agents = values_at(request, rule.agent)
        if not agents:
            words = "must be a text" if is_other_than_text_at(request, rule.agent) else "is required"
            raise InvalidRequest([Violation(lacking_at(request, rule.agent), words)])
        if not (
            delegation is not None
            and delegation.issuer == principal
            and delegation.delegate == self._service
            and all(delegation.is_for(method, agents) for method in rule.delegates)
        ):
            others = f" and {len(agents) - 1:,} others" if len(agents) > 1 else ""
            raise DelegationRequired(
                f"sign a delegation to {self._service} for {agents[0]!r}{others} and these methods, and send it as "
                f"`{DELEGATION_KEY}` (`puppetctl call` and `puppetctl delegate` do): {', '.join(rule.delegates)}"
            )
        return Caller(principal, principal, delegation)

    async def _holds(self, rule: Rule, delegation: Delegation, request: Any) -> bool:
        agents = await self._agents(rule, request)
        return (
            rule.admits(delegation.issuer)
            and delegation.is_for(rule.method, agents)
            and delegation.issuer.covers(agents)
        )

    async def _agents(self, rule: Rule, request: Any) -> list[str]:
        """Return the agents that a request names, itself or by what belongs to them."""
        if rule.agent:
            return values_at(request, rule.agent)
        if not rule.resource or self._agent_of is None:
            return []
        # Nothing was checked yet, and what has a NUL in it is no question that every database takes.
        named = [resource for resource in values_at(request, rule.resource) if "\0" not in resource]
        owners = [await self._agent_of(resource) for resource in named]
        # A thing that isn't there belongs to nobody, so nobody with a scope learns that it isn't.
        return [owner or "" for owner in owners]

    def _certified(self, context: grpc.aio.ServicerContext[Any, Any]) -> Shown | None:
        # Of a certificate's names only its URIs count: an authority may let anybody have any e-mail address.
        uris = [uri.decode(errors="replace") for uri in context.auth_context().get("peer_uri", ())]
        names = [uri.removeprefix(CERTIFICATE_PREFIX) for uri in uris if uri.startswith(CERTIFICATE_PREFIX)]
        if len(names) > 1:
            raise Unauthenticated("the certificate names several principals")
        if not names:
            return None
        certified = self._registry.find(names[0])
        return Shown(certified, certified)
