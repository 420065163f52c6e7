"""`puppetctl memory`: what characters remember, found, moved, forgotten and checked at the memory service."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppetctl import DATA_DIR
from puppetctl.clients import Clients, find_agent, opened
from puppetctl.memory import jsonl
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import Display, open_console
from puppetctl.terminal.output import Listing, print_document
from puppetctl.terminal.progress import steps, waiting
from puppetctl.terminal.words import plain
from services.runtime.ids import new_id

# How long it may take to store a hundred thousand memories, or to build the index of as many anew.
_LONG_SECONDS = 600.0
_LOOK_SECONDS = 0.2
_ASK_SECONDS = 2.0
_PAGE_SIZE = 100
_TEXT_LENGTH = 240

_TRUSTED = (pb.PROVENANCE_SELF, pb.PROVENANCE_OPERATOR)


async def search(
    agent_id: str,
    query: str,
    min_relevance: float | None,
    limit: int,
    data_dir: Path = DATA_DIR,
    *,
    is_trusted: bool,
    as_json: bool = False,
) -> int:
    """Show the memories that fit best, and where their scores come from."""
    request = pb.SearchMemoriesRequest(
        agent_id=agent_id,
        query=query,
        max_results=limit,
        min_relevance=min_relevance,
        provenances=_TRUSTED if is_trusted else (),
    )
    titles = ("score", "relevance", "parts", "kind, source, when", "text")
    listing = Listing(*titles, as_json=as_json, empty="nothing found")
    async with opened(data_dir) as clients:
        found = await clients.memory.SearchMemories(request)
        for hit in found.hits:
            score, relevance = f"{hit.score:.2f}", f"{hit.relevance:.2f}"
            listing.add(hit, score, relevance, _parts(hit.parts), _origin(hit.memory), _words(hit.memory))
        if not listing:
            await _refuse_nobody(clients, agent_id)
    listing.show()
    if found.is_by_words_only:
        words = "by words alone: the query has no vector now, and `puppetctl doctor` says more"
        open_console(to_errors=True).print(words)
    return 0


async def list_memories(
    agent_id: str,
    kinds: Sequence[str],
    sources: Sequence[str],
    limit: int,
    data_dir: Path = DATA_DIR,
    *,
    as_json: bool = False,
) -> int:
    """Show up to `limit` memories, newest first."""
    request = pb.ListMemoriesRequest(
        agent_id=agent_id,
        kinds=_kinds(kinds),
        provenances=[pb.Provenance.Value(f"PROVENANCE_{source.upper()}") for source in sources],
        page_size=min(limit, _PAGE_SIZE),
    )
    listing = Listing("id", "kind, source, when", "text", as_json=as_json, empty="no memories")
    async with opened(data_dir) as clients:
        while True:
            page = await clients.memory.ListMemories(request)
            for item in page.memories[: limit - len(listing)]:
                listing.add(item, item.id, _origin(item), _words(item))
            if not page.next_page_token or len(listing) == limit:
                break
            request.page_token = page.next_page_token
        if not listing:
            await _refuse_nobody(clients, agent_id)
    listing.show()
    return 0


async def stats(agent_id: str, data_dir: Path = DATA_DIR, *, as_json: bool = False) -> int:
    """Show what an agent remembers, in numbers, and how far the index is."""
    async with opened(data_dir) as clients:
        found = await clients.memory.GetMemoryStats(pb.GetMemoryStatsRequest(agent_id=agent_id))
        if not found.memory_count:
            await _refuse_nobody(clients, agent_id)
    if as_json:
        print_document(found)
        return 0
    table = Table.grid(padding=(0, 2))
    table.add_row("memories", str(found.memory_count))
    table.add_row("kinds", ", ".join(f"{_kind(item.kind)} {item.count}" for item in found.kinds))
    table.add_row("sources", ", ".join(f"{_source(item.provenance)} {item.count}" for item in found.provenances))
    if found.HasField("oldest_time"):
        table.add_row("oldest", _when(found.oldest_time))
        table.add_row("newest", _when(found.newest_time))
    table.add_row("relationships", str(found.relationship_count))
    table.add_row("index", Text(_index(found.index)))
    if count := found.index.vectorless_count:
        table.add_row("without a vector", Text(f"{_counted(count)}, found by their words alone until they have one"))
    open_console().print(table)
    return 0


async def export(agent_id: str, output: Path | None, data_dir: Path = DATA_DIR, *, force: bool = False) -> int:
    """Write every memory as a JSON line, to a file or to standard output. Raises SuiteError."""
    request = pb.ExportMemoriesRequest(agent_id=agent_id)
    count = 0
    async with _memory(data_dir) as memory:
        with jsonl.writing(output, force=force) as write, steps("writing") as bar:
            async for message in memory.ExportMemories(request, timeout=_LONG_SECONDS):
                message.ClearField("cursor")
                write(message)
                bar.done()
                count += 1
    if output is not None:
        open_console().print(Text(f"{_counted(count)} in {output}"))
    return 0


async def import_memories(agent_id: str, lines: Sequence[pb.ExportMemoriesResponse], data_dir: Path = DATA_DIR) -> int:
    """Store what was exported."""
    answer = pb.ImportMemoriesResponse()
    if lines:
        async with _memory(data_dir) as memory:
            with waiting(f"storing {_counted(len(lines))}"):
                answer = await memory.ImportMemories(_imports(agent_id, lines), timeout=_LONG_SECONDS)
    open_console().print(f"{_counted(answer.created_count)} stored, {answer.existing_count} there before")
    return 0


async def delete(agent_id: str, memory_id: str, data_dir: Path = DATA_DIR) -> int:
    """Delete one memory."""
    request = pb.DeleteMemoryRequest(agent_id=agent_id, id=memory_id, request_id=new_id("ctl"))
    async with _memory(data_dir) as memory:
        await memory.DeleteMemory(request)
    open_console().print(Text(f"{memory_id}: deleted"))
    return 0


async def clear(agent_id: str, kinds: Sequence[str], data_dir: Path = DATA_DIR) -> int:
    """Delete all memories of an agent, or those of some kinds."""
    request = pb.ClearMemoriesRequest(agent_id=agent_id, kinds=_kinds(kinds), request_id=new_id("ctl"))
    async with _memory(data_dir) as memory:
        answer = await memory.ClearMemories(request, timeout=_LONG_SECONDS)
    open_console().print(f"{_counted(answer.deleted_count)} deleted")
    return 0


async def purge(agent_id: str, author: str, source_id: str, data_dir: Path = DATA_DIR) -> int:
    """Remove everything that an author or a post brought; one of them is empty."""
    request = pb.PurgeSourceRequest(agent_id=agent_id, request_id=new_id("ctl"))
    if author:
        request.author = author
    else:
        request.source_id = source_id
    async with _memory(data_dir) as memory:
        answer = await memory.PurgeSource(request, timeout=_LONG_SECONDS)
    open_console().print(f"{_counted(answer.purged_count)} removed")
    return 0


async def sweep(agent_id: str, data_dir: Path = DATA_DIR) -> int:
    """Forget what is due, of one agent or of all when it is empty."""
    request = pb.SweepMemoriesRequest(agent_id=agent_id, request_id=new_id("ctl"))
    async with _memory(data_dir) as memory:
        answer = await memory.SweepMemories(request, timeout=_LONG_SECONDS)
    counts = {
        "expired": answer.expired_count,
        "outdated": answer.outdated_count,
        "consolidated": answer.consolidated_count,
        "beyond capacity": answer.excess_count,
    }
    why, total = ", ".join(f"{count} {what}" for what, count in counts.items()), sum(counts.values())
    open_console().print(f"{_counted(total)} forgotten: {why}")
    return 0


async def verify(data_dir: Path = DATA_DIR) -> int:
    """Compare the index with the store; returns 1 when they differ."""
    async with _memory(data_dir) as memory:
        found = await memory.VerifyIndex(pb.VerifyIndexRequest(), timeout=_LONG_SECONDS)
    console = open_console()
    console.print(Text(f"index: {_index(found.index)}"))
    if found.is_consistent:
        console.print(f"[green]consistent: {found.checked_count} vectors compared[/]")
        return 0
    faults = (
        f"{found.missing_count} missing, {found.left_over_count} left over, {found.different_count} different, "
        f"{found.unreached_count} not reached"
    )
    console.print(f"[red]not consistent: {faults}, of {found.checked_count} compared[/]")
    console.print("`puppetctl memory reindex` builds the index anew")
    return 1


async def reindex(data_dir: Path = DATA_DIR) -> int:
    """Build the index anew, and show how far it is until it serves."""
    console = open_console()
    # Asked again with the same id, the service only tells how far it is.
    request = pb.ReindexRequest(request_id=new_id("ctl"))
    async with _memory(data_dir) as memory:
        before = status = (await memory.Reindex(request)).index
        with Display(console, lambda: _index(status)) as display:
            # The build before may still be the one that serves, and ready, when the first answer comes.
            while status.state != pb.INDEX_STATE_READY or status.generation == before.generation:
                display.refresh()
                await asyncio.sleep(_LOOK_SECONDS)
                status = (await memory.Reindex(request)).index
    console.print(Text(_index(status)))
    return 0


async def _refuse_nobody(clients: Clients, agent_id: str) -> None:
    """Say when an agent without memories isn't there at all; where no agents service tells, nothing is said."""
    try:
        agent = await find_agent(clients, agent_id, _ASK_SECONDS)
    except grpc.aio.AioRpcError:
        return
    if agent is None:
        raise SuiteError(f"there is no agent {agent_id!r}")


