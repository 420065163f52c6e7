"""Hearing: learn who is called what, and remember each mention as what it is.

Somebody is the network's user id. Who renames stays who they are, and who takes a name over is somebody else.
"""

from collections.abc import Sequence

from services.agents.domain.entities import AgentRecord
from services.agents.domain.persona import Persona
from services.agents.domain.tasks import Heard, Mention, ReplyTask
from services.agents.ports.neighbours import Account, MemoryPort, NewMemory, SocialPort, Source
from services.agents.ports.store import Records, Store
from services.agents.service.cast import Cast
from services.agents.service.journal import TURN
from services.runtime.idempotency import RequestKey

_TURN = "hearing"
_NETWORK = "x"
_NAMELESS = "a stranger"
"""What somebody is called whose handle is the name of a character of this suite."""


class Hearing:
    """Hears mentions."""

    def __init__(self, store: Store, cast: Cast, memory: MemoryPort, social: SocialPort) -> None:
        self._store = store
        self._cast = cast
        self._memory = memory
        self._social = social

    async def hear(self, workflow_id: str, task: ReplyTask) -> Heard:
        """Remember a mention: a fellow's words as AGENT, unless they may be a stranger's; all others as EXTERNAL.

        It is remembered once for every workflow.
        """
        if task.heard is not None:
            return task.heard
        mention = task.mention
        character = await self._cast.character(task.agent_id)
        user_ids = {mention.author_user_id, mention.in_reply_to_user_id}
        async with self._store.writing(_TURN) as records:
            fellows = [one for one in await records.members_of(user_ids) if one.id != task.agent_id]
            fellow = _with_user_id(fellows, mention.author_user_id)
            source = await self._source(records, workflow_id, mention, fellow, [character.record, *fellows])
            known_as = "" if fellow else await _known_as(records, character.persona, mention)
            namesakes = [] if fellow else await records.members_called({mention.author_handle})
            await records.commit()
        heard = NewMemory(
            mention.text,
            "interaction",
            source,
            author=fellow.id if fellow else f"{_NETWORK}:{mention.author_user_id or mention.author_handle}",
            source_id=mention.network_post_id,
            subject=fellow.name if fellow else _name(mention.author_handle, [character.record, *namesakes]),
            conversation_id=mention.conversation_id,
            occur_time=mention.create_time,
        )
        memory_id = await self._memory.remember(task.agent_id, heard, f"{workflow_id}/heard")
        return Heard(
            memory_id,
            heard.author,
            heard.subject,
            is_fellow=fellow is not None,
            may_echo=fellow is not None and source is Source.EXTERNAL,
            known_as=known_as,
        )

    async def _source(
        self,
        records: Records,
        workflow_id: str,
        mention: Mention,
        fellow: AgentRecord | None,
        characters: Sequence[AgentRecord],
    ) -> Source:
        """Return where a mention comes from, the same when it is asked again; EXTERNAL marks its conversation.

        A fellow that answers a stranger may be repeating the stranger, and so may everybody who comes later.
        """
        is_among_us = mention.begins_conversation or bool(_with_user_id(characters, mention.in_reply_to_user_id))
        is_ours = fellow is not None and is_among_us and not await records.is_external(mention.conversation_id)
        source = Source.AGENT if is_ours else Source.EXTERNAL
        if first := await records.claim(RequestKey("", "Hear", workflow_id, ""), source):
            return Source(first)
        if source is Source.EXTERNAL:
            await records.mark_external(mention.conversation_id, self._cast.now())
        return source

    async def learn(self, record: AgentRecord, mentions: Sequence[Mention]) -> None:
        """Take down what the characters are called: the agent by its account, and everybody whose name is heard."""
        account = await self._social.account_of(record.id)
        if not mentions and (account is None or not _take(record, account)):
            return
        heard = {said.author_user_id: said.author_handle for said in mentions if said.author_handle}
        taken = {handle.casefold() for handle in heard.values()}
        now = self._cast.now()
        async with self._store.writing(TURN) as records:
            concerned = {one.id: one for one in await records.members_of(heard)}
            concerned |= {one.id: one for one in await records.members_called(taken)}
            if (own := await records.agent(record.id)) is not None:
                concerned[own.id] = own
            for one in concerned.values():
                has_changed = one.id == record.id and account is not None and _take(one, account)
                if one.network_user_id and one.network_user_id in heard:
                    has_changed |= one.be_called(heard[one.network_user_id], now)
                elif one.network_user_id and one.handle.casefold() in taken:
                    has_changed |= one.be_called("", now)
                if has_changed:
                    await records.save(one)
            await records.commit()


def _take(agent: AgentRecord, account: Account) -> bool:
    """Take down what is news of an agent's account; False when nothing is."""
    if agent.account_id != account.id:
        return False
    is_learnt = agent.network_user_id != account.user_id
    agent.network_user_id = account.user_id
    return agent.be_called(account.handle, account.handle_time) or is_learnt


def _with_user_id(agents: Sequence[AgentRecord], user_id: str) -> AgentRecord | None:
    return next((agent for agent in agents if user_id and agent.network_user_id == user_id), None)


def _name(handle: str, characters: Sequence[AgentRecord]) -> str:
    """Return what to call a stranger: by the handle, unless a character is called so."""
    names = {name.casefold() for one in characters for name in (one.id, one.name, one.handle)}
    return _NAMELESS if handle.casefold() in names else handle


async def _known_as(records: Records, persona: Persona, mention: Mention) -> str:
    """Return the name by which a persona knows a stranger: that of whoever is first heard under it, for good."""
    user_id, known = mention.author_user_id, persona.memory.relationships
    agents = {seed.counterpart for seed in known if seed.is_agent}
    users = {seed.counterpart.casefold(): seed.counterpart for seed in known if not seed.is_agent}
    met = await records.acquaintances(persona.id)
    handle = next((name for name, owner in met.items() if owner == user_id), mention.author_handle.casefold())
    name = users.get(handle, "")
    if not (name and user_id) or name in agents or met.get(handle, user_id) != user_id:
        return ""
    if any(one.id == name for one in await records.members_called({name})):
        return ""
    if handle not in met:
        await records.meet(persona.id, handle, user_id)
    return name
