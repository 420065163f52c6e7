"""What a memory service acknowledged, and therefore what it may hold after it was killed."""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.runtime.rpc.status import Remote

_CALL_SECONDS = 60.0
_SET_BY_SERVICE = {"id", "etag", "occur_time", "create_time", "update_time"}


@dataclass(eq=False, slots=True)
class Entry:
    """A memory: what was asked for, all that it may be now (None: not there), and what it was before, oldest first."""

    given: pb.Memory
    may_be: list[pb.Memory | None] = field(default_factory=lambda: [None])
    past: list[pb.Memory] = field(default_factory=list)
    made_by: "Create | None" = None
    changed_by: "Update | None" = None
    """The last change, once it was acknowledged."""
    is_busy: bool = False
    """True while a call about it alone is under way or unanswered."""

    @property
    def key(self) -> str:
        """The word that its text begins with, and no other text has."""
        return key_of(self.given)

    @property
    def known(self) -> pb.Memory | None:
        """What it is for certain; None when it is gone or not certain."""
        return self.may_be[0] if len(self.may_be) == 1 else None

    @property
    def is_gone(self) -> bool:
        """True when it is not there for certain."""
        return self.may_be == [None]

    @property
    def is_free(self) -> bool:
        """True when it is there for certain, and nobody is about to change it."""
        return self.known is not None and not self.is_busy

    def may_be_gone(self) -> None:
        """Note that it may not be there any more."""
        if None not in self.may_be:
            self.may_be.append(None)


