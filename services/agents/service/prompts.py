"""The prompts that models were asked: kept once each, for explanations."""

from services.agents.domain.prompt_records import PromptRecord
from services.agents.domain.prompts import PromptParts
from services.agents.ports.store import Store
from services.runtime.clock import Clock


class Prompts:
    """Keeps prompts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keep(self, prompt: PromptParts) -> str:
        """Store a prompt, unless it is there, and return its id."""
        record = PromptRecord.of(prompt, self._clock.now())
        async with self._store.writing() as records:
            await records.keep_prompt(record)
            await records.commit()
        return record.id
