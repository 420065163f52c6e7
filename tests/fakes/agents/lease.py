"""A replica's lease, which holds until it is lost."""

import asyncio


class FakeLease:
    """Holds; once `is_lost`, nobody gets past it."""

    def __init__(self, replica_id: str = "agents/1") -> None:
        self.replica_id = replica_id
        self.is_lost = False

    async def hold(self) -> None:
        if self.is_lost:
            await asyncio.Event().wait()
