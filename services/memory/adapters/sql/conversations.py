"""Documents of memories with the turns before them: what is said is often understood only from what was said before."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.memory.adapters.sql.lexicon import Document
from services.memory.adapters.sql.tables import memory
from services.memory.domain.memories import Memory
from services.memory.domain.words import day_words

_BEFORE = 2
"""How many turns before a memory count."""

_LONG = 600
"""A turn of more characters is found by itself alone, and is no other's context."""

_TURN = [memory.c.seq, memory.c.text, memory.c.subject, memory.c.author, memory.c.occur_time]


async def documents_of(connection: AsyncConnection, touched: Sequence[Memory]) -> dict[str, list[Document]]:
    """Return, by agent, the documents of memories that were added, changed or removed, and of the turns after them.

    What was removed from a conversation has no document; what was removed and is of no conversation isn't to be given.
    """
    documents: dict[str, list[Document]] = defaultdict(list)
    conversations: dict[tuple[str, str], list[Memory]] = defaultdict(list)
    for item in touched:
        conversations[item.agent_id, item.conversation_id].append(item)
    for (agent_id, conversation_id), items in conversations.items():
        if conversation_id:
            turns = await _turns(connection, agent_id, conversation_id, items)
            documents[agent_id] += _in_context(turns, items)
        else:
            documents[agent_id] += [_document(item, "", "") for item in items]
    return documents


async def _turns(
    connection: AsyncConnection, agent_id: str, conversation_id: str, items: Sequence[Memory]
) -> Sequence[Any]:
    """Return the turns of a conversation in their order, at least from two before the first of these on."""
    conversation = sa.select(*_TURN).where(
        memory.c.agent_id == agent_id,
        memory.c.conversation_id == conversation_id,
        memory.c.conversation_id != sa.literal_column("''"),
    )
    latest_first = conversation.order_by(memory.c.occur_time.desc(), memory.c.seq.desc())
    # Nearly always a conversation grows at its end.
    enough = len(items) + 2 * _BEFORE
    turns = (await connection.execute(latest_first.limit(enough))).all()
    first = min(_order(item) for item in items)
    if len(turns) == enough and sum(_order(turn) < first for turn in turns) < _BEFORE:
        turns = (await connection.execute(latest_first)).all()
    return turns[::-1]


def _in_context(turns: Sequence[Any], items: Sequence[Memory]) -> list[Document]:
    touched = {item.seq for item in items}
    places = {_order(turn) for turn in turns}
    # Where a turn stood that was removed or moved: those after that place have lost it.
    left = [item for item in items if _order(item) not in places]
    found: list[Document] = []
    around: list[int] = [0] * _BEFORE
    before: list[str] = [""] * _BEFORE
    for turn in sorted([*turns, *left], key=_order):
        if _order(turn) in places:
            if turn.seq in touched or not touched.isdisjoint(around):
                context = ("", "") if len(turn.text) > _LONG else (before[-1], before[-2])
                found.append(_document(turn, *context))
            before = [*before[1:], turn.text if len(turn.text) <= _LONG else ""]
        around = [*around[1:], turn.seq]
    return found


def _order(turn: Any) -> tuple[datetime, int]:
    return turn.occur_time, turn.seq


def _document(turn: Any, previous: str, earlier: str) -> Document:
    who = " ".join(dict.fromkeys(filter(None, (turn.subject, turn.author))))
    return Document(turn.seq, turn.text, who, day_words(turn.occur_time), previous, earlier)
