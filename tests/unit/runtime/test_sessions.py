"""Sessions: what a relay may sign with one in its principal's place, and what it may not."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.identity import Kind, Principal, Session, Unauthenticated
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.registry import Registry

RELAY = "gateway"


class World:
    """An operator, a reader, a gateway and the agents service, on a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.files = PrincipalFiles(folder)
        self.files.prepare([RELAY, "agents"])
        self.files.add(Principal("dash", Kind.READER))
        self.registry = Registry(self.files.registry)

    def credential(self, name: str) -> Credential:
        return Credential.read(self.files.credential_path(name))

    def session(self, name: str = OPERATOR, seconds: int = 3600, relay: str = RELAY) -> Session:
        return self.registry.session(self.credential(name).session(relay, seconds), relay)


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("name", [OPERATOR, "dash"])
def test_what_a_relay_signs_with_a_session_is_its_principals(world: World, name: str) -> None:
    session, gateway = world.session(name), world.credential(RELAY)
    shown = world.registry.bearer(gateway.token("memory", session=session), "memory")
    assert (shown.registered.principal.name, shown.signer.principal.name) == (name, RELAY)
    delegation = world.registry.delegation(gateway.delegation("agents", ["a/B"], "odd", session=session))
    assert delegation.issuer.name == name
    assert delegation.is_for("a/B", ["odd"])


def test_a_session_is_neither_token_nor_delegation_nor_the_other_way_round(world: World) -> None:
    operator = world.credential(OPERATOR)
    for service in ("memory", RELAY):
        with pytest.raises(Unauthenticated):
            world.registry.bearer(operator.session(service, 60), service)
    with pytest.raises(Unauthenticated):
        world.registry.delegation(operator.session(RELAY, 60))
    for other in (operator.token(RELAY), operator.delegation(RELAY, ["a/B"], "odd")):
        with pytest.raises(Unauthenticated):
            world.registry.session(other, RELAY)


def test_a_session_is_for_one_relay(world: World) -> None:
    session = world.session()
    with pytest.raises(Unauthenticated, match="another service"):
        world.registry.session(session.token, "agents")
    for thief in ("agents", "dash", OPERATOR):
        with pytest.raises(Unauthenticated):
            world.registry.bearer(world.credential(thief).token("memory", session=session), "memory")
        with pytest.raises(Unauthenticated):
            world.registry.delegation(world.credential(thief).delegation("agents", ["a/B"], "odd", session=session))


def test_only_a_service_calls_in_the_place_of_others(world: World) -> None:
    # Even with a session that names it: who isn't a service has nobody's rights but its own.
    session = world.session(OPERATOR, relay="dash")
    with pytest.raises(Unauthenticated, match="only a service"):
        world.registry.bearer(world.credential("dash").token("memory", session=session), "memory")


def test_a_service_gives_nobody_a_session(world: World) -> None:
    with pytest.raises(Unauthenticated, match="own place"):
        world.registry.session(world.credential("agents").session(RELAY, 60), RELAY)


def test_a_session_that_another_key_has_signed_is_nobodys(world: World) -> None:
    forged = Credential.generate(OPERATOR).session(RELAY, 60)
    with pytest.raises(Unauthenticated):
        world.registry.session(forged, RELAY)
    session = Session(Principal(OPERATOR, Kind.OPERATOR), RELAY, int(time.time()), int(time.time()) + 60, "", forged)
    with pytest.raises(Unauthenticated):
        world.registry.bearer(world.credential(RELAY).token("memory", session=session), "memory")


@pytest.mark.parametrize("inner", [None, "", 7, ["x"], {"a": 1}, "x.y.z"])
def test_what_is_no_session_opens_nothing(world: World, inner: Any) -> None:
    now = int(time.time())
    claims = {"iss": RELAY, "aud": "memory", "iat": now, "exp": now + 60, "for": inner}
    token = jwt.encode(claims, world.credential(RELAY).key, "EdDSA", headers={"typ": "puppet-token"})
    with pytest.raises(Unauthenticated):
        world.registry.bearer(token, "memory")


def test_what_is_signed_with_a_session_ends_with_it_at_the_latest(world: World) -> None:
    session, gateway = world.session(seconds=45), world.credential(RELAY)
    for signed in (
        gateway.token("memory", session=session),
        gateway.delegation("agents", ["a/B"], "odd", session=session),
    ):
        assert jwt.decode(signed, options={"verify_signature": False})["exp"] == session.expires_at
    longer = {"iss": RELAY, "aud": "memory", "iat": session.made_at, "exp": session.expires_at + 1}
    token = jwt.encode(longer | {"for": session.token}, gateway.key, "EdDSA", headers={"typ": "puppet-token"})
    with pytest.raises(Unauthenticated, match="outlasts"):
        world.registry.bearer(token, "memory")


def test_a_session_that_has_expired_opens_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session, gateway, later = world.session(seconds=60), world.credential(RELAY), time.time() + 120
    token = gateway.token("memory", session=session)
    assert world.registry.bearer(token, "memory").registered.principal.name == OPERATOR
    monkeypatch.setattr("services.runtime.rpc.registry.time.time", lambda: later)
    with pytest.raises(Unauthenticated):
        world.registry.bearer(token, "memory")
    with pytest.raises(Unauthenticated, match="expired"):
        world.registry.session(session.token, RELAY)


def test_a_session_may_hold_for_a_month_at_most(world: World) -> None:
    with pytest.raises(Unauthenticated, match="at most"):
        world.session(seconds=32 * 24 * 3600)


@pytest.mark.parametrize("revoked", [OPERATOR, RELAY])
@pytest.mark.parametrize("how", ["revoke", "rotate"])
def test_who_is_revoked_behind_a_relay_or_as_one_is_refused_at_once(world: World, revoked: str, how: str) -> None:
    token = world.credential(RELAY).token("memory", session=world.session())
    world.registry.bearer(token, "memory")
    getattr(world.files, how)(revoked)
    with pytest.raises(Unauthenticated):
        world.registry.bearer(token, "memory")


def test_the_same_token_is_used_again_for_the_same_session_and_for_no_other(world: World) -> None:
    gateway, first, second = world.credential(RELAY), world.session(OPERATOR), world.session("dash")
    tokens = {gateway.fresh_token("memory", session) for session in (first, second, None)}
    assert len(tokens) == 3
    assert gateway.fresh_token("memory", first) in tokens
    for number in range(1100):
        gateway.fresh_token(f"service-{number}", first)
    assert len(gateway._tokens) <= 1000
