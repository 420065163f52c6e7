"""Replies to strangers wait for one another, agent by agent."""

import asyncio

from services.agents.service.allowance import Turns
from tests.support.waits import WAIT_SECONDS


async def test_nobodys_crowd_is_before_another_agents_first() -> None:
    turns, order = Turns(1), list[str]()

    async def answer(agent_id: str) -> None:
        async with turns.of(agent_id):
            order.append(agent_id)
            await asyncio.sleep(0)

    async with turns.of("wren"):
        waiting = [
            asyncio.create_task(answer(agent_id)) for agent_id in ("wren", "wren", "wren", "otto", "moss", "otto")
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["wren", "otto", "moss", "wren", "otto", "wren"]


async def test_a_turn_is_passed_on_when_whoever_waits_for_it_gives_up() -> None:
    turns = Turns(1)

    async def wait() -> None:
        async with turns.of("wren"):
            await asyncio.Event().wait()

    async with turns.of("wren"):
        gone, also_gone = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
    # It has been given the turn by now, and hasn't begun.
    also_gone.cancel()
    await asyncio.gather(gone, also_gone, return_exceptions=True)
    async with asyncio.timeout(WAIT_SECONDS), turns.of("otto"):
        pass
