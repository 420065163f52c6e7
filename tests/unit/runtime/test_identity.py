"""Principals, the rules of RPCs, and the files in which principals are kept."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from services.runtime.errors import Unavailable
from services.runtime.rpc.access import (
    Rule,
    is_other_than_text_at,
    is_safe_to_repeat,
    lacking_at,
    rules_of,
    values_at,
)
from services.runtime.rpc.credentials import Credential, CredentialError
from services.runtime.rpc.identity import Delegation, Kind, Principal, Unauthenticated
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.registry import Registry, read_principals

MEMORY = memory_pb.DESCRIPTOR.services_by_name["MemoryService"]
AGENTS = agents_pb.DESCRIPTOR.services_by_name["AgentService"]


def test_an_agent_is_found_wherever_a_request_names_it() -> None:
    persona = Struct()
    persona.update({"id": "odd", "name": "Odd"})
    assert values_at(agents_pb.CreateAgentRequest(persona=persona), ("persona", "id")) == ["odd"]
    assert values_at(agents_pb.UpdateAgentRequest(agent=agents_pb.Agent(id="odd")), ("agent", "id")) == ["odd"]
    assert values_at(agents_pb.ListActivityRequest(agent_ids=["odd", "pia"]), ("agent_ids",)) == ["odd", "pia"]
    batch = agents_pb.BatchCreateAgentsRequest(requests=[agents_pb.CreateAgentRequest(persona=persona)] * 2)
    assert values_at(batch, ("requests", "persona", "id")) == ["odd", "odd"]
    assert lacking_at(agents_pb.BatchCreateAgentsRequest(), ("requests", "persona", "id")) == "requests"
    assert lacking_at(agents_pb.CreateAgentRequest(), ("persona", "id")) == "persona.id"
    event = events_pb.PublishEventRequest(event=events_pb.Event(agent_ids=["odd", "pia"]))
    assert values_at(event, ("event", "agent_ids")) == ["odd", "pia"]


def test_a_request_that_names_no_agent_is_about_none() -> None:
    numbered, nested = Struct(), Struct()
    numbered.update({"id": 7})
    nested.update({"id": {"id": "odd"}})
    for persona in (Struct(), numbered, nested):
        assert values_at(agents_pb.CreateAgentRequest(persona=persona), ("persona", "id")) == []
    assert values_at(agents_pb.CreateAgentRequest(), ("persona", "id")) == []
    assert values_at(agents_pb.ListActivityRequest(), ("agent_ids",)) == []
    assert values_at(agents_pb.ListAgentsRequest(), ()) == []
    assert values_at(object(), ("persona", "id")) == []


def test_an_id_that_is_no_text_is_told_from_one_that_is_missing() -> None:
    for given, is_there in (
        ({"id": 7}, True),
        ({"id": {}}, True),
        ({"id": ""}, False),
        ({"id": None}, False),
        ({}, False),
    ):
        persona = Struct()
        persona.update(given)
        assert is_other_than_text_at(agents_pb.CreateAgentRequest(persona=persona), ("persona", "id")) is is_there
    assert not is_other_than_text_at(agents_pb.ListActivityRequest(), ("agent_ids",))


def test_an_rpc_that_says_nothing_is_open_to_nobody() -> None:
    rule = Rule("test.v1.TestService/Test")
    for kind in Kind:
        assert not rule.admits(Principal("agents", kind))


def test_a_service_goes_by_its_name_and_no_other_principal_takes_it() -> None:
    rule = rules_of([MEMORY])["/puppet.memory.v1.MemoryService/CreateMemory"]
    assert rule.admits(Principal("agents", Kind.SERVICE))
    assert not rule.admits(Principal("operator", Kind.SERVICE)), "a service that is called like a kind is not of it"
    assert not rule.admits(Principal("agents", Kind.READER))


def test_a_scope_covers_what_it_names_and_never_everything() -> None:
    client = Principal("dash", Kind.CLIENT, frozenset({"odd", "pia"}))
    assert client.covers(["odd"])
    assert client.covers(["pia", "odd"])
    assert not client.covers(["odd", "basil"])
    assert not client.covers([])
    assert Principal("all", Kind.CLIENT).covers([])


def test_a_delegation_is_for_some_agents_and_some_methods() -> None:
    operator = Principal(OPERATOR, Kind.OPERATOR)
    given = Delegation(operator, "agents", frozenset({"odd"}), frozenset({"a/B"}), 0, "")
    assert given.is_for("a/B", ["odd"])
    assert given.is_for("a/B", ["odd", "odd"])
    for method, agents in (("a/C", ["odd"]), ("a/B", ["pia"]), ("a/B", ["odd", "pia"]), ("a/B", [])):
        assert not given.is_for(method, agents)
    several = Delegation(operator, "agents", frozenset({"odd", "pia"}), frozenset({"a/B"}), 0, "")
    assert several.is_for("a/B", ["pia", "odd"])
    assert several.is_for("a/B", ["pia"])
    assert not several.is_for("a/B", ["pia", "basil"])


def test_what_costs_money_each_time_is_not_safe_to_repeat() -> None:
    from puppet.llm.v1 import llm_service_pb2

    methods = llm_service_pb2.DESCRIPTOR.services_by_name["LlmService"].methods
    assert [method.name for method in methods if not is_safe_to_repeat(method)] == [
        "Generate",
        "StreamGenerate",
        "Embed",
    ]


def test_starting_again_keeps_every_key(tmp_path: Path) -> None:
    files = PrincipalFiles(tmp_path)
    files.prepare(["agents"])
    before = files.registry.read_text()
    files.prepare(["agents"])
    assert files.registry.read_text() == before
    files.prepare(["memory"])
    assert [principal.name for principal in files.list()] == ["agents", "memory", OPERATOR]


def test_services_that_start_at_once_make_one_operator(tmp_path: Path) -> None:
    names = [f"service-{number}" for number in range(8)]
    threads = [threading.Thread(target=PrincipalFiles(tmp_path).prepare, args=([name],)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = PrincipalFiles(tmp_path)
    assert [principal.name for principal in files.list()] == [OPERATOR, *names]
    registry = Registry(files.registry)
    for name in (OPERATOR, *names):
        token = Credential.read(files.credential_path(name)).token("memory")
        assert registry.bearer(token, "memory").registered.principal.name == name


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("change", ["prepare", "add", "rotate"])
def test_whatever_is_killed_who_is_known_can_prove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, step: int
) -> None:
    files, steps = PrincipalFiles(tmp_path), 0
    replace = Path.replace

    def killed(path: Path, target: Path) -> Path:
        nonlocal steps
        steps += 1
        if steps > step:
            raise KeyboardInterrupt
        return replace(path, target)

    if change != "prepare":
        files.prepare([])
    work: Callable[[], object] = {
        "prepare": lambda: files.prepare([]),
        "add": lambda: files.add(Principal("dash", Kind.READER)),
        "rotate": lambda: files.rotate(OPERATOR),
    }[change]
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        work()
    monkeypatch.setattr(Path, "replace", replace)
    files.prepare([])
    for principal in files.list():
        assert not files.lacks(principal.name), principal.name
    assert OPERATOR in {principal.name for principal in files.list()}
    assert not list(tmp_path.rglob("*.next"))


def test_who_was_revoked_stays_so_and_its_key_opens_nothing_for_who_is_called_so_later(tmp_path: Path) -> None:
    files = PrincipalFiles(tmp_path)
    files.prepare(["agents"])
    stolen = files.credential_path(OPERATOR).read_text()
    files.revoke(OPERATOR)
    files.revoke("agents")
    files.prepare(["agents"])
    assert files.list() == []
    files.credential_path(OPERATOR).write_text(stolen)
    files.add(Principal(OPERATOR, Kind.OPERATOR))
    (tmp_path / "stolen.json").write_text(stolen)
    with pytest.raises(Unauthenticated):
        Registry(files.registry).bearer(Credential.read(tmp_path / "stolen.json").token("memory"), "memory")
    assert not files.lacks(OPERATOR)


def test_a_file_that_others_can_write_is_believed_by_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = PrincipalFiles(tmp_path)
    files.prepare([])
    token = Credential.read(files.credential_path(OPERATOR)).token("memory")
    files.registry.chmod(0o620)
    with pytest.raises(Unavailable, match="nobody is known") as refused:
        Registry(files.registry).bearer(token, "memory")
    # Why is for whoever runs the service, and where the file lies is nobody else's to know.
    assert str(tmp_path) not in str(refused.value)
    assert "others" in str(vars(caplog.records[0])["problem"])


def test_times_that_are_no_numbers_and_lives_that_are_too_long_are_refused(tmp_path: Path) -> None:
    import time

    import jwt

    files = PrincipalFiles(tmp_path)
    files.prepare([])
    operator, registry, now = (
        Credential.read(files.credential_path(OPERATOR)),
        Registry(files.registry),
        int(time.time()),
    )
    good = {"iss": OPERATOR, "aud": "memory", "iat": now, "exp": now + 60}
    for wrong in (
        {"exp": str(now + 60)},
        {"exp": 1e300},
        {"exp": now + 60.5},
        {"iat": str(now)},
        {"exp": now + 32 * 24 * 3600},
        {"aud": ["memory"]},
        {"aud": ["memory", "llm"]},
    ):
        token = jwt.encode(good | wrong, operator.key, "EdDSA", headers={"typ": "puppet-token"})
        with pytest.raises(Unauthenticated):
            registry.bearer(token, "memory")
    token = jwt.encode(good, operator.key, "EdDSA", headers={"typ": "puppet-token"})
    assert registry.bearer(token, "memory").registered.principal.name == OPERATOR


def test_the_file_of_principals_holds_no_secret(tmp_path: Path) -> None:
    files = PrincipalFiles(tmp_path)
    files.prepare(["agents"])
    for name in (OPERATOR, "agents"):
        secret = json.loads(files.credential_path(name).read_text())["private_key"].splitlines()[1]
        assert secret not in files.registry.read_text()
    assert {item.principal.name for item in read_principals(files.registry)} == {OPERATOR, "agents"}


def test_a_credential_is_never_shown(tmp_path: Path) -> None:
    credential = Credential.generate("odd")
    pem = json.loads(credential.to_json())["private_key"]
    assert pem.splitlines()[1] not in repr(credential)
    (tmp_path / "broken.json").write_text(json.dumps({"principal": "odd", "private_key": "sesame"}))
    for name, told in (("broken.json", "is no credential"), ("missing.json", "can't be read")):
        with pytest.raises(CredentialError, match=told) as refused:
            Credential.read(tmp_path / name)
        assert "sesame" not in str(refused.value)


def test_a_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    credential, now = Credential.generate("odd"), [1_800_000_000.0]
    monkeypatch.setattr("services.runtime.rpc.credentials.time.time", lambda: now[0])
    first = credential.fresh_token("memory")
    assert credential.fresh_token("memory") == first
    assert credential.fresh_token("llm") != first
    now[0] += 1801
    assert credential.fresh_token("memory") != first


def test_what_was_verified_is_asked_again_when_it_has_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    files = PrincipalFiles(tmp_path)
    files.prepare([])
    registry, later = Registry(files.registry), time.time() + 120
    token = Credential.read(files.credential_path(OPERATOR)).token("memory", seconds=60)
    assert registry.bearer(token, "memory").registered.principal.name == OPERATOR
    monkeypatch.setattr("services.runtime.rpc.registry.time.time", lambda: later)
    with pytest.raises(Unauthenticated, match="expired"):
        registry.bearer(token, "memory")


def test_of_an_object_only_the_named_value_is_looked_at() -> None:
    given = Struct()
    given["id"] = "odd"
    given.fields["other"].Clear()
    request = agents_pb.CreateAgentRequest(persona=given)
    assert values_at(request, ("persona", "id")) == ["odd"]
    assert values_at(request, ("persona", "other")) == []
    assert values_at(request, ("persona", "missing")) == []
    assert "missing" not in request.persona.fields


def test_a_credential_is_kept_as_what_reads_all_kinds_of_keys_keeps_it(tmp_path: Path) -> None:
    credential, path = Credential.generate("agents"), tmp_path / "agents.json"
    written = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert json.loads(credential.to_json())["private_key"] == written
    for pem in (written, written.replace("\n", "\r\n"), f"\n{written.strip()}"):
        path.write_text(json.dumps({"principal": "agents", "private_key": pem}))
        assert Credential.read(path).public_key == credential.public_key


@pytest.mark.parametrize("damage", ["", "no key", "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_cant_be_read_is_no_credential(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "agents.json"
    path.write_text(json.dumps({"principal": "agents", "private_key": damage}))
    with pytest.raises(CredentialError, match="is no credential"):
        Credential.read(path)


def test_a_key_of_another_kind_is_named(tmp_path: Path) -> None:
    path, other = tmp_path / "agents.json", X25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path.write_text(json.dumps({"principal": "agents", "private_key": pem}))
    with pytest.raises(CredentialError, match="another kind than Ed25519"):
        Credential.read(path)
