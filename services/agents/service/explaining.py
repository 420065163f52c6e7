"""Explaining what agents did, and showing what a model would be asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.agents.domain.drafts import DraftRecord
from services.agents.domain.entities import ActivityRecord, AgentRecord
from services.agents.domain.errors import ActivityNotFound
from services.agents.domain.previews import Preview, Wanted
from services.agents.domain.prompt_records import PromptRecord
from services.agents.domain.records import Drafted, Grounds
from services.agents.ports.store import Records, Store
from services.agents.service.agents import existing
from services.runtime.ids import new_id

_ACTIVITY, _DRAFT = "act_", "drf_"
_NUMBERED = re.compile(r"act_(-?[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Something that was done, and all that is known of why: `others` are the workflow's other activities."""

    activity: ActivityRecord
    grounds: Grounds
    prompts: Sequence[PromptRecord]
    draft: DraftRecord | None
    others: Sequence[ActivityRecord]


class Previewing(Protocol):
    """Knows what behaviours would ask a model."""

    async def preview(self, agent: AgentRecord, kind: str, name: str, wanted: Wanted) -> Preview:
        """Return what a behaviour would ask. Raises InvalidRequest, and the WrongState of what the agent lacks."""
        ...


class Explanations:
    """Reads why things were done, and what would be asked."""

    def __init__(self, store: Store, behaviours: Previewing) -> None:
        self._store = store
        self._behaviours = behaviours

    async def explain(self, name: str) -> Explanation:
        """Explain an activity, how a workflow or a draft ended, or what has made a post. Raises ActivityNotFound."""
        async with self._store.reading() as records:
            named = await _named(records, name)
            if named is None:
                raise ActivityNotFound(name)
            of_workflow = await records.activities_of([named.workflow_id])
            activity = named if name in (_id_of(named), *_effects_of(named)) else _outcome(of_workflow)
            draft = await records.draft_of(activity.workflow_id)
            grounds = activity.grounds
            if draft is not None and grounds.writing is None:
                # What failed when it was carried out was proposed for a reason all the same.
                grounds = draft.proposal.grounds
            calls = grounds.writing.calls if grounds.writing else ()
            asked = dict.fromkeys(call.prompt_id for call in calls if call.prompt_id)
            kept = await records.prompts(list(asked))
        prompts = [kept[prompt_id] for prompt_id in asked if prompt_id in kept]
        others = [other for other in of_workflow if other.seq != activity.seq]
        return Explanation(activity, grounds, prompts, draft, others)

    async def agent_of(self, name: str) -> str | None:
        """Return the agent that has done what has this name; None when there is no such thing."""
        async with self._store.reading() as records:
            named = await _named(records, name)
        return named.agent_id if named else None

    async def preview(self, kind: str, wanted: Wanted) -> Preview:
        """Return what a model would be asked now, by a behaviour of this kind.

        Raises AgentNotFound, InvalidRequest, and the WrongState of what the agent lacks.
        """
        async with self._store.reading() as records:
            agent = await existing(records, wanted.agent_id)
        return await self._behaviours.preview(agent, kind, new_id("preview"), wanted)


async def _named(records: Records, name: str) -> ActivityRecord | None:
    if (numbered := _NUMBERED.fullmatch(name)) is not None:
        return await records.activity(int(numbered[1]))
    if name.startswith(_DRAFT):
        draft = await records.draft(name)
        return await records.explained(draft.workflow_id) if draft else None
    return await records.explained(name)


def _id_of(activity: ActivityRecord) -> str:
    return f"{_ACTIVITY}{activity.seq}"


def _effects_of(activity: ActivityRecord) -> tuple[str, ...]:
    return tuple(filter(None, (activity.effect_id, activity.network_effect_id)))


def _outcome(activities: Sequence[ActivityRecord]) -> ActivityRecord:
    """Return how a workflow ended: what came of it, rather than that it couldn't be remembered, or is a draft."""
    return max(activities, key=lambda one: (bool(one.effect_id), not isinstance(one.event, Drafted), one.seq or 0))
