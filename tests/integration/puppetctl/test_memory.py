"""The commands about what characters remember."""

import asyncio
import os
import pty
import sys
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner

from puppet.agents.v1.agent_service_pb2 import Agent
from puppet.memory.v1 import memory_service_pb2 as pb
from puppetctl.__main__ import app
from puppetctl.clients import Clients, in_words
from puppetctl.memory import commands as memory
from puppetctl.memory.app import Kind, Source
from puppetctl.memory.jsonl import read
from puppetctl.suite import free_ports
from services.runtime.ids import new_id
from tests.integration.puppetctl.conftest import World
from tests.integration.puppetctl.memory_service import FakeMemory

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
SHOWN_NOON = f"{NOON.astimezone():%Y-%m-%d %H:%M}"


def remembered(number: int, text: str, kind: pb.MemoryKind.ValueType = pb.MEMORY_KIND_EVENT) -> pb.Memory:
    item = pb.Memory(id=f"mem_{number}", text=text, kind=kind, provenance=pb.PROVENANCE_EXTERNAL, importance=0.1)
    item.metadata.update({"b": "2", "a": "1"})
    item.occur_time.FromDatetime(NOON)
    return item


@pytest.fixture
def odd(world: World) -> FakeMemory:
    """Return the service, in which `odd` remembers three things, and `pia` nothing."""
    world.agents.agents |= {name: Agent(id=name) for name in ("odd", "pia")}
    world.memory.add("odd", remembered(1, "the first winter", pb.MEMORY_KIND_CORE))
    world.memory.add("odd", remembered(2, "the sea \x1b[31m“at night”\u2028\x9b31m"), remembered(2, "the sea"))
    world.memory.add("odd", remembered(3, "soup, soup"))
    return world.memory


