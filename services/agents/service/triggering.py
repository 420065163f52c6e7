"""Letting agents act now, once for every request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.agents.domain.entities import ActivityRecord, AgentRecord, ScheduleEntry
from services.agents.domain.errors import AgentInactive, AlreadyAnswered, NoAccount, NotReplyable, PostNotFound
from services.agents.domain.records import Drafted, Failed, Replied, Trigger
from services.agents.domain.tasks import ActionTask, Mention, PostTask, ReplyTask, TradeTask
from services.agents.ports.neighbours import Refused, ReplyScope, SocialPort
from services.agents.ports.store import Records, Store
from services.agents.ports.stored import Progress
from services.agents.ports.workflows import Waiting, Workflows
from services.agents.service.agents import living
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.inbox import REPLY
from services.agents.service.journal import Journal
from services.runtime.idempotency import RequestKey

_MAX_POSTS = 20
"""Of a conversation in which a post is looked for that mentions nobody."""


@dataclass(frozen=True, slots=True)
class Triggered:
    """A workflow that was asked for: what came of it, or, when that took too long, where it is."""

    workflow_id: str
    outcome: ActivityRecord | None
    waiting: Waiting | None


class Readiness(Protocol):
    """Knows what agents can do."""

    def check_ready(self, agent: AgentRecord, task: ActionTask) -> None:
        """Raise the WrongState of what an agent lacks for a task."""
        ...


class Triggers:
    """Begins what somebody asks for."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        readiness: Readiness,
        workflows: Workflows,
        social: SocialPort,
        capabilities: NetworkCapabilities,
    ) -> None:
        self._store = store
        self._journal = journal
        self._readiness = readiness
        self._workflows = workflows
        self._social = social
        self._capabilities = capabilities

    async def post(self, agent_id: str, topic: str, key: RequestKey, principal: str, seconds: float) -> Triggered:
        """Let an agent post now, and say what came of it within this time; `principal` is who wants it.

        Raises AgentNotFound, AgentInactive and NoAccount.
        """
        task = PostTask(agent_id, topic, True, Trigger.REQUEST, principal=principal)
        return await self._begin(f"trigger-post/{key.digest}", task, key, seconds)

    async def trade(self, agent_id: str, key: RequestKey, principal: str, seconds: float) -> Triggered:
        """Let an agent consider a trade now, and say what came of it within this time.

        Raises AgentNotFound, AgentInactive and TradingDisabled.
        """
        task = TradeTask(agent_id, Trigger.REQUEST, principal)
        return await self._begin(f"trigger-trade/{key.digest}", task, key, seconds)

    async def reply(
        self, agent_id: str, network_post_id: str, key: RequestKey, principal: str, seconds: float
    ) -> Triggered:
        """Let an agent answer a post now, once, and say what came of it within this time.

        It stands in the schedule in the transaction that takes the request: whatever dies then, it is begun. Its
        workflow is that of the planned answer, so that both are one, or the next where that has ended without an
        answer.
        Raises AgentNotFound, AgentInactive, NoAccount, PostNotFound, NotReplyable, AlreadyAnswered and
        DependencyUnavailable.
        """
        async with self._store.reading() as records:
            agent = await living(records, agent_id)
            first = await records.claimed(key)
            entries = await records.schedule(agent_id)
        if first is None:
            if not agent.is_active:
                raise AgentInactive(agent.id)
            if not agent.account_id:
                raise NoAccount(agent.id)
            planned = next((one for one in entries if (one.kind, one.key) == (REPLY, network_post_id)), None)
            known = planned.task if planned is not None and isinstance(planned.task, ReplyTask) else None
            task = known or ReplyTask(agent_id, await self._mention(agent, network_post_id))
            first = await self._plan(replace(task, trigger=Trigger.REQUEST, principal=principal), key)
        return await self._outcome(first, seconds)

    async def _plan(self, task: ReplyTask, key: RequestKey) -> str:
        """Plan an answer for now, and return the name of its workflow."""
        agent_id = task.agent_id
        async with self._store.writing() as records:
            entry_key = await _free_key(records, agent_id, task.mention.network_post_id)
            name = f"{REPLY}/{agent_id}/{entry_key}"
            if (first := await records.claim(key, name)) is not None:
                return first
            now = self._journal.now()
            entry = ScheduleEntry(agent_id=agent_id, kind=REPLY, key=entry_key, due_time=now, task=task)
            await records.unplan(entry)
            await records.plan(entry)
            await records.commit()
        return name

    async def _mention(self, agent: AgentRecord, network_post_id: str) -> Mention:
        """Return a post as it is answered: what mentions the agent, or, where the network lets it, any other."""
        scope = (await self._capabilities.of(agent.account_id)).reply_scope
        if scope is ReplyScope.NONE:
            raise NotReplyable(network_post_id, "its network lets it answer nobody", scope)
        try:
            before = str(max(0, int(network_post_id) - 1))
            mentions: Sequence[Mention] = await self._social.mentions(agent.account_id, before)
            found = next((one for one in mentions if one.network_post_id == network_post_id), None)
            if found is None and scope is ReplyScope.ALL:
                found = await self._post(agent, network_post_id)
        except Refused as refused:
            raise NotReplyable(network_post_id, refused.message, scope) from refused
        if found is None and scope is ReplyScope.MENTIONED:
            raise NotReplyable(network_post_id, "it isn't among those that mention it, and no others may be", scope)
        if found is None:
            raise PostNotFound(network_post_id)
        if agent.network_user_id and found.author_user_id == agent.network_user_id:
            raise NotReplyable(network_post_id, "it is its own", scope)
        return found

    async def _post(self, agent: AgentRecord, network_post_id: str) -> Mention | None:
        posts = await self._social.conversation(agent.account_id, network_post_id, "", _MAX_POSTS)
        found = next((post for post in posts if post.network_post_id == network_post_id), None)
        if found is None:
            return None
        # The first post of a conversation names it.
        return Mention(
            found.network_post_id, "", found.text, posts[0].network_post_id, found.create_time, found.author_user_id
        )

    async def _begin(self, workflow_id: str, task: ActionTask, key: RequestKey, seconds: float) -> Triggered:
        async with self._store.writing() as records:
            agent = await living(records, task.agent_id)
            if await records.claim(key, workflow_id) is None:
                if not agent.is_active:
                    raise AgentInactive(agent.id)
                self._readiness.check_ready(agent, task)
                await records.commit()
        # Also for a repeated call: the first one may have ended between the claim and the start.
        if await self._journal.outcome(workflow_id, 0) is None:
            await self._workflows.start(workflow_id, task)
        return await self._outcome(workflow_id, seconds)

    async def _outcome(self, workflow_id: str, seconds: float) -> Triggered:
        outcome = await self._journal.outcome(workflow_id, seconds)
        return Triggered(workflow_id, outcome, None if outcome else self._workflows.waiting(workflow_id))


async def _free_key(records: Records, agent_id: str, network_post_id: str) -> str:
    """Return the key of the answer to a post that is under way or planned, or of the next one.

    Raises AlreadyAnswered.
    """
    number = 1
    while True:
        key = network_post_id if number == 1 else f"{network_post_id}/{number}"
        name = f"{REPLY}/{agent_id}/{key}"
        events = [activity.event for activity in await records.activities_of([name])]
        if any(isinstance(event, Replied) for event in events):
            raise AlreadyAnswered(network_post_id, name, is_sure=True)
        if any(isinstance(event, Failed) and event.reason in _IN_DOUBT for event in events):
            raise AlreadyAnswered(network_post_id, name, is_sure=False)
        if all(isinstance(event, Drafted) for event in events):
            return key
        number += 1


_IN_DOUBT = (Progress.UNDER_WAY.name, Progress.UNDECIDED.name)
"""Reasons of failures after which an answer may be out."""
