"""A provider whose answers fit the schema that is asked for: what doesn't is asked for once more."""

import asyncio
from dataclasses import replace

from typing_extensions import override

from services.llm.domain.errors import (
    BudgetExhausted,
    ProviderRateLimited,
    ProviderRefused,
    ProviderUnavailable,
    SchemaMismatch,
)
from services.llm.domain.fitting import Misfit, Repair, unfenced
from services.llm.domain.generation import Candidate, FinishReason, Generation, sum_nanos
from services.llm.domain.prompt import Task
from services.llm.ports import Guarded, Schema, Schemas
from services.llm.service.decorator import Decorator

_CUT = "it was cut: it has to be shorter"


class Fitting(Decorator):
    """Passes on the candidates that fit; when none does, the model is told what is wrong, and writes one more."""

    def __init__(self, provider: Guarded, schemas: Schemas) -> None:
        super().__init__(provider)
        self._schemas = schemas

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates, the repair within the same time. Raises SchemaMismatch too, and InvalidRequest."""
        if not task.json_schema:
            return await self._provider.generate(task, seconds)
        schema, now = await self._schemas.load(task.json_schema), asyncio.get_running_loop().time
        until = now() + seconds
        written = await self._provider.generate(task, seconds)
        fitting, misfits = await _sorted(schema, written)
        if fitting:
            return replace(written, candidates=fitting)
        if not misfits:
            raise SchemaMismatch(self.name, "it wrote nothing", written.price.nanos)
        candidate, misfit = misfits[0]
        wrong = _CUT if candidate.finish_reason is FinishReason.LENGTH else misfit.words
        again = replace(task, candidate_count=1, repair=Repair(candidate.text, wrong))
        try:
            repaired = await self._provider.generate(again, max(0.0, until - now()))
        except (ProviderRefused, ProviderRateLimited, ProviderUnavailable, BudgetExhausted) as failure:
            why = f"{_told(misfit)}, and asked again: {failure.message}"
            raise SchemaMismatch(self.name, why, sum_nanos(written.price.nanos, failure.cost_nanos)) from None
        fitting, misfits = await _sorted(schema, repaired)
        cost = sum_nanos(written.price.nanos, repaired.price.nanos)
        if not fitting:
            why = f"{_told(misfits[0][1] if misfits else misfit)}, when asked again too"
            raise SchemaMismatch(self.name, why, cost)
        price = replace(repaired.price, nanos=cost)
        return replace(repaired, candidates=fitting, usage=written.usage + repaired.usage, price=price)


async def _sorted(schema: Schema, written: Generation) -> tuple[tuple[Candidate, ...], list[tuple[Candidate, Misfit]]]:
    """Return the candidates that fit, and those that don't with what is wrong; who wrote nothing is neither."""
    fitting, misfits = list[Candidate](), list[tuple[Candidate, Misfit]]()
    for candidate in written.candidates:
        text = unfenced(candidate.text)
        if not text:
            continue
        if misfit := await schema.misfit(text):
            misfits.append((candidate, misfit))
        else:
            fitting.append(replace(candidate, text=text))
    return tuple(fitting), misfits


def _told(misfit: Misfit) -> str:
    # What the model wrote is nobody's but the caller's, and this is logged.
    return f"it breaks {misfit.rule}" if misfit.rule else "it is no JSON"
