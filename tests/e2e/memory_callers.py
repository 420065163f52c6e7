"""Callers of a memory service who write, change, delete and look for memories, each at random."""

import asyncio
import itertools
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from tests.e2e.memory_ledger import Create, Delete, Entry, Ledger, Operation, Update, Wipe, key_of

AGENTS = ("ann", "bob", "cleo", "dan")
_MANY = 500
"""An agent that has more memories than this gets no new ones."""

_WORDS = (
    "amber", "anchor", "basil", "beacon", "candle", "canyon", "copper", "cradle", "desert", "ember", "falcon",
    "forest", "garden", "glacier", "harbour", "hollow", "island", "jasmine", "kettle", "lantern", "ladder", "marble",
    "meadow", "mirror", "needle", "oyster", "pebble", "pepper", "quarry", "ribbon", "river", "saddle", "shadow",
    "silver", "spiral", "summer", "teapot", "temple", "thunder", "tunnel", "umbrella", "valley", "velvet", "violin",
    "walnut", "willow", "window", "winter",
)  # fmt: skip
_LETTERS = "bcfghjklmnpqrtvwxz"  # no word, and no ending that a stemmer knows
_KEY = re.compile(rb"zq[bcfghjklmnpqrtvwxz]{6}")
_KINDS = (pb.MEMORY_KIND_GENERAL, pb.MEMORY_KIND_POST, pb.MEMORY_KIND_INTERACTION, pb.MEMORY_KIND_TRADE)
_AUTHORS = ("@stranger", "@passerby", "@neighbour", "@rival")
_SOURCES = ("post 1", "post 2", "post 3")
_DEEDS = {"create": 33, "batch": 10, "update": 18, "delete": 18, "again": 4, "find": 15, "clear": 0.5, "purge": 0.5}


