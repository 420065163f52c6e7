"""`puppetctl call` against a real service, and the commands that say who may call."""

import contextlib
import io
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection

from puppet.options.v1 import access_pb2
from puppetctl.access import commands as access
from puppetctl.call import call, service_of
from puppetctl.checks.doctor import _callers
from puppetctl.checks.findings import Mark
from puppetctl.clients import targets
from puppetctl.local.page import open_page
from puppetctl.suite import PRINCIPALS, SuiteError, socket_of
from services.agents.bootstrap import opener as open_agents
from services.agents.settings import AgentsSettings
from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.identity import Unauthenticated
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.registry import Registry
from services.runtime.rpc.server import serving
from services.runtime.rpc.status import Remote
from tests.e2e.suite import run
from tests.support.channels import operator_of
from tests.support.refusals import reason_of

CREATE = {"memory": {"agent_id": "odd", "text": "fog", "kind": "MEMORY_KIND_CORE", "provenance": "PROVENANCE_OPERATOR"}}


@pytest.fixture
async def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Run a memory service, and let the environment say where it is and who calls."""
    operator_of(tmp_path)
    settings = MemorySettings(port=0, data_dir=tmp_path)
    async with serving("memory", settings, opener(settings)) as address:
        monkeypatch.setenv("PUPPET_CTL_MEMORY", address)
        monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR)))
        yield tmp_path


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the messages that were printed."""
    decoder, text, found = json.JSONDecoder(), capsys.readouterr().out.strip(), []
    while text:
        message, end = decoder.raw_decode(text)
        found.append(message)
        text = text[end:].lstrip()
    return found


async def test_any_rpc_is_called_by_its_name(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await call("memory/CreateMemory", json.dumps(CREATE), None)
    [made] = printed(capsys)
    for name in (
        "memory/ListMemories",
        "memory.MemoryService/ListMemories",
        "puppet.memory.v1.MemoryService/ListMemories",
    ):
        await call(name, '{"agent_id": "odd"}', 5)
        assert printed(capsys) == [{"memories": [made["memory"]]}]


async def test_streams_go_both_ways(
    memory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("fog", "gulls"):
        await call("memory/CreateMemory", json.dumps({"memory": CREATE["memory"] | {"text": text}}), None)
    capsys.readouterr()
    await call("memory/ExportMemories", '{"agent_id": "odd"}', None)
    exported = printed(capsys)
    assert [item["memory"]["text"] for item in exported] == ["fog", "gulls"]
    lines = [{"agent_id": "pia", "memory": item["memory"] | {"id": "", "agent_id": ""}} for item in exported]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(map(json.dumps, lines))))
    await call("memory/ImportMemories", "-", None)
    assert printed(capsys) == [{"created_count": "2"}]


async def test_what_is_wrong_is_said_before_anything_is_called(memory: Path) -> None:
    for name, data, told in (
        ("memory/Nothing", "{}", "no method"),
        ("nothing/ListMemories", "{}", "names no service"),
        ("memory/ListMemories", '{"agnt": 1}', "agnt"),
        ("memory/ListMemories", "{", "is no ListMemoriesRequest"),
        *(("memory/GetMemoryStats", data, "must be a JSON object") for data in ("[]", "null", "5", '""')),
    ):
        with pytest.raises(SuiteError, match=told):
            await call(name, data, None)


