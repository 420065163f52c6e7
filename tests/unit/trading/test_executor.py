"""How claimed trades come to their end, whatever happens on the way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from services.trading.domain.errors import AccessRefused, ChainUnavailable, NoRoute
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL
from services.trading.domain.portfolio import Realisation
from services.trading.domain.trade import Outcome, Trade, TradeState
from services.trading.domain.wallet import Usage
from services.trading.wire import write_trade
from tests.fakes.trading import FEE
from tests.support.waits import WAIT_SECONDS
from tests.unit.trading.conftest import AMOUNT, PAIR, House


async def stored(house: House, is_true: Callable[[Trade], bool]) -> Trade:
    """Wait until the only stored trade is as it should be."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            [*trades] = house.store.tables.trades.values()
            if trades and is_true(trades[0]):
                return trades[0]
            await asyncio.sleep(0)


async def test_a_trade_settles_with_what_the_chain_says(house: House) -> None:
    trade = await house.swap()
    assert trade.state == TradeState.SETTLED
    assert (trade.input_amount, trade.output_amount, trade.fee_lamports) == (AMOUNT, 2 * AMOUNT, FEE)
    assert trade.finish_time == house.clock.now()
    assert len(house.world.sent) == 1
    assert house.world.asked.count("order") == 1, "the order of the claim is the one that is signed"


async def test_the_bytes_are_stored_before_they_are_sent(house: House) -> None:
    house.world.errors["execute"] = [RuntimeError("killed")]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await house.swap()
    [trade] = house.store.tables.trades.values()
    assert (trade.state, house.world.sent) == (TradeState.SIGNED, [])
    assert trade.transaction
    assert trade.last_valid_block_height == 1_150
    await house.restart()
    await house.executor.resume()
    ended = await house.executor.wait(trade.id, 5)
    assert (ended.state, ended.signature) == (TradeState.SETTLED, trade.signature)
    assert house.world.sent == [trade.transaction]


async def test_after_a_restart_a_claim_without_signature_gets_a_new_order(house: House) -> None:
    house.world.errors["prepare"] = [RuntimeError("killed")]
    trade = await house.swap(timeout_seconds=0.05)
    assert trade.state == TradeState.CLAIMED
    await house.restart()
    await house.executor.resume()
    assert (await house.executor.wait(trade.id, 5)).state == TradeState.SETTLED
    assert house.world.asked.count("order") == 2


async def test_a_claim_that_is_too_old_is_failed_unsigned(house: House) -> None:
    house.world.errors["prepare"] = [RuntimeError("killed")]
    trade = await house.swap(timeout_seconds=0.05)
    house.clock.advance(minutes=3)
    await house.restart()
    await house.executor.resume()
    trade = await house.executor.wait(trade.id, 5)
    assert (trade.state, trade.state_reason) == (TradeState.FAILED, "it was not signed in time")
    assert not house.world.sent


async def test_an_order_that_ran_out_while_it_was_looked_at_is_asked_for_again(house: House) -> None:
    house.world.blocks_to_prepare = [150]
    assert (await house.swap()).state == TradeState.SETTLED
    assert house.world.asked.count("order") == 2
    assert len(house.world.sent) == 1


@pytest.mark.parametrize("blocks", [-151, 451])
async def test_an_order_that_says_to_be_valid_when_none_is_is_not_signed(house: House, blocks: int) -> None:
    house.world.blocks_to_prepare = [blocks]
    trade = await house.swap()
    assert (trade.state, trade.state_reason) == (
        TradeState.FAILED,
        "the order was not signed: it is valid until the block height 1150",
    )


async def test_a_price_that_ran_away_is_not_signed(house: House) -> None:
    house.world.output_rate = 1
    trade = await house.swap()
    assert trade.state == TradeState.FAILED
    assert "on its trial run it gave" in trade.state_reason
    assert not house.world.sent


async def test_a_route_that_is_gone_after_the_claim_fails_the_trade(house: House) -> None:
    house.world.errors["prepare"] = [ChainUnavailable("down", 0.0)]
    house.world.errors["order"] = []
    trading = asyncio.create_task(house.swap())
    await stored(house, lambda trade: trade.state == TradeState.CLAIMED)
    house.world.errors["order"] = [NoRoute("gone")]
    trade = await trading
    assert (trade.state, trade.state_reason) == (TradeState.FAILED, "gone")


