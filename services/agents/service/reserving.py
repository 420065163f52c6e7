"""Words that a workflow is about to publish: no other workflow of the same agent says them within a day."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from services.agents.domain import text as texts
from services.agents.ports.store import Store
from services.runtime.clock import Clock
from services.runtime.text.normal import normal_form

RESERVED = timedelta(days=1)
"""How long words are reserved."""


class Reservations:
    """Reserves words. A crash takes none of it back: the workflow that has them goes on, and finds them its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def reserve(self, agent_id: str, workflow_id: str, texts: Sequence[str]) -> str | None:
        """Reserve the first of these texts that no other workflow has, in whatever signs and case it is written.

        None when there is none.
        """
        now = self._clock.now()
        async with self._store.writing(f"words/{agent_id}") as records:
            await records.forget_reservations(agent_id, now - RESERVED)
            for text in texts:
                if await records.reserve(agent_id, _fingerprint(text), workflow_id, now) == workflow_id:
                    await records.commit()
                    return text
        return None

    async def said_elsewhere(self, agent_id: str, workflow_id: str, texts: Sequence[str]) -> set[str]:
        """Return those of these texts that another workflow has reserved."""
        prints = {text: _fingerprint(text) for text in texts}
        async with self._store.reading() as records:
            found = await records.reserved(agent_id, list(prints.values()), self._clock.now() - RESERVED)
        return {text for text, mark in prints.items() if found.get(mark, workflow_id) != workflow_id}


def _fingerprint(text: str) -> str:
    plain = normal_form(text)
    return hashlib.sha256(" ".join(texts.words(plain) or [plain]).encode()).hexdigest()