async def test_a_deadline_is_kept(memory: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await call("memory/ListMemories", '{"agent_id": "odd"}', 1e-6)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_another_principals_calls_are_those_it_may_make(
    memory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access.add("dash", "client", ["odd"], memory, may_write=False)
    monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", capsys.readouterr().out.strip())
    await call("memory/ListMemories", '{"agent_id": "odd"}', None)
    assert printed(capsys) == [{}]
    assert await reason_of(call("memory/ListMemories", '{"agent_id": "pia"}', None)) == "PERMISSION_DENIED"
    assert await reason_of(call("memory/CreateMemory", json.dumps(CREATE), None)) == "PERMISSION_DENIED"
    access.revoke("dash", memory)
    monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(memory / "auth/credentials/dash.json"))
    with pytest.raises(SuiteError, match="can't be read"):
        await call("memory/ListMemories", '{"agent_id": "odd"}', None)


async def test_what_a_server_says_of_itself_gets_it_nothing(
    memory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that was taken over reflects what it would like to be shown."""
    seen: list[dict[str, Any]] = []
    server = grpc.aio.server()
    file = descriptor_pb2.FileDescriptorProto(name="evil.proto", package="puppet.llm.v9", syntax="proto3")
    file.dependency.append("puppet/options/v1/access.proto")
    file.message_type.add(name="Asked").field.add(name="agent_id", number=1, type=9, label=1)
    method = file.service.add(name="EvilService").method.add(
        name="Lure", input_type=".puppet.llm.v9.Asked", output_type=".puppet.llm.v9.Asked"
    )
    access_option = method.options.Extensions[access_pb2.access]
    access_option.agent = "agent_id"
    access_option.delegates.append("puppet.trading.v1.TradingService/UpdatePolicy")
    other = descriptor_pb2.FileDescriptorProto()
    other.CopyFrom(file)
    other.name, other.package = "worse.proto", "puppet.trading.v9"
    other.service[0].method[0].input_type = other.service[0].method[0].output_type = ".puppet.trading.v9.Asked"
    pool = descriptor_pool.DescriptorPool()
    for known in ("google/protobuf/descriptor.proto", "puppet/options/v1/access.proto"):
        pool.AddSerializedFile(descriptor_pool.Default().FindFileByName(known).serialized_pb)
    for mine in (file, other):
        pool.Add(mine)

    async def lure(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        seen.append(dict(context.invocation_metadata() or ()))
        return request

    for package in ("puppet.llm.v9", "puppet.trading.v9"):
        handlers: dict[str, Any] = {"Lure": grpc.unary_unary_rpc_method_handler(lure)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{package}.EvilService", handlers),))
    reflection.enable_server_reflection(
        ("puppet.llm.v9.EvilService", "puppet.trading.v9.EvilService", reflection.SERVICE_NAME), server, pool
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    monkeypatch.setenv("PUPPET_CTL_LLM", f"127.0.0.1:{port}")
    await call("llm/Lure", '{"agent_id": "odd"}', 5)
    [metadata] = seen
    assert "puppet-delegation" not in metadata
    token = metadata["authorization"].removeprefix("Bearer ")
    registry = Registry(memory / "auth" / "principals.json")
    assert registry.bearer(token, "llm").registered.principal.name == OPERATOR
    with pytest.raises(Unauthenticated):
        registry.bearer(token, "trading")
    await server.stop(None)


async def test_a_call_that_goes_on_to_others_carries_its_delegation(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AgentsSettings(
        port=0, data_dir=memory, memory_target=os.environ["PUPPET_CTL_MEMORY"], speed=1e-6, patience_seconds=0.2
    )
    async with serving("agents", settings, open_agents(settings)) as address:
        monkeypatch.setenv("PUPPET_CTL_AGENTS", address)
        keys = dict.fromkeys(("apiKey", "apiKeySecret", "accessToken", "accessTokenSecret"), "k")
        request = json.dumps({"persona": {"id": "wren", "name": "Wren", "twitter_credentials": keys}})
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call("agents/CreateAgent", request, 20)
    # The service of its account isn't there; that it may ask it is what this is about.
    assert Remote(refused.value).reason == "DEPENDENCY_UNAVAILABLE"


def test_methods_are_named_by_their_service() -> None:
    assert [service_of(name) for name in ("llm/Generate", "llm.LlmService/Generate", "puppet.llm.v1.LlmService/X")] == [
        "llm"
    ] * 3


def test_tokens_and_delegations_are_printed_for_others_to_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator_of(tmp_path)
    registry = Registry(tmp_path / "auth" / "principals.json")
    access.token("memory", timedelta(hours=1), tmp_path, {})
    assert registry.bearer(capsys.readouterr().out.strip(), "memory").registered.principal.name == OPERATOR
    access.token("gateway", timedelta(hours=1), tmp_path, {})
    session = registry.session(capsys.readouterr().out.strip(), "gateway")
    assert (session.principal.name, session.link) == (OPERATOR, "")
    open_page(tmp_path, {"PUPPET_CTL_GATEWAY": "127.0.0.1:8081"}, opens=False)
    address, _, link = capsys.readouterr().out.strip().partition("#link=")
    assert address == "http://127.0.0.1:8081/"
    assert registry.session(link, "gateway").link
    access.delegation("agents/CreateAgent", "odd", tmp_path, {})
    found = registry.delegation(capsys.readouterr().out.strip())
    assert (found.delegate, found.agents) == ("agents", frozenset({"odd"}))
    assert "puppet.memory.v1.MemoryService/BatchCreateMemories" in found.methods
    with pytest.raises(SuiteError, match="is no service"):
        access.token("mem", timedelta(hours=1), tmp_path, {})
    with pytest.raises(SuiteError, match="needs no delegation"):
        access.delegation("agents/GetAgent", "odd", tmp_path, {})


def test_principals_are_listed_added_rotated_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SuiteError, match="no principals"):
        access.show(tmp_path)
    operator_of(tmp_path)
    access.add("dash", "client", ["pia", "odd"], tmp_path, may_write=True)
    access.add("eve", "reader", None, tmp_path, may_write=False)
    path = Path(capsys.readouterr().out.splitlines()[0])
    before = path.read_text()
    access.show(tmp_path)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["dash", "client", "odd,", "pia", "read", "and", "write"] in rows
    assert ["eve", "reader", "all", "read"] in rows
    access.rotate("dash", tmp_path)
    assert path.read_text() != before
    access.revoke("dash", tmp_path)
    assert not path.exists()
    mistakes: list[Callable[[], int]] = [
        lambda: access.add("eve", "reader", None, tmp_path, may_write=False),
        lambda: access.add("../eve", "reader", None, tmp_path, may_write=False),
        lambda: access.add("mallory", "service", None, tmp_path, may_write=False),
        lambda: access.add("mallory", "reader", ["odd"], tmp_path, may_write=False),
        lambda: access.rotate("nobody", tmp_path),
        lambda: access.revoke("nobody", tmp_path),
    ]
    for wrong in mistakes:
        with pytest.raises(SuiteError):
            wrong()


async def test_a_service_is_revoked_when_that_is_sure_and_what_needs_it_says_how_it_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = PrincipalFiles(tmp_path / "auth")
    files.prepare(PRINCIPALS)
    with pytest.raises(SuiteError, match=r"agents is a service: .* --yes"):
        access.revoke("agents", tmp_path)
    assert not files.lacks("agents")
    access.revoke("agents", tmp_path, is_sure=True)
    remedy = "puppetctl principals add agents --kind service"
    assert remedy in capsys.readouterr().out
    [found] = _callers(tmp_path)
    assert (found.mark, remedy in found.remedy) == (Mark.BAD, True)
    code, output = await run("up", "--data", str(tmp_path), "--ports", "auto", "--plain")
    assert (code, remedy in " ".join(output.split())) == (1, True), output
    access.add("agents", "service", None, tmp_path, may_write=False)
    assert not files.lacks("agents")
    [found] = _callers(tmp_path)
    assert found.mark is Mark.OK


async def test_the_doctor_says_who_can_not_prove_who_it_is(tmp_path: Path) -> None:
    files = PrincipalFiles(tmp_path / "auth")
    assert _callers(tmp_path) == []
    files.prepare(["agents"])
    [found] = _callers(tmp_path)
    assert found.mark is Mark.OK
    files.credential_path("agents").unlink()
    files.credential_path(OPERATOR).write_text(Credential.generate(OPERATOR).to_json())
    [found] = _callers(tmp_path)
    assert (found.mark, "agents, operator" in found.words) == (Mark.BAD, True)
    assert "principals rotate operator" in found.remedy
    files.registry.write_text("{")
    [found] = _callers(tmp_path)
    assert found.mark is Mark.BAD


async def test_a_service_is_called_by_its_socket_while_somebody_listens_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = socket_of("memory", tmp_path)
    if path is None:
        pytest.skip("the test's folder has too long a name")
    operator_of(tmp_path)
    settings = MemorySettings(port=0, data_dir=tmp_path, socket=path)
    async with serving("memory", settings, opener(settings)):
        assert targets({}, tmp_path)["memory"] == f"unix:{path}"
        assert targets({"PUPPET_CTL_MEMORY": "there:1"}, tmp_path)["memory"] == "there:1"
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
        monkeypatch.setenv("PUPPET_CTL_MEMORY", f"unix:{path}")
        monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR)))
        await call("memory/ListMemories", '{"agent_id": "odd"}', None)
    path.unlink(missing_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(path))
    assert targets({}, tmp_path)["memory"] == "127.0.0.1:50052"