class Ledger:
    """All memories of all agents, and the calls that are under way or got no answer."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Entry]] = defaultdict(dict)
        """By agent and key, what is there or may be."""
        self.gone: dict[str, Entry] = {}
        self.under_way: list[Operation] = []
        self.unanswered: list[Operation] = []
        self.counts: Counter[str] = Counter()

    def watch(self, entries: Iterable[Entry]) -> None:
        """Expect that these memories may be there."""
        for entry in entries:
            self.gone.pop(entry.key, None)
            self.there[entry.given.agent_id][entry.key] = entry

    def free(self, agent_id: str) -> list[Entry]:
        """Return what is there for certain, and what nobody is about to change."""
        return [entry for entry in self.there[agent_id].values() if entry.is_free]

    def wipes(self) -> list["Wipe"]:
        """Return the clears and purges that are under way."""
        return [operation for operation in self.under_way if isinstance(operation, Wipe)]

    def settle(self, seen: Mapping[str, Sequence[pb.Memory]]) -> list["Operation"]:
        """Compare with what each agent has, and return the calls that got no answer, of which it is known now."""
        found: dict[str, pb.Memory] = {}
        for agent_id, memories in seen.items():
            for memory in memories:
                key = key_of(memory)
                assert key not in found, f"twice there:\n{found[key]}\n{memory}"
                assert key in self.there[agent_id], f"{agent_id} has what was deleted, or is another's:\n{memory}"
                found[key] = memory
        for operation in self.unanswered:
            operation.settle(found)
        for entries in self.there.values():
            for entry in list(entries.values()):
                there = found.get(entry.key)
                assert any(fits(state, there) for state in entry.may_be), f"{entry.may_be} became {there}"
                entry.may_be, entry.is_busy = [there], False
                if there is None:
                    self.gone[entry.key] = entries.pop(entry.key)
        unanswered, self.unanswered = self.unanswered, []
        return unanswered


class Operation(ABC):
    """A call that changes memories: it widens what they may be when it begins, and its answer narrows that again."""

    def __init__(self, ledger: Ledger, method: str, request: Any, entries: Sequence[Entry]) -> None:
        self.ledger, self.method, self.request, self.entries = ledger, method, request, entries
        self.done: bool | None = None
        """Whether it was carried out, as far as an answer or what is there tells."""
        self.overlapped: set[Entry] = set()
        """Those of its memories that a clear or purge took meanwhile: it came before or after this, nobody knows."""

    async def run(self, stub: MemoryServiceStub) -> bool:
        """Call, and keep the books; False when no answer came."""
        self.overlapped = {entry for entry in self.entries for wipe in self.ledger.wipes() if wipe.takes(entry)}
        self._hold(True)
        self.begin()
        self.ledger.under_way.append(self)
        try:
            answer = await getattr(stub, self.method)(self.request, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self.ledger.unanswered.append(self)
                return False
            if Remote(error).reason != "MEMORY_NOT_FOUND" or not self.overlapped:
                error.add_note(f"{self.method} {self.request}")
                raise
        else:
            self.end(answer)
            self.done = True
        finally:
            self.ledger.under_way.remove(self)
        self._hold(False)
        return True

    def _hold(self, busy: bool) -> None:
        for entry in self.entries:
            entry.is_busy = busy

    @abstractmethod
    def begin(self) -> None:
        """Widen what the memories may be, unless it is known to be done."""

    @abstractmethod
    def end(self, answer: Any) -> None:
        """Narrow it to what was acknowledged."""

    @abstractmethod
    def settle(self, found: Mapping[str, pb.Memory]) -> None:
        """Find out by what is there, without any call under way, whether it was done; half of it fails."""

    @property
    def is_repeatable(self) -> bool:
        """True when it is known what the same request has to do now."""
        return self.done is not None and bool(self.request.request_id)


class Create(Operation):
    """CreateMemory, or BatchCreateMemories for several of one agent."""

    def __init__(self, ledger: Ledger, given: Sequence[pb.Memory], request_id: str) -> None:
        entries = [Entry(memory, made_by=self) for memory in given]
        if len(given) == 1:
            single = pb.CreateMemoryRequest(memory=given[0], request_id=request_id)
            super().__init__(ledger, "CreateMemory", single, entries)
        else:
            batch = pb.BatchCreateMemoriesRequest(agent_id=given[0].agent_id, memories=given, request_id=request_id)
            super().__init__(ledger, "BatchCreateMemories", batch, entries)

    def begin(self) -> None:
        if not self.done:
            self.ledger.watch(self.entries)
            for entry in self.entries:
                entry.may_be = [None, entry.given]

    def end(self, answer: pb.CreateMemoryResponse | pb.BatchCreateMemoriesResponse) -> None:
        memories = [answer.memory] if isinstance(answer, pb.CreateMemoryResponse) else answer.memories
        for entry, memory in zip(self.entries, memories, strict=True):
            expected = entry.known or entry.given
            is_right = key_of(memory) == entry.key if entry in self.overlapped else fits(expected, memory)
            assert is_right, f"asked for {expected}, answered {memory}"
            entry.may_be = [memory, None] if entry in self.overlapped else [memory]
        self.ledger.counts["acknowledged: created"] += len(memories)

    def settle(self, found: Mapping[str, pb.Memory]) -> None:
        there = {entry.key in found for entry in self.entries if entry not in self.overlapped}
        assert len(there) < 2, f"half of a batch is there: {[entry.key in found for entry in self.entries]}"
        self.done = there.pop() if not self.overlapped else None

    @property
    def is_repeatable(self) -> bool:
        # Without a request_id too: what is there is an exact duplicate then.
        return self.done is not None


class Update(Operation):
    """UpdateMemory of a memory that is there."""

    def __init__(self, ledger: Ledger, entry: Entry, request: pb.UpdateMemoryRequest) -> None:
        assert entry.known
        entry.changed_by = None
        self._before, self._after = entry.known, pb.Memory()
        self._after.CopyFrom(self._before)
        for name in request.update_mask.paths:
            setattr(self._after, name, getattr(request.memory, name))
        self._after.etag = str(int(self._before.etag) + 1)
        self._after.ClearField("update_time")
        super().__init__(ledger, "UpdateMemory", request, [entry])

    def begin(self) -> None:
        if not self.done:
            self.entries[0].may_be = [self._before, self._after]

    def end(self, answer: pb.UpdateMemoryResponse) -> None:
        [entry] = self.entries
        assert fits(self._after, answer.memory), f"asked for {self._after}, answered {answer.memory}"
        if not self.done:
            entry.past.append(self._before)
            entry.changed_by = self
        if not entry.is_gone:
            entry.may_be = [answer.memory, None] if self.overlapped else [answer.memory]
        self.ledger.counts["acknowledged: updated"] += 1

    def settle(self, found: Mapping[str, pb.Memory]) -> None:
        [entry] = self.entries
        was_done, memory = self.done, found.get(entry.key)
        self.done = fits(self._after, memory) if memory else None
        if self.done and not was_done:
            entry.past.append(self._before)


class Delete(Operation):
    """DeleteMemory of a memory that is there."""

    def __init__(self, ledger: Ledger, entry: Entry, request: pb.DeleteMemoryRequest) -> None:
        super().__init__(ledger, "DeleteMemory", request, [entry])

    def begin(self) -> None:
        self.entries[0].may_be_gone()

    def end(self, answer: pb.DeleteMemoryResponse) -> None:
        self.entries[0].may_be = [None]
        self.ledger.counts["acknowledged: deleted"] += 1

    def settle(self, found: Mapping[str, pb.Memory]) -> None:
        self.done = None if self.overlapped else self.entries[0].key not in found


class Wipe(Operation):
    """ClearMemories or PurgeSource; what is created meanwhile may be taken or not."""

    def __init__(self, ledger: Ledger, request: pb.ClearMemoriesRequest | pb.PurgeSourceRequest) -> None:
        method = "ClearMemories" if isinstance(request, pb.ClearMemoriesRequest) else "PurgeSource"
        super().__init__(ledger, method, request, [])
        self.taken: list[Entry] = []
        """What was there when it began."""
        self.whole: list[Entry] = []
        """Those of them that nobody else was about to change: it takes all of them, or none."""

    def takes(self, entry: Entry) -> bool:
        """Tell whether it removes such a memory."""
        given = entry.given
        if self.done or given.agent_id != self.request.agent_id:
            return False
        if isinstance(self.request, pb.ClearMemoriesRequest):
            return not self.request.kinds or given.kind in self.request.kinds
        source = self.request.WhichOneof("source")
        return bool(getattr(given, source) == getattr(self.request, source))

    def begin(self) -> None:
        created: set[Entry] = set()
        for operation in self.ledger.under_way:
            met = set(filter(self.takes, operation.entries))
            operation.overlapped |= met
            if isinstance(operation, Create):
                created |= met
        for operation in self.ledger.unanswered:
            if isinstance(operation, Wipe):
                # What it left undone this one may do.
                operation.whole = []
        concerned = list(filter(self.takes, self.ledger.there[self.request.agent_id].values()))
        self.taken = [entry for entry in concerned if entry not in created]
        self.whole = [entry for entry in self.taken if entry.known and not entry.is_busy]
        for entry in concerned:
            entry.may_be_gone()

    def end(self, answer: pb.ClearMemoriesResponse | pb.PurgeSourceResponse) -> None:
        for entry in self.taken:
            entry.may_be = [None]
        self.ledger.counts[f"acknowledged: deleted by {self.method}"] += len(self.taken)

    def settle(self, found: Mapping[str, pb.Memory]) -> None:
        gone = {entry.key not in found for entry in self.whole}
        assert len(gone) < 2, f"half done: {self.method} {self.request}"
        self.done = self.done or (gone.pop() if gone else None)


def key_of(memory: pb.Memory) -> str:
    """Return the word that a text begins with."""
    return memory.text.split(maxsplit=1)[0]


def fits(expected: pb.Memory | None, found: pb.Memory | None) -> bool:
    """Tell whether a memory is what was expected; what the service sets by itself counts only when it is known."""
    if expected is None or found is None:
        return expected is found
    seen: Any = pb.Memory()
    seen.CopyFrom(found)
    given = {descriptor.name for descriptor, _ in expected.ListFields()}
    for name in _SET_BY_SERVICE - given:
        seen.ClearField(name)
    seen.access_count = expected.access_count
    return bool(seen == expected)