async def test_what_the_aggregator_refuses_goes_to_the_node(house: House) -> None:
    house.world.executes = False
    assert (await house.swap()).state == TradeState.SETTLED
    assert house.world.asked.count("send") == 1


async def test_an_unseen_trade_is_sent_again_with_the_same_bytes_and_called_unknown(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    await stored(house, lambda trade: len(house.world.sent) >= 3)
    house.clock.advance(seconds=16)
    trade = await trading
    assert trade.state == TradeState.OUTCOME_UNKNOWN
    assert "no confirmation within 15 s" in trade.state_reason
    assert len(set(house.world.sent)) == 1
    house.world.lands = True
    assert (await stored(house, lambda trade: trade.is_final)).state == TradeState.SETTLED


async def test_a_trade_fails_only_when_its_blockhash_is_dead_for_good(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    await stored(house, lambda trade: len(house.world.sent) >= 2)
    house.world.height = 1_150
    asked = len(house.world.asked)
    trade = await stored(house, lambda trade: len(house.world.asked) > asked + 10)
    assert trade.state == TradeState.SIGNED, "at its last valid height it may still land"
    house.world.height = 1_151
    trade = await trading
    assert trade.state == TradeState.FAILED
    assert "expired" in trade.state_reason


async def test_what_a_node_that_is_behind_does_not_see_is_not_called_expired(house: House) -> None:
    house.world.behind = 1
    trading = asyncio.create_task(house.swap())
    await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.height = 1_300
    asked = len(house.world.asked)
    trade = await stored(house, lambda trade: len(house.world.asked) > asked + 10)
    assert trade.state == TradeState.SIGNED
    house.world.behind = 0
    assert (await trading).state == TradeState.SETTLED


async def test_a_transaction_that_is_found_after_all_has_not_expired(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    # A node that knows blocks, and not the status of what is in them.
    house.world.forgets = True
    house.world.landed[trade.signature] = Outcome(7, "", FEE, {SOL: -AMOUNT - FEE, "mint1": 2 * AMOUNT})
    house.world.height = 1_300
    assert (await trading).state == TradeState.SETTLED


@pytest.mark.parametrize(
    ("gains", "wrong"),
    [
        ({SOL: -AMOUNT - FEE - 1, "mint1": 2 * AMOUNT}, f"it took {AMOUNT + FEE + 1} of {SOL}"),
        ({SOL: -AMOUNT - FEE, "mint1": AMOUNT}, f"it gave {AMOUNT} of mint1"),
        ({SOL: -AMOUNT - FEE, "mint1": 2 * AMOUNT, "mint2": -1}, "it took 1 of mint2"),
    ],
)
async def test_a_wallet_that_lost_what_nobody_signed_for_is_halted(
    house: House, gains: dict[str, int], wrong: str
) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.landed[trade.signature] = Outcome(7, "", FEE, gains)
    assert (await trading).state == TradeState.SETTLED
    halt = house.store.tables.halts[trade.wallet_id]
    assert wrong in halt.reason
    assert trade.id in halt.reason


async def test_no_two_trades_have_one_transaction(house: House) -> None:
    first = await house.swap()
    house.world.repeats = first.transaction
    second = await house.swap("req_2")
    assert (second.state, second.signature) == (TradeState.FAILED, "")
    assert "the transaction of an earlier trade" in second.state_reason


async def test_a_better_offer_at_the_signature_raises_what_must_come_out(house: House) -> None:
    house.world.errors["prepare"] = [RuntimeError("killed")]
    trade = await house.swap(timeout_seconds=0.05)
    house.world.quoted_rate = house.world.output_rate = 4
    await house.restart()
    await house.executor.resume()
    ended = await house.executor.wait(trade.id, 5)
    assert house.world.terms[-1].least_output == ended.min_output_amount == 4 * AMOUNT * 97 // 100


async def test_what_no_guard_holds_counts_against_the_limits(house: House) -> None:
    house.world.exposed = LAMPORTS_PER_SOL
    trade = await house.swap()
    assert (trade.state, trade.state_cause, trade.signature) == (TradeState.FAILED, "POLICY_VIOLATION", "")
    assert not house.world.sent


async def test_a_node_is_told_how_far_it_must_have_come(house: House) -> None:
    await house.swap()
    house.world.height = 1_010
    await house.swap("req_2")
    await house.swap("req_3")
    assert [terms.since_slot for terms in house.world.terms] == [0, 1_000, 1_010]


async def test_what_failed_on_the_chain_counts_as_a_trade_with_its_fee(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.landed[trade.signature] = Outcome(7, "Custom(1)", FEE, {SOL: -FEE})
    await trading
    async with house.store.reading() as records:
        usage = await records.usage(trade.wallet_id, house.clock.now() - timedelta(hours=1))
    assert usage == Usage(1, FEE, 0, trade.create_time)


async def test_an_error_on_the_chain_fails_the_trade_and_notes_its_fee(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.landed[trade.signature] = Outcome(7, "Custom(1)", FEE, {})
    trade = await trading
    assert (trade.state, trade.fee_lamports, trade.output_amount) == (TradeState.FAILED, FEE, 0)
    assert trade.state_reason == "the transaction failed on the chain: Custom(1)"


@pytest.mark.parametrize("error", ["", "SomethingNew"])
async def test_a_wallet_is_not_blocked_by_a_trade_that_landed_and_cannot_be_read(house: House, error: str) -> None:
    house.world.lands, house.world.unreadable = False, ChainUnavailable("unreadable", 0.0)
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.landed[trade.signature] = Outcome(7, error, FEE, {})
    asked = len(house.world.asked)
    await stored(house, lambda trade: len(house.world.asked) > asked + 10)
    house.clock.advance(minutes=9)
    trade = await trading
    assert trade.state == TradeState.OUTCOME_UNKNOWN
    house.clock.advance(minutes=2)
    trade = await stored(house, lambda trade: trade.is_final)
    if error:
        assert (trade.state, trade.slot, trade.output_amount) == (TradeState.FAILED, 7, 0)
        assert trade.state_reason == "the transaction failed on the chain: SomethingNew"
    else:
        least = trade.min_output_amount
        assert (trade.state, trade.slot, trade.output_amount) == (TradeState.SETTLED, 7, least)
        assert "signed for" in trade.state_reason
    house.world.lands, house.world.unreadable = True, None
    assert (await house.swap("req_2")).state == TradeState.SETTLED


async def test_a_node_that_refuses_the_service_delays_what_is_signed_and_ends_what_is_not(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.world.errors["sighting"] = [AccessRefused("who are you?")]
    assert (await stored(house, lambda trade: not house.world.errors["sighting"])).state == TradeState.SIGNED
    await house.restart()
    house.world.lands = True
    await house.executor.resume()
    assert (await stored(house, lambda found: found.is_final)).signature == trade.signature
    trading.cancel()
    house.world.errors["prepare"] = [AccessRefused("who are you?")]
    trade = await house.swap("req_2")
    assert (trade.state, trade.state_cause) == (TradeState.FAILED, "CHAIN_ACCESS_REFUSED")


async def test_a_second_replica_keeps_the_first_ones_signature(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap())
    trade = await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    other = House(house.clock, house.store, house.world, house.vault)
    # As if it had read the trade before the first one signed it.
    await other.executor._sign(trade.model_copy(update={"state": TradeState.CLAIMED}))
    [now] = house.store.tables.trades.values()
    assert now.signature == trade.signature
    house.world.lands = True
    assert (await trading).signature == trade.signature
    await other.executor.close()


async def test_a_draining_service_answers_with_the_present_state(house: House) -> None:
    house.world.lands = False
    trading = asyncio.create_task(house.swap(timeout_seconds=60))
    await stored(house, lambda trade: trade.state == TradeState.SIGNED)
    house.draining.set()
    assert (await trading).state == TradeState.SIGNED


async def test_a_trade_that_costs_more_than_it_gives_can_still_be_told(house: House) -> None:
    trade = await house.swap()
    trade.input_mint, trade.output_mint, trade.min_output_amount = trade.output_mint, SOL, 1
    trade.conclude(Outcome(7, "", FEE, {trade.input_mint: -AMOUNT, SOL: -2 * FEE}), house.clock.now())
    assert (trade.state, write_trade(trade, Realisation()).output_amount) == (TradeState.SETTLED, 0)


async def test_the_offer_of_a_trade_that_another_replica_signed_is_not_kept(house: House) -> None:
    await house.swap()
    offer = await house.offers.take(PAIR, "address1", 0)
    house.executor.wake("wal_1", {"trd_of_another": offer})
    house.executor._taken["trd_of_another"] = (float("-inf"), offer)
    house.executor.wake("wal_1", {"trd_new": offer})
    assert set(house.executor._taken) == {"trd_new"}
