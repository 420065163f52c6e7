"""Words from a model, at the llm service."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.agents.adapters.calls import calling
from services.agents.domain.guard import Candidate
from services.agents.domain.prompts import Part, PromptParts
from services.agents.ports.neighbours import PROVIDER_NOT_FOUND, Provider, Refused, Written

# Longer than any provider is given: how long that is, the llm service knows.
_DEADLINE_SECONDS = 600.0
_LOOK_SECONDS = 5.0
_MAX_WORKFLOW = 200
"""So long is a label at most."""


_LITTLE_LEFT = (pb.BUDGET_STATE_LOW, pb.BUDGET_STATE_OUT)
_WITHHELD = {
    pb.FINISH_REASON_CONTENT_FILTER: "the provider withheld it, or the model refused to write it",
    pb.FINISH_REASON_EMPTY: "the model wrote nothing: its limit of tokens may have gone into its thoughts",
}


class LlmClient:
    """Speaks to the llm service."""

    def __init__(self, llm: LlmServiceStub) -> None:
        self._llm = llm

    async def generate(
        self,
        workflow_id: str,
        agent_id: str,
        prompt: PromptParts,
        provider: str,
        model: str,
        seed: int,
        json_schema: str = "",
        *,
        is_awaited: bool = False,
    ) -> Written:
        """Return candidates for a prompt."""
        request = write_request(
            workflow_id, agent_id, prompt, provider, model, seed, json_schema, is_awaited=is_awaited
        )
        with calling("llm"):
            answer = await self._llm.Generate(request, timeout=_DEADLINE_SECONDS)
        candidates = tuple(
            Candidate(
                text=candidate.text,
                is_cut=candidate.finish_reason == pb.FINISH_REASON_LENGTH,
                mean_logprob=candidate.mean_logprob if candidate.HasField("mean_logprob") else None,
            )
            for candidate in answer.candidates
            if candidate.finish_reason not in _WITHHELD
        )
        withheld = tuple(why for item in answer.candidates if (why := _WITHHELD.get(item.finish_reason)))
        return Written(
            candidates,
            answer.provider,
            answer.model,
            withheld,
            answer.background_shown,
            answer.usage.prompt_tokens,
            answer.usage.completion_tokens,
            cost_usd=answer.cost_usd,
            budget_is_low=answer.budget_state in _LITTLE_LEFT,
        )

    async def provider(self, name: str) -> Provider | None:
        """Return the provider of this name."""
        try:
            with calling("llm"):
                answer = await self._llm.GetProvider(pb.GetProviderRequest(name=name), timeout=_LOOK_SECONDS)
        except Refused as refused:
            if refused.reason != PROVIDER_NOT_FOUND:
                raise
            return None
        return Provider(answer.provider.name, answer.provider.background_shown)

    async def set_budget(self, agent_id: str, usd_per_day: Decimal | None, tokens_per_day: int | None) -> None:
        """Set what an agent may spend on models in a day."""
        dollars = "" if usd_per_day is None else f"{usd_per_day:f}"
        request = pb.SetBudgetRequest(agent_id=agent_id, usd_per_day=dollars, tokens_per_day=tokens_per_day)
        with calling("llm"):
            await self._llm.SetBudget(request, timeout=_LOOK_SECONDS)


def write_request(
    workflow_id: str,
    agent_id: str,
    prompt: PromptParts,
    provider: str,
    model: str,
    seed: int,
    json_schema: str = "",
    *,
    is_awaited: bool = False,
) -> pb.GenerateRequest:
    """Return what asks for candidates.

    It is named by the workflow and by what is asked: a workflow that runs again asks the same if it finds the same.
    """
    drawn = prompt.sampling
    request = pb.GenerateRequest(
        agent_id=agent_id,
        provider=provider,
        model=model if provider else "",
        prompt=pb.Prompt(
            system=prompt.system,
            background=_parts((*prompt.background, *prompt.notes)),
            examples=[
                pb.Example(input=shown.input, output=shown.output, context=_parts(shown.context))
                for shown in prompt.examples
            ],
            input=prompt.input,
            context=_parts(prompt.context),
            conversation=_parts(prompt.conversation),
            input_label=prompt.input_label,
            output_label=prompt.output_label,
        ),
        sampling=pb.Sampling(
            temperature=drawn.temperature,
            top_p=drawn.top_p,
            max_tokens=drawn.max_tokens,
            frequency_penalty=drawn.frequency_penalty,
            presence_penalty=drawn.presence_penalty,
            seed=seed,
        ),
        candidate_count=prompt.candidate_count,
        json_schema=json_schema,
        labels=pb.Labels(purpose=prompt.output_label, workflow=workflow_id[:_MAX_WORKFLOW]),
        is_awaited=is_awaited,
    )
    asked = request.SerializeToString(deterministic=True)
    request.request_id = hashlib.sha256(workflow_id.encode() + b"\0" + asked).hexdigest()
    return request


def _parts(parts: Sequence[Part]) -> list[pb.Part]:
    return [pb.Part(label=part.label, text=part.text) for part in parts]
