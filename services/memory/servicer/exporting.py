"""Writing an export: each message can be read by every caller, and sent back in an import."""

from collections.abc import AsyncIterable, AsyncIterator

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.memories import VersionedMemory
from services.memory.wire.memories import write_memory
from services.runtime.rpc.answers import Room


async def packed(parts: AsyncIterable[VersionedMemory]) -> AsyncIterator[pb.ExportMemoriesResponse]:
    """Yield each memory with its history, and again with the next part of that when it is more than a message holds."""
    message, room = pb.ExportMemoriesResponse(), Room()
    async for part in parts:
        whole = str(part.memory.seq)
        if message.cursor != whole:
            if message.cursor:
                yield message
            message, room = _begun(part)
        for before in part.history:
            state = write_memory(before)
            if not room.take(state):
                message.cursor = f"{whole}.{before.version + 1}"
                yield message
                message, room = _begun(part)
                room.take(state)
            message.history.append(state)
    if message.cursor:
        yield message


def _begun(part: VersionedMemory) -> tuple[pb.ExportMemoriesResponse, Room]:
    message = pb.ExportMemoriesResponse(memory=write_memory(part.memory), cursor=str(part.memory.seq))
    return message, Room(message.ByteSize())
