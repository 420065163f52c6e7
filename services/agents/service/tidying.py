"""Removing what agents have counted, marked, reserved, logged and been asked for, once it is of no use any more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.agents.domain.webhooks import KEPT as MESSAGES_KEPT
from services.agents.ports.store import Records, Store
from services.agents.service.allowance import calls_of, replies_of
from services.agents.service.cast import Cast
from services.agents.service.reserving import RESERVED
from services.runtime.tidying import in_batches

_MARGIN = timedelta(days=1)


class Tidying:
    """Forgets."""

    def __init__(
        self, store: Store, cast: Cast, kept: timedelta, mention_age: timedelta, activities_kept: timedelta | None
    ) -> None:
        """Take how long requests are remembered, how old a mention may be to be answered, and how far the log goes.

        What is known of a conversation is kept as long as a request, and longer than a mention in it may still be
        answered. So is what is logged, which stays for ever where that is None.
        """
        self._store = store
        self._cast = cast
        self._kept = kept
        self._talk = max(kept, mention_age + _MARGIN)
        # A repeated request, and a mention that is read again, are answered by what is logged of them.
        self._logged = activities_kept and max(activities_kept, self._talk)

    async def tidy(self) -> None:
        """Forget what is old enough; the counts of today stay, however long a day of the characters is."""
        now, day = self._cast.now(), self._cast.day()
        today = [scope(number) for scope in (replies_of, calls_of) for number in (day - 1, day, day + 1)]
        steps: list[Callable[[Records, int], Awaitable[int]]] = [
            lambda records, limit: records.forget_counts(now - self._talk, today, limit),
            lambda records, limit: records.forget_external(now - self._talk, limit),
            lambda records, limit: records.forget_all_reservations(now - RESERVED, limit),
            lambda records, limit: records.forget_requests(now - self._kept, limit),
            lambda records, limit: records.forget_events(now - self._talk, limit),
            lambda records, limit: records.forget_items(now - self._talk, limit),
            lambda records, limit: records.forget_messages(now - MESSAGES_KEPT, limit),
        ]
        if self._logged is not None:
            oldest = now - self._logged
            steps.append(lambda records, limit: records.forget_activities(oldest, limit))
            steps.append(lambda records, limit: records.forget_moods(oldest, limit))
            # After the activities that name them; what waits as a draft is logged when it is proposed.
            steps.append(lambda records, limit: records.forget_prompts(oldest, limit))
        for step in steps:
            await in_batches(lambda limit, step=step: self._some(step, limit))  # type: ignore[misc]

    async def _some(self, step: Callable[[Records, int], Awaitable[int]], limit: int) -> int:
        async with self._store.writing() as records:
            number = await step(records, limit)
            await records.commit()
        return number
