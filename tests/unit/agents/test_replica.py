"""A replica's lease, on leases in memory and a clock that stands still."""

import asyncio
from collections.abc import Collection

from services.agents.service.replica import LEASE_SECONDS, RENEW_SECONDS, Replica


class Leases:
    """The table of leases, as this replica finds it."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.renewals = 0
        self.is_ours = True
        self.is_away = False
        self.looks = 0
        self.over: list[str] = []
        self.there: list[str] = []
        self.listed: set[str] = set()

    async def open(self, replica_id: str, seconds: float) -> None:
        assert seconds == LEASE_SECONDS
        self.opened.append(replica_id)

    async def renew(self, replica_id: str, seconds: float) -> bool:
        assert (replica_id, seconds) == (self.opened[0], LEASE_SECONDS)
        if self.is_away:
            raise OSError("no connection")
        self.renewals += 1
        return self.is_ours

    async def named(self, prefix: str) -> list[str]:
        return [one for one in [*self.there, *self.opened] if one.startswith(prefix)]

    async def end(self, replica_ids: Collection[str]) -> None:
        self.over += replica_ids

    async def end_lapsed(self, replica_id: str) -> None:
        assert replica_id == self.opened[0]
        self.looks += 1

    async def ended(self) -> list[str]:
        return self.over

    async def forget(self, replica_ids: Collection[str]) -> None:
        self.over = [one for one in self.over if one not in replica_ids]

    async def known(self, executor_ids: Collection[str]) -> set[str]:
        return self.listed & set(executor_ids)


class Orphans:
    """Workflows of others."""

    def __init__(self, *executors: str) -> None:
        self.left = set(executors)
        self.adopted: list[str] = []

    async def executors(self) -> set[str]:
        return self.left

    async def adopt(self, executor_ids: Collection[str]) -> None:
        self.adopted += sorted(executor_ids)


class House:
    """A replica and what surrounds it."""

    def __init__(self, *, is_alone: bool = False) -> None:
        self.leases = Leases()
        self.time = 1000.0
        self.losses = 0
        self.replica = Replica(
            self.leases, "agents-0", is_alone=is_alone, on_lost=self._lose, elapsed=lambda: self.time
        )

    def _lose(self) -> None:
        self.losses += 1


async def test_while_the_lease_lasts_nobody_asks_the_database() -> None:
    house = House()
    async with house.replica.joined(_is_present):
        house.time += LEASE_SECONDS - 0.001
        await house.replica.hold()
        assert house.leases.renewals == 0


async def test_who_comes_back_after_its_end_asks_first_and_goes_on_when_nobody_has_taken_its_work() -> None:
    house = House()
    async with house.replica.joined(_is_present):
        house.time += LEASE_SECONDS
        await house.replica.hold()
        assert house.leases.renewals == 1


async def test_who_comes_back_and_was_taken_for_dead_stands_still_and_ends_its_process_once() -> None:
    house = House()
    async with house.replica.joined(_is_present):
        house.time += LEASE_SECONDS
        house.leases.is_ours = False
        held = [asyncio.ensure_future(house.replica.hold()) for _ in range(3)]
        await house.replica.renew()
        assert not any(one.done() for one in held)
        assert house.losses == 1
        for one in held:
            one.cancel()


async def test_while_the_database_is_away_nothing_is_done_past_the_end_of_the_lease() -> None:
    house = House()
    async with house.replica.joined(_is_present):
        house.time += LEASE_SECONDS
        house.leases.is_away = True
        held = asyncio.ensure_future(house.replica.hold())
        await asyncio.sleep(0)
        assert not held.done()
        held.cancel()


async def test_a_new_one_looks_for_the_dead_once_it_has_been_there_for_a_while() -> None:
    house, orphans = House(), Orphans()
    async with house.replica.joined(_is_present):
        for looks in (0, 0, 1, 2):
            await house.replica.renew()
            await house.replica.adopt(orphans)
            assert house.leases.looks == looks
            house.time += RENEW_SECONDS


async def test_one_that_was_away_gives_the_others_time_to_renew_theirs() -> None:
    house, orphans = House(), Orphans()
    async with house.replica.joined(_is_present):
        house.time += LEASE_SECONDS
        await house.replica.adopt(orphans)
        await house.replica.renew()
        await house.replica.adopt(orphans)
        assert house.leases.looks == 0


async def test_what_has_ended_is_adopted_and_then_forgotten() -> None:
    house, orphans = House(), Orphans()
    async with house.replica.joined(_is_present):
        house.leases.over = ["agents-1/x", house.replica.replica_id]
        await house.replica.adopt(orphans)
        assert orphans.adopted == ["agents-1/x"]
        assert house.leases.over == [house.replica.replica_id]


async def test_strays_are_those_whom_nobody_knows() -> None:
    house, orphans = House(), Orphans("agents-1", "agents-2/x", "agents-3/x")
    house.leases.listed = {"agents-2/x"}
    async with house.replica.joined(_is_present):
        await house.replica.adopt_strays(orphans)
    assert orphans.adopted == ["agents-1", "agents-3/x"]


async def test_those_of_its_name_that_are_not_present_end_at_once_and_on_sqlite_all_others() -> None:
    there = ["agents-0/gone", "agents-0/present", "agents-00/gone"]
    house, alone = House(), House(is_alone=True)
    house.leases.there = alone.leases.there = there
    async with house.replica.joined(_is_present):
        assert house.leases.over == ["agents-0/gone"]
    assert house.leases.over == ["agents-0/gone", house.replica.replica_id]
    async with alone.replica.joined(lambda _replica_id: False):
        assert alone.leases.over == there
        alone.time += 10 * LEASE_SECONDS
        await alone.replica.hold()
        await alone.replica.renew()
        assert alone.leases.renewals == 0


def _is_present(replica_id: str) -> bool:
    return not replica_id.endswith("/gone")


async def test_no_two_lives_have_the_same_id() -> None:
    assert House().replica.replica_id != House().replica.replica_id
