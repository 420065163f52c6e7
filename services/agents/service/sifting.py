"""What is done with many mentions at once: most of them stay without an answer, and need no workflow of their own."""

import logging
from collections.abc import Sequence

from services.agents.domain.entities import ActivityKind
from services.agents.ports.stored import Mention, Pass, ReplyTask, Shortlist
from services.agents.service.hearing import Hearing
from services.agents.service.journal import Entry, Journal
from services.agents.service.replying import Replying
from services.runtime.errors import RetryLater

log = logging.getLogger(__name__)


class Sifting:
    """Hears mentions, and notes those that stay without an answer."""

    def __init__(self, hearing: Hearing, replying: Replying, journal: Journal) -> None:
        self._hearing = hearing
        self._replying = replying
        self._journal = journal

    async def sift(self, agent_id: str, mentions: Sequence[Mention]) -> Shortlist:
        """Return the mentions that an agent will answer; the others are heard and logged, each once."""
        tasks = [ReplyTask(agent_id, mention) for mention in mentions]
        chosen: list[Mention] = []
        entries: dict[str, Entry] = {}
        # Whoever was told of isn't considered again: on another day there would be room for an answer.
        told = await self._journal.told([reply_id(task) for task in tasks])
        for task in tasks:
            if reply_id(task) in told:
                continue
            refusal = await self._refusal(task)
            if refusal is None:
                chosen.append(task.mention)
            else:
                entries[reply_id(task)] = passed(refusal)
        if entries:
            await self._journal.record(agent_id, "end", entries)
        return Shortlist(tuple(chosen))

    async def _refusal(self, task: ReplyTask) -> Pass | None:
        workflow_id = reply_id(task)
        try:
            heard = await self._hearing.hear(workflow_id, task)
            return await self._replying.consider(workflow_id, task, heard)
        except RetryLater:
            raise
        except Exception:
            # It will fail in its own workflow, which says so, and keeps no other mention waiting.
            log.warning("a mention can't be considered", extra={"workflow_id": workflow_id}, exc_info=True)
            return None


def reply_id(task: ReplyTask) -> str:
    """Return the id of the workflow that answers a mention, which is the name of all that comes of the mention."""
    return f"reply/{task.agent_id}/{task.mention.network_post_id}"


def passed(decision: Pass) -> Entry:
    """Return what is logged of a decision to do nothing."""
    return Entry(ActivityKind.PASS, decision.summary, decision.reason)