@asynccontextmanager
async def _memory(data_dir: Path) -> AsyncIterator[MemoryServiceStub]:
    async with opened(data_dir) as clients:
        yield clients.memory


def _imports(agent_id: str, lines: Sequence[pb.ExportMemoriesResponse]) -> Iterator[pb.ImportMemoriesRequest]:
    for number, line in enumerate(lines):
        request = pb.ImportMemoriesRequest(memory=line.memory, history=line.history)
        if number == 0:
            request.agent_id, request.request_id = agent_id, new_id("ctl")
        yield request


def _kinds(names: Sequence[str]) -> "list[pb.MemoryKind.ValueType]":
    return [pb.MemoryKind.Value(f"MEMORY_KIND_{name.upper()}") for name in names]


def _kind(kind: "pb.MemoryKind.ValueType") -> str:
    return pb.MemoryKind.Name(kind).removeprefix("MEMORY_KIND_").lower()


def _source(provenance: "pb.Provenance.ValueType") -> str:
    return pb.Provenance.Name(provenance).removeprefix("PROVENANCE_").lower()


def _when(time: Timestamp) -> str:
    return f"{time.ToDatetime(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def _origin(memory: pb.Memory) -> Text:
    return Text(f"{_kind(memory.kind)}\n{_source(memory.provenance)}\n{_when(memory.occur_time)}")


def _words(memory: pb.Memory) -> Text:
    text = plain(memory.text)
    return Text(f"{text[: _TEXT_LENGTH - 1]}…" if len(text) > _TEXT_LENGTH else text)


def _parts(parts: pb.ScoreParts) -> Text:
    return Text("\n".join(f"{field.name} {value:.2f}" for field, value in parts.ListFields()))


def _counted(count: int) -> str:
    return "1 memory" if count == 1 else f"{count} memories"


def _index(status: pb.IndexStatus) -> str:
    if status.state == pb.INDEX_STATE_DOWN:
        return "can't be reached, and is tried again"
    if status.state == pb.INDEX_STATE_BUILDING:
        return f"being built: {status.built_count} of {status.total_count} memories"
    if status.state == pb.INDEX_STATE_IDLE:
        return f"not open, as no agent is large enough to need it; {status.pending_count} changes wait"
    changes = f", {status.pending_count} changes behind" if status.pending_count else ""
    return f"ready: build {status.generation}, of {status.embedding_model}{changes}"