def exported(path: Path) -> list[pb.ExportMemoriesResponse]:
    return read(path, pb.ExportMemoriesResponse, required="memory")


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_search_shows_scores_and_where_they_come_from(
    odd: FakeMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await memory.search("odd", "winter", None, 5, is_trusted=False) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == ["score", "relevance", "parts", "kind,", "source,", "when", "text"]
    assert lines[2] == ["0.75", "0.60", "lexical", "0.50", "core", "the", "first", "winter"]
    assert lines[3] == ["vector", "0.25", "external"]
    assert lines[4] == SHOWN_NOON.split()
    asked = odd.requests[-1]
    assert (asked.max_results, asked.HasField("min_relevance"), list(asked.provenances)) == (5, False, [])


async def test_a_trusted_search_asks_for_what_no_stranger_wrote(
    odd: FakeMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await memory.search("odd", "rain", 0.0, 5, is_trusted=True) == 0
    assert capsys.readouterr().out == "nothing found\n"
    asked = odd.requests[-1]
    assert asked.HasField("min_relevance")
    assert list(asked.provenances) == [pb.PROVENANCE_SELF, pb.PROVENANCE_OPERATOR]


async def test_a_search_by_words_alone_says_so_beside_what_it_found(
    odd: FakeMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    odd.is_by_words_only = True
    assert await memory.search("odd", "rain", None, 5, is_trusted=False, as_json=True) == 0
    assert "by words alone" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "shown"), [(1, ["mem_3"]), (3, ["mem_3", "mem_2", "mem_1"]), (9, None)])
async def test_list_reads_as_many_pages_as_are_asked_for(
    odd: FakeMemory, limit: int, shown: list[str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await memory.list_memories("odd", [Kind.EVENT], [Source.EXTERNAL], limit) == 0
    told = capsys.readouterr().out
    assert [word for word in told.split() if word.startswith("mem_")] == (shown or ["mem_3", "mem_2", "mem_1"])
    assert len(odd.requests) == (limit + 1) // 2 if shown else 2
    asked = odd.requests[-1]
    assert (list(asked.kinds), list(asked.provenances)) == ([pb.MEMORY_KIND_EVENT], [pb.PROVENANCE_EXTERNAL])


async def test_an_id_is_never_cut(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    item = remembered(4, "word " * 100)
    item.id = new_id("mem")
    odd.add("odd", item)
    assert await memory.list_memories("odd", [], [], 1) == 0
    assert item.id in capsys.readouterr().out.split()


async def test_no_text_steers_the_terminal_and_a_long_one_is_cut(
    odd: FakeMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    odd.add("odd", remembered(4, "[red]tall[/] " * 600))
    assert await memory.list_memories("odd", [], [], 9) == 0
    assert await memory.search("odd", "tall", None, 9, is_trusted=False) == 0
    told = capsys.readouterr().out
    assert not {"\x1b", "\x9b"} & set(told)
    assert "[red]tall[/]" in told
    assert told.count("…") == 2


async def test_stats_count_and_say_how_far_the_index_is(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    odd.index.pending_count = 7
    assert await memory.stats("odd") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "memories 3 kinds core 1, event 1, event 1 sources external 1" in told
    assert f"oldest {SHOWN_NOON} newest {SHOWN_NOON} relationships 4" in told
    assert "index ready: build 3, of words, 7 changes behind" in told
    assert await memory.stats("pia") == 0
    assert "oldest" not in capsys.readouterr().out


async def test_what_is_exported_cleared_and_imported_is_exported_again_byte_for_byte(
    odd: FakeMemory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    before = list(odd.kept["odd"])
    assert await memory.export("odd", first) == 0
    assert await memory.clear("odd", []) == 0
    assert odd.kept["odd"] == []
    assert await memory.import_memories("odd", exported(first)) == 0
    assert odd.kept["odd"] == before
    assert await memory.export("odd", second) == 0
    assert first.read_bytes() == second.read_bytes()
    told = " ".join(capsys.readouterr().out.split())
    assert "3 memories deleted 3 memories stored, 0 there before" in told
    assert files_of(tmp_path) == ["first.jsonl", "second.jsonl"]


async def test_an_export_is_a_sorted_line_of_ascii_for_each_memory(
    odd: FakeMemory, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert await memory.export("odd", None) == 0
    lines = capfdbinary.readouterr().out.splitlines(keepends=True)
    assert len(lines) == 3
    assert lines[0] == (
        b'{"memory": {"agentId": "odd", "id": "mem_1", "importance": 0.1, "kind": "MEMORY_KIND_CORE", '
        b'"metadata": {"a": "1", "b": "2"}, "occurTime": "2025-06-01T12:00:00Z", "provenance": "PROVENANCE_EXTERNAL", '
        b'"text": "the first winter"}}\n'
    )
    assert all(line.isascii() and b"\x1b" not in line and b"cursor" not in line for line in lines)


async def test_an_export_that_breaks_leaves_the_file_as_it_was(odd: FakeMemory, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text("before")
    odd.breaks_exports = True
    with pytest.raises(grpc.aio.AioRpcError):
        await memory.export("odd", path, force=True)
    assert path.read_text() == "before"
    assert files_of(tmp_path) == ["odd.jsonl"]


async def test_an_import_into_another_character_counts_what_is_there(
    odd: FakeMemory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.jsonl"
    await memory.export("odd", path)
    odd.requests.clear()
    for _ in range(2):
        assert await memory.import_memories("pia", exported(path)) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == ["3 memories stored, 0 there before", "0 memories stored, 3 there before"]
    assert [request.agent_id for request in odd.requests] == ["pia", "", ""] * 2
    first, again = odd.requests[0].request_id, odd.requests[3].request_id
    assert first.startswith("ctl_")
    assert again != first
    assert [item.agent_id for item in odd._memories("pia")] == ["pia"] * 3


async def test_an_import_of_nothing_stores_nothing(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert await memory.import_memories("odd", []) == 0
    assert capsys.readouterr().out == "0 memories stored, 0 there before\n"
    assert odd.requests == []


async def test_what_may_take_long_is_given_time(odd: FakeMemory, tmp_path: Path) -> None:
    await memory.export("odd", tmp_path / "odd.jsonl")
    await memory.import_memories("odd", exported(tmp_path / "odd.jsonl"))
    await memory.purge("odd", "stranger", "")
    await memory.clear("odd", [])
    await memory.sweep("")
    await memory.verify()
    assert min(odd.seconds_left) > 500
    await memory.stats("odd")
    assert odd.seconds_left[-1] < 60  # 30, which the wire may round up


async def test_one_memory_is_deleted_and_one_that_is_not_there_is_refused(
    odd: FakeMemory, clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await memory.delete("odd", "mem_2") == 0
    assert capsys.readouterr().out == "mem_2: deleted\n"
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await memory.delete("odd", "mem_2")
    assert in_words(refusal.value, "memory") == "MEMORY_NOT_FOUND: no memory 'mem_2'"


async def test_clear_takes_only_the_kinds_that_are_named(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert await memory.clear("odd", [Kind.CORE, Kind.TRADE]) == 0
    assert capsys.readouterr().out == "1 memory deleted\n"
    assert [item.id for item in odd._memories("odd")] == ["mem_2", "mem_3"]


async def test_purge_names_an_author_or_a_post(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert await memory.purge("odd", "@stranger", "") == 0
    assert await memory.purge("odd", "", "77") == 0
    assert capsys.readouterr().out == "1 memory removed\n" * 2
    by_author, by_source = odd.requests
    assert (by_author.WhichOneof("source"), by_author.author) == ("author", "@stranger")
    assert (by_source.WhichOneof("source"), by_source.source_id) == ("source_id", "77")


async def test_sweep_says_what_was_forgotten_and_why(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert await memory.sweep("odd") == 0
    assert (
        capsys.readouterr().out == "10 memories forgotten: 1 expired, 2 outdated, 4 consolidated, 3 beyond capacity\n"
    )
    assert odd.requests[-1].agent_id == "odd"


async def test_verify_fails_where_the_index_differs(odd: FakeMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert await memory.verify() == 0
    assert "consistent: 5 vectors compared" in capsys.readouterr().out
    odd.verified = pb.VerifyIndexResponse(checked_count=5, missing_count=1, different_count=2)
    assert await memory.verify() == 1
    told = capsys.readouterr().out
    assert "not consistent: 1 missing, 0 left over, 2 different, 0 not reached, of 5" in told
    assert "puppetctl memory reindex" in told


async def test_reindex_asks_with_one_id_until_the_new_build_serves(
    odd: FakeMemory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory, "_LOOK_SECONDS", 0)
    assert await memory.reindex() == 0
    assert capsys.readouterr().out == "ready: build 4, of words\n"
    assert len(odd.requests) == 4
    assert len({request.request_id for request in odd.requests}) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (pb.IndexStatus(state=pb.INDEX_STATE_BUILDING, built_count=2, total_count=4), "being built: 2 of 4 memories"),
        (pb.IndexStatus(state=pb.INDEX_STATE_DOWN), "can't be reached, and is tried again"),
        (pb.IndexStatus(state=pb.INDEX_STATE_IDLE, pending_count=3), "no agent is large enough"),
        (pb.IndexStatus(state=pb.INDEX_STATE_READY, vectorless_count=1), "1 memory, found by their words alone"),
    ],
)
async def test_an_index_that_does_not_serve_is_told_of(
    odd: FakeMemory, status: pb.IndexStatus, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd.index.CopyFrom(status)
    await memory.stats("odd")
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("command", [["clear", "odd"], ["purge", "odd", "--author", "x"]])
def test_without_a_terminal_nothing_is_removed_unless_it_is_told_to(command: list[str]) -> None:
    result = CliRunner().invoke(app, ["memory", *command])
    assert result.exit_code == 2
    assert "--yes" in result.output


async def test_an_import_at_a_terminal_without_a_file_asks_for_one(odd: FakeMemory) -> None:
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", "memory", "import", "odd"), stdin=slave, stderr=asyncio.subprocess.PIPE
    )
    os.close(slave)
    _, told = await process.communicate()
    os.close(master)
    assert (process.returncode, b"FILE" in told, b"or pipe it in" in told) == (2, True, True)


@pytest.mark.parametrize(("answer", "code", "left"), [(b"n\n", 1, 3), (b"y\n", 0, 0)])
async def test_at_a_terminal_it_is_asked_first(odd: FakeMemory, answer: bytes, code: int, left: int) -> None:
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", "memory", "clear", "odd", "--kind", "core", "--kind", "event"),
        stdin=slave,
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(slave)
    os.write(master, answer)
    told, _ = await process.communicate()
    os.close(master)
    assert b"Delete the core, event memories of odd?" in told
    assert process.returncode == code
    assert len(odd.kept["odd"]) == left


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["search", "odd", "sea", "--min-relevance", "2"], "--min-relevance"),
        (["search", "odd", "sea", "--limit", "101"], "--limit"),
        (["list", "odd", "--kind", "dream"], "--kind"),
        (["list", "odd", "--source", "rumour"], "--source"),
        (["purge", "odd", "--yes"], "--author"),
        (["purge", "odd", "--author", "a", "--source-id", "b", "--yes"], "--source-id"),
        (["import", "odd", "/nowhere/odd.jsonl"], "/nowhere/odd.jsonl"),
        (["export", "odd", "--output", "/nowhere/odd.jsonl"], "/nowhere/odd.jsonl"),
    ],
)
def test_a_wrong_option_is_named(command: list[str], named: str) -> None:
    result = CliRunner().invoke(app, ["memory", *command])
    assert result.exit_code != 0
    assert named in result.output


def test_a_broken_line_is_named_and_nothing_is_sent() -> None:
    # With nobody to send to, anything that was sent would be a refusal of another kind.
    nobody = {"PUPPET_CTL_MEMORY": f"127.0.0.1:{free_ports()['memory']}"}
    result = CliRunner().invoke(app, ["memory", "import", "odd"], input='{"memory": {"id": "1"}}\n{\n', env=nobody)
    assert result.exit_code == 2
    assert "line 2" in result.output
    assert "UNAVAILABLE" not in result.output


@pytest.mark.parametrize("command", [["stats", "odd"], ["export", "odd"], ["import", "odd"], ["reindex"]])
def test_without_the_service_a_command_says_how_to_find_it(command: list[str]) -> None:
    nobody = {"PUPPET_CTL_MEMORY": f"127.0.0.1:{free_ports()['memory']}"}
    result = CliRunner().invoke(app, ["memory", *command], input='{"memory": {"id": "1"}}\n', env=nobody)
    assert result.exit_code == 1
    assert "UNAVAILABLE: no service answers" in result.output
    assert "PUPPET_CTL_MEMORY=host:port" in result.output


def test_kinds_and_sources_are_those_of_the_contract() -> None:
    kinds = {name.removeprefix("MEMORY_KIND_").lower() for name in pb.MemoryKind.keys()}  # noqa: SIM118
    sources = {name.removeprefix("PROVENANCE_").lower() for name in pb.Provenance.keys()}  # noqa: SIM118
    assert set(Kind) == kinds - {"unspecified"}
    assert set(Source) == sources - {"unspecified"}
