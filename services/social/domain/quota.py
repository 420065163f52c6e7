"""How many posts an account may make a day, and how many of them may be replies."""

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.social.domain.accounts import Account

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many posts in 24 hours, 0 when that isn't known, of which a share is for posts that answer nobody."""

    posts_a_day: int = 0
    reserved_share: Decimal = Decimal("0.5")

    def replies_a_day(self, account: Account) -> int | None:
        """Return how many of an account's posts in 24 hours may be replies; None when no limit is known.

        What the network tells counts as well as what was set: the smaller one holds.
        """
        known = [posts for posts in (self.posts_a_day, account.posts_a_day) if posts]
        return math.floor(min(known) * (1 - self.reserved_share)) if known else None