class Callers:
    """They share the ledger; a memory that one of them is about to change is left alone by the others."""

    def __init__(self, ledger: Ledger, chance: random.Random, files: Path | None) -> None:
        """Take the folder of the database's files when these are to be searched for what was purged."""
        self._ledger, self._chance, self._files = ledger, chance, files
        self._numbers = itertools.count(1)
        self._keys = _keys()
        self.have_enough = False

    async def call(self, stub: MemoryServiceStub, limit: int) -> None:
        """Call so many times, or until there is enough of it, or the service doesn't answer any more."""
        for _ in range(limit):
            if self.have_enough:
                return
            agent_id = self._chance.choice(AGENTS)
            [deed] = self._chance.choices(list(_DEEDS), list(_DEEDS.values()))
            if deed == "find":
                if not await self._find(stub, agent_id):
                    return
            elif operation := self._operation(deed, agent_id):
                is_answered = await operation.run(stub)
                if isinstance(operation, Wipe) and operation.method == "PurgeSource":
                    # It answers UNAVAILABLE too when the index is killed.
                    if is_answered:
                        await self._look_for_purged(operation)
                elif not is_answered:
                    return

    def _operation(self, deed: str, agent_id: str) -> Operation | None:
        chance, free = self._chance, self._ledger.free(agent_id)
        request_id = f"req {next(self._numbers)}" if chance.random() < 0.6 else ""
        if deed in ("create", "batch") and len(self._ledger.there[agent_id]) < _MANY:
            limit = 1 if deed == "create" else chance.choice([3, 10, 30, 150])
            count = chance.randint(min(2, limit), limit)
            return Create(self._ledger, [self._memory(agent_id) for _ in range(count)], request_id)
        if deed in ("clear", "purge") and not any(wipe.request.agent_id == agent_id for wipe in self._ledger.wipes()):
            return Wipe(self._ledger, self._wiping(deed, agent_id, request_id))
        if not free:
            return None
        entry = chance.choice(free)
        assert entry.known
        if deed == "update":
            return Update(self._ledger, entry, self._change(entry.known, request_id))
        if deed == "again":
            return self._again(free)
        request = pb.DeleteMemoryRequest(agent_id=agent_id, id=entry.known.id, request_id=request_id)
        return Delete(self._ledger, entry, request)

    def _again(self, free: Sequence[Entry]) -> Operation | None:
        """Return a request that was answered, which has to change nothing; above all of memories changed since."""
        changed = [entry for entry in free if entry.past]
        entry = self._chance.choice(changed or free)
        answered = [
            operation
            for operation in (entry.made_by, entry.changed_by)
            if operation and operation.done and operation.request.request_id
            if all(other.is_free for other in operation.entries)
        ]
        return self._chance.choice(answered) if answered else None

    def _memory(self, agent_id: str) -> pb.Memory:
        chance = self._chance
        is_own = chance.random() < 0.6
        memory = pb.Memory(
            agent_id=agent_id,
            text=self._text(next(self._keys)),
            kind=chance.choice(_KINDS),
            provenance=pb.PROVENANCE_SELF if is_own else pb.PROVENANCE_EXTERNAL,
            importance=chance.choice([0.25, 0.5, 1.0]),
            author="" if is_own else chance.choice(_AUTHORS),
            source_id=chance.choice(["", "", *_SOURCES]),
            conversation_id=chance.choice(["", "", "talk 1", "talk 2"]),
        )
        if chance.random() < 0.3:
            memory.metadata["mood"] = chance.choice(_WORDS)
        return memory

    def _text(self, key: str) -> str:
        return " ".join([key, *self._chance.sample(_WORDS, self._chance.randint(3, 12))])

    def _change(self, before: pb.Memory, request_id: str) -> pb.UpdateMemoryRequest:
        memory = pb.Memory(agent_id=before.agent_id, id=before.id, text=self._text(key_of(before)))
        memory.importance, memory.subject = self._chance.choice([0.125, 0.75]), self._chance.choice(["Nova", ""])
        if self._chance.random() < 0.5:
            memory.etag = before.etag
        request = pb.UpdateMemoryRequest(memory=memory, request_id=request_id)
        paths = ["text", "importance", "subject"]
        request.update_mask.paths.extend(self._chance.sample(paths, self._chance.randint(1, len(paths))))
        return request

    def _wiping(self, deed: str, agent_id: str, request_id: str) -> pb.ClearMemoriesRequest | pb.PurgeSourceRequest:
        chance = self._chance
        if deed == "clear":
            kinds = chance.sample(_KINDS, chance.choice([0, 1, 2]))
            return pb.ClearMemoriesRequest(agent_id=agent_id, kinds=kinds, request_id=request_id)
        if chance.random() < 0.5:
            return pb.PurgeSourceRequest(agent_id=agent_id, author=chance.choice(_AUTHORS), request_id=request_id)
        return pb.PurgeSourceRequest(agent_id=agent_id, source_id=chance.choice(_SOURCES), request_id=request_id)

    async def _find(self, stub: MemoryServiceStub, agent_id: str) -> bool:
        """Look for a memory that is there, which has to be found whatever is done to others; False for no answer."""
        if not (free := self._ledger.free(agent_id)):
            return True
        entry = self._chance.choice(free)
        known = entry.known
        assert known
        try:
            hits = await search(stub, agent_id, known.text)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        if entry.known is known:
            assert_found(known, hits)
        return True

    async def _look_for_purged(self, operation: Wipe) -> None:
        if self._files is None:
            return
        left = await asyncio.to_thread(_keys_in, self._files)
        assert left.isdisjoint(entry.key for entry in operation.whole), "what was purged is still in the files"


async def search(stub: MemoryServiceStub, agent_id: str, text: str) -> Sequence[pb.MemoryHit]:
    """Return all that fits a text however little, at most 100, best first."""
    request = pb.SearchMemoriesRequest(agent_id=agent_id, query=text, max_results=100, min_relevance=0)
    return (await stub.SearchMemories(request, timeout=60)).hits


def assert_found(memory: pb.Memory, hits: Sequence[pb.MemoryHit]) -> None:
    """Check that a memory comes first, or is as good as the first, among the hits of its own text."""
    scores = {hit.memory.id: hit.score for hit in hits}
    assert memory.id in scores, f"not found by its own text:\n{memory}"
    assert scores[memory.id] > max(scores.values()) - 1e-6, f"not the best by its own text:\n{memory}\n{hits[0]}"


def assert_not_found(entry: Entry, hits: Sequence[pb.MemoryHit]) -> None:
    """Check that a memory which is gone is not among the hits of its own text."""
    assert entry.key not in {key_of(hit.memory) for hit in hits}, f"found, and it was deleted:\n{entry.given}"


def _keys() -> Iterator[str]:
    for letters in itertools.product(_LETTERS, repeat=6):
        # The last letters change fastest; turned around, words that follow one another begin differently.
        yield "zq" + "".join(reversed(letters))


def _keys_in(folder: Path) -> set[str]:
    files = [path for path in folder.iterdir() if path.is_file()]
    return {key.decode() for path in files for key in _KEY.findall(path.read_bytes())}
