"""Asking a second model before something is published."""

from dataclasses import dataclass

from services.agents.domain.records import CallPurpose, ModelCall
from services.agents.domain.screening import SCHEMA, compose_screening, read_screening
from services.agents.ports.neighbours import LlmPort, Refused, Written

_SEED = 1
_WITHOUT_JUDGEMENT = ("PROVIDER_REFUSED", "SCHEMA_MISMATCH")
_DOESNT_JUDGE = "the second model doesn't judge it"


@dataclass(frozen=True, slots=True)
class Screening:
    """Why a text may not be published, in words, and the call that said so; None of one that the provider refused."""

    objections: tuple[str, ...]
    call: ModelCall | None = None


class Screener:
    """Has texts judged by one model, which is not the one that wrote them unless the settings say so."""

    def __init__(self, llm: LlmPort, provider: str, model: str) -> None:
        self._llm = llm
        self._provider = provider
        self._model = model

    async def screen(
        self, workflow_id: str, agent_id: str, text: str, answered: str, *, is_awaited: bool = False
    ) -> Screening:
        """Return why a text may not be published, which somebody may wait for; a model that doesn't judge it objects.

        Raises Refused when the provider isn't configured, and DependencyUnavailable: nothing is published unjudged.
        """
        prompt = compose_screening(text, answered)
        try:
            written = await self._llm.generate(
                workflow_id, agent_id, prompt, self._provider, self._model, _SEED, SCHEMA, is_awaited=is_awaited
            )
        except Refused as refused:
            if refused.reason not in _WITHOUT_JUDGEMENT:
                raise
            return Screening((_DOESNT_JUDGE,))
        return Screening(_objections(written), call_of(written, CallPurpose.SCREEN))


def call_of(written: Written, purpose: CallPurpose, prompt_id: str = "") -> ModelCall:
    """Return what is recorded of a call."""
    return ModelCall(
        purpose,
        written.provider,
        written.model,
        prompt_id,
        len(written.candidates),
        written.prompt_tokens,
        written.completion_tokens,
        written.background_shown,
        written.cost_usd,
    )


def _objections(written: Written) -> tuple[str, ...]:
    if written.withheld or len(written.candidates) != 1 or written.candidates[0].is_cut:
        return (_DOESNT_JUDGE,)
    try:
        harms = read_screening(written.candidates[0].text)
    except (ValueError, TypeError):
        return ("the second model's judgement can't be read",)
    return tuple(f"the second model sees {harm}" for harm in dict.fromkeys(harms))
