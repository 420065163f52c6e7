"""What an agent does of an event that reaches it: hear of news and remember them, or feel something."""

import random

from services.agents.domain.events import News
from services.agents.domain.mood import MoodChange, feel
from services.agents.domain.occasions import Occasion
from services.agents.domain.records import Grounds, Noticed, Trigger
from services.agents.domain.tasks import ActionTask, NoticeTask, PostTask, RemarkTask
from services.agents.ports.neighbours import MemoryPort, NewMemory, Source
from services.agents.service.cast import Cast
from services.agents.service.journal import Entry, Journal

_MAX_SUBJECT = 200


class Noticing:
    """Lets agents notice events."""

    def __init__(self, cast: Cast, memory: MemoryPort, journal: Journal) -> None:
        self._cast = cast
        self._memory = memory
        self._journal = journal

    async def notice(self, name: str, task: NoticeTask) -> ActionTask | None:
        """Remember and log what reaches an agent, once for every name, and return what it does about it, if anything.

        A stopped agent notices nothing.
        """
        character = await self._cast.character(task.agent_id)
        if not character.record.is_active:
            return None
        if task.news is not None:
            await self._memory.remember(task.agent_id, _memory(task.event_id, task.news), f"{name}/memory")
        change = (task.mood.change if task.mood else None) or (task.news.mood if task.news else None)
        moods: tuple[MoodChange, ...] = (change,) if change is not None else ()
        before = character.mood
        after = feel(before, change) if change is not None else before
        noticed = Noticed(
            task.event_id,
            task.news.text if task.news else task.mood.cause if task.mood else "",
            is_external=task.news is not None and task.news.is_external,
            link=task.news.link if task.news else "",
            mood_before=before.label,
            mood_after=after.label,
            is_news=task.news is not None,
        )
        grounds = Grounds(occasion=Occasion(event_id=task.event_id))
        entry = Entry(noticed, grounds, trigger=Trigger.EVENT, moods=moods)
        await self._journal.record(task.agent_id, "notice", {name: entry})
        return _reaction(name, task, has_account=bool(character.record.account_id))


def _memory(event_id: str, news: News) -> NewMemory:
    """Return news as they are remembered: the operator's as what the character knows, all others as EXTERNAL."""
    source = Source.EXTERNAL if news.is_external else Source.lowest(Source.SELF, Source.OPERATOR)
    author = f"event:{news.feed_event_id or event_id}" if news.is_external else ""
    return NewMemory(news.text, "event", source, author=author, source_id=event_id, subject=news.text[:_MAX_SUBJECT])


def _reaction(name: str, task: NoticeTask, *, has_account: bool) -> ActionTask | None:
    """Return the post that news start: a topic of the agent's own, or a remark on what strangers say."""
    news = task.news
    if news is None or not has_account or random.Random(f"{name}/post").random() >= news.post_probability:
        return None
    if news.is_external:
        return RemarkTask(task.agent_id, task.event_id, news)
    return PostTask(task.agent_id, news.text, trigger=Trigger.EVENT, event_id=task.event_id)
