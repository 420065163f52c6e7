"""What was said before a mention: read from the network for models that are shown it, since networks bill each post."""

from collections import OrderedDict
from collections.abc import Sequence

from services.agents.domain import text as texts
from services.agents.domain.conversation import Conversation, Turn
from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.prompts import MAX_INPUT
from services.agents.domain.tasks import Heard, Mention
from services.agents.ports.neighbours import Refused, SocialPort, SocialPost
from services.agents.ports.store import Store
from services.agents.service.cast import Cast, Character
from services.agents.service.models import Models

_MAX_KEPT = 64
_MAX_SEARCHED = 20
"""So many posts of a conversation the social service returns at most."""


class Conversations:
    """Reads conversations; what was read for a workflow isn't read again when its step is repeated."""

    def __init__(self, store: Store, cast: Cast, social: SocialPort, models: Models, limit: int) -> None:
        """Take how many posts of a conversation are read; none are when it is 0."""
        self._store = store
        self._cast = cast
        self._social = social
        self._models = models
        self._limit = limit
        self._kept: OrderedDict[str, Conversation] = OrderedDict()

    async def before(self, workflow_id: str, character: Character, mention: Mention, heard: Heard) -> Conversation:
        """Return what was said before a mention; nothing where the model that writes isn't shown it.

        A reply doesn't depend on it: what the network refuses is left out, and said to be. Raises DependencyUnavailable
        when the llm service doesn't answer.
        """
        if not self._limit or mention.begins_conversation or not await self._models.shows_background(character):
            return Conversation()
        if workflow_id not in self._kept:
            self._kept[workflow_id] = await self._read(character.record, mention, heard)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return self._kept[workflow_id]

    async def may_be_answered(self, agent: AgentRecord, mention: Mention) -> bool:
        """Tell whether an agent may have answered a mention where it lived before it was imported.

        Only the network knows; what it doesn't show may be. Raises DependencyUnavailable.
        """
        if agent.import_time is None or mention.create_time > agent.import_time:
            return False
        try:
            posts = await self._social.conversation(
                agent.account_id, mention.network_post_id, mention.conversation_id, _MAX_SEARCHED
            )
        except Refused:
            return True
        is_whole = len(posts) < _MAX_SEARCHED and bool(agent.network_user_id)
        return not is_whole or any(
            post.author_user_id == agent.network_user_id and post.in_reply_to == mention.network_post_id
            for post in posts
        )

    async def _read(self, agent: AgentRecord, mention: Mention, heard: Heard) -> Conversation:
        asked = mention.network_post_id, mention.conversation_id, self._limit
        try:
            posts = await self._social.conversation(agent.account_id, *asked)
        except (DependencyUnavailable, Refused) as error:
            return Conversation(unread=error.message)
        before = [
            post
            for post in posts
            if post.network_post_id != mention.network_post_id and post.create_time <= mention.create_time
        ]
        fellows = await self._cast.fellows_of(agent.id, {post.author_user_id for post in before})
        # Whom nobody knows is a stranger, also to a character that doesn't know its own id yet.
        own = {agent.network_user_id} - {""}
        is_external = any(post.author_user_id not in fellows.keys() | own for post in before)
        if is_external:
            async with self._store.writing() as records:
                await records.mark_external(mention.conversation_id, self._cast.now())
                await records.commit()
        names = _names(before, agent, fellows, mention, heard)
        turns = (
            Turn(names[post.author_user_id], _shown(post.text), is_own=post.author_user_id in own) for post in before
        )
        return Conversation(tuple(turns), is_external)


def _shown(text: str) -> str:
    """Return as much of a post as a model is shown."""
    return texts.line(texts.spoken(text), MAX_INPUT)


def _names(
    posts: Sequence[SocialPost],
    agent: AgentRecord,
    fellows: dict[str, AgentRecord],
    mention: Mention,
    heard: Heard,
) -> dict[str, str]:
    """Return what a model is told of who speaks, by user id; what strangers call themselves is their own text."""
    names = {user_id: fellow.name for user_id, fellow in fellows.items()}
    if mention.author_user_id and not heard.is_fellow:
        names[mention.author_user_id] = "the one who writes to you now"
    if agent.network_user_id:
        names[agent.network_user_id] = "you"
    others = dict.fromkeys(post.author_user_id for post in posts if post.author_user_id not in names)
    return names | {user_id: f"somebody else {number}" for number, user_id in enumerate(others, 1)}
