"""Two replicas of the agents service on one Postgres: what is said to one holds at the other with its next call."""

from collections.abc import Callable
from pathlib import Path

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.clients import Clients
from puppetctl.suite import SERVICES
from services.runtime.ids import new_id
from tests.e2e.lives import Lives
from tests.support.refusals import reason_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_TRADER = "life-0"
_CALL_SECONDS = 60.0


async def test_start_stop_and_halt_hold_at_every_replica_with_the_next_call(
    postgres_server: Callable[[str], str], tmp_path: Path
) -> None:
    lives = Lives(tmp_path, {name: postgres_server(name) for name in SERVICES}, replicas=2)
    async with lives.running(1), lives.clients("agents") as one, lives.clients("agents-2") as other:
        for here, there in ((one, other), (other, one)):
            await here.agents.StopAgent(pb.StopAgentRequest(id=_TRADER))
            assert await reason_of(_posted(there)) == "AGENT_INACTIVE"
            assert not (await _status(there)).schedule
            last = await _last(there)
            await here.agents.StartAgent(pb.StartAgentRequest(id=_TRADER))
            assert (await _status(there)).schedule
            assert (await _posted(there)).activity.kind != log_pb.ACTIVITY_KIND_LIFECYCLE
            assert await _last(here) != last

            halted = trading_pb.HaltTradingRequest(reason="a test", request_id=new_id("req"))
            await here.trading.HaltTrading(halted)
            for replica in (there, here):
                passed = (await _traded(replica)).activity.passed
                assert "is halted: a test" in " ".join(passed.details), passed
            await here.trading.ResumeTrading(trading_pb.ResumeTradingRequest(request_id=new_id("req")))
            assert "halted" not in (await _traded(there)).activity.summary


async def _status(clients: Clients) -> pb.GetAgentStatusResponse:
    return await clients.agents.GetAgentStatus(pb.GetAgentStatusRequest(id=_TRADER))


async def _last(clients: Clients) -> str:
    listed = await clients.agents.ListActivity(pb.ListActivityRequest(agent_ids=[_TRADER], page_size=1))
    return listed.activities[0].id


async def _posted(clients: Clients) -> pb.TriggerPostResponse:
    request = pb.TriggerPostRequest(agent_id=_TRADER, request_id=new_id("req"))
    return await clients.agents.TriggerPost(request, timeout=_CALL_SECONDS)


async def _traded(clients: Clients) -> pb.TriggerTradeResponse:
    request = pb.TriggerTradeRequest(agent_id=_TRADER, request_id=new_id("req"))
    return await clients.agents.TriggerTrade(request, timeout=_CALL_SECONDS)
