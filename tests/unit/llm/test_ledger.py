"""Money is reserved before a provider is asked, and counted after it, on both databases' terms."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.llm import bootstrap
from services.llm.adapters.sql import SqlRecords
from services.llm.domain.budget import SUITE, Account, Amount, Budget, BudgetState, Spending
from services.llm.domain.errors import BudgetExhausted, PriceUnknown
from services.llm.domain.usage import Bill, Grouping, Labels, Usage, UsageQuery, dollars, read_dollars
from services.llm.service.ledger import Asking, Ledger
from services.runtime.db import Database
from services.runtime.errors import Conflict
from services.runtime.sql import SqlStore

CENT = 10_000_000
PRICED = Amount(CENT, 100)
FREE = Amount(0, 100)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def asking(agent_id: str = "agt_a", seconds: float = 10.0) -> Asking:
    return Asking(Labels(agent_id, "post"), "one", "small", seconds)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(bootstrap.__file__).with_name("migrations"))
    yield database
    await database.close()


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(SqlStore(database, SqlRecords), 30)
    yield ledger
    await ledger.settled()


async def spending(ledger: Ledger, agent_id: str = SUITE) -> Spending:
    return (await ledger.account(agent_id))[0].spending


async def test_what_is_reserved_is_held_back_of_the_agent_and_the_suite_until_its_bill_is_counted(
    ledger: Ledger,
) -> None:
    reservation = await ledger.reserve(asking(), [PRICED])
    for scope in (SUITE, "agt_a"):
        assert (await spending(ledger, scope)).reserved_nanos == CENT
    ledger.settle(reservation, Bill(Usage(30, 10), 4_000))
    for scope in (SUITE, "agt_a"):
        spent = await spending(ledger, scope)
        assert (spent.spent_nanos, spent.spent_tokens, spent.reserved_nanos, spent.reserved_tokens) == (4_000, 40, 0, 0)


async def test_of_five_hundred_calls_at_once_no_more_are_granted_than_the_budget_holds(ledger: Ledger) -> None:
    await ledger.limit("agt_a", 100 * CENT, None)
    asked = [ledger.reserve(asking(), [PRICED]) for _ in range(500)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BudgetExhausted)]
    assert (len(answers) - len(refused), len(refused)) == (100, 400)
    assert (await spending(ledger)).reserved_nanos == 100 * CENT


async def test_the_suites_budget_holds_for_all_agents_together(ledger: Ledger) -> None:
    await ledger.limit(SUITE, 2 * CENT, None)
    for agent_id in ("agt_a", "agt_b"):
        await ledger.reserve(asking(agent_id), [PRICED])
    with pytest.raises(BudgetExhausted, match="the suite"):
        await ledger.reserve(asking("agt_c"), [PRICED])


async def test_with_little_left_the_first_smaller_amount_that_fits_is_granted(ledger: Ledger) -> None:
    await ledger.limit("agt_a", CENT, None)
    granted = await ledger.reserve(asking(), [Amount(4 * CENT, 400), Amount(2 * CENT, 200), PRICED])
    assert granted.choice == 2


async def test_what_costs_nothing_is_limited_by_tokens_alone_and_counted_at_its_end(ledger: Ledger) -> None:
    await ledger.limit("agt_a", 0, None)
    free = await ledger.reserve(asking(), [FREE])
    assert free.id == ""
    ledger.settle(free, Bill(Usage(30, 10), 0))
    assert (await spending(ledger, "agt_a")).spent_tokens == 40
    await ledger.limit("agt_a", None, 120)
    with pytest.raises(BudgetExhausted, match="tokens"):
        await ledger.reserve(asking(), [FREE])


async def test_a_model_without_a_price_is_refused_where_dollars_are_limited(ledger: Ledger) -> None:
    unpriced = Amount(None, 100)
    assert (await ledger.reserve(asking(), [unpriced])).id == ""
    await ledger.limit("agt_a", CENT, None)
    with pytest.raises(PriceUnknown, match="PUPPET_LLM_ONE_USD_PER_MILLION"):
        await ledger.reserve(asking(), [unpriced])


async def test_of_the_dead_what_was_sent_counts_in_full_and_what_was_not_is_given_back(database: Database) -> None:
    store = SqlStore(database, SqlRecords)
    killed = Ledger(store, 0)
    await killed.reserve(asking(seconds=0), [PRICED])
    sent = await killed.reserve(asking(seconds=0), [PRICED])
    await killed.sent(sent)
    ledger = Ledger(store, 0)
    await ledger.release_lapsed()
    spent = await spending(ledger)
    assert (spent.reserved_nanos, spent.spent_nanos) == (0, CENT)
    # It was slow, not dead: its bill takes the place of the estimate.
    killed.settle(sent, Bill(Usage(30, 10), 4_000))
    assert (await spending(killed)).spent_nanos == 4_000


async def test_what_goes_out_at_once_is_sent_from_its_beginning_and_counts_in_full_when_it_dies(
    database: Database,
) -> None:
    ledger = Ledger(SqlStore(database, SqlRecords), 0)
    await ledger.reserve(asking(seconds=0), [PRICED], is_sent=True)
    await ledger.release_lapsed()
    spent = await spending(ledger)
    assert (spent.reserved_nanos, spent.spent_nanos) == (0, CENT)


async def test_what_lives_keeps_its_reservation(ledger: Ledger) -> None:
    await ledger.reserve(asking(), [PRICED])
    await ledger.release_lapsed()
    assert (await spending(ledger)).reserved_nanos == CENT


async def test_a_caller_that_goes_away_while_it_reserves_leaves_nothing_reserved(ledger: Ledger) -> None:
    first, second = (asyncio.create_task(ledger.reserve(asking(), [PRICED])) for _ in range(2))
    # The second joins a later group than the first, and so is still waiting when that is answered.
    await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    for call in (first, second):
        call.cancel()
    held = [call for call in (first, second) if not (await asyncio.wait([call]))[0].pop().cancelled()]
    await ledger.reserve(asking(), [PRICED])
    assert (await spending(ledger)).reserved_nanos == (len(held) + 1) * CENT


async def test_usage_is_told_apart_by_what_is_asked_for(ledger: Ledger) -> None:
    for agent_id, nanos in (("agt_a", 5), ("agt_a", 6), ("agt_b", 100)):
        reservation = await ledger.reserve(asking(agent_id), [PRICED])
        ledger.settle(reservation, Bill(Usage(3, 1), nanos, "" if nanos != 6 else "PROVIDER_UNAVAILABLE"))
    await ledger.settled()
    today = (await ledger.today()).date()
    query = UsageQuery("", today, today, [Grouping.AGENT, Grouping.MODEL, Grouping.PURPOSE])
    first, second = await ledger.usage(query, 10)
    assert (first.agent_id, first.cost_nanos) == ("agt_b", 100)
    assert (second.agent_id, second.cost_nanos, second.attempts, second.failed) == ("agt_a", 11, 2, 1)
    assert (second.provider, second.model, second.purpose, second.usage) == ("one", "small", "post", Usage(6, 2))
    [total] = await ledger.usage(replace(query, group_by=[]), 10)
    assert total.cost_nanos == 111
    before = today - timedelta(days=1)
    assert await ledger.usage(replace(query, first_day=before, last_day=before), 10) == []


async def test_limits_that_somebody_changed_meanwhile_are_not_overwritten(ledger: Ledger) -> None:
    await ledger.limit("agt_a", CENT, None)
    etag = (await ledger.account("agt_a"))[0].budget.etag
    await ledger.limit("agt_a", CENT, 5, etag)
    with pytest.raises(Conflict):
        await ledger.limit("agt_a", 2 * CENT, None, etag)


async def test_the_settings_budget_holds_until_an_operator_sets_another(ledger: Ledger) -> None:
    await ledger.limit_at_first(CENT)
    await ledger.limit(SUITE, None, None)
    await ledger.limit_at_first(CENT)
    assert (await ledger.account(SUITE))[0].budget.nanos_per_day is None


def test_who_is_refused_comes_back_when_the_day_turns_or_soon_when_others_only_hold_it() -> None:
    budget = Budget(agent_id="agt_a", nanos_per_day=CENT)
    spent = Spending(agent_id="agt_a", day=date(2026, 11, 30), spent_nanos=CENT)
    with pytest.raises(BudgetExhausted) as caught:
        Account(budget, spent).check(PRICED, NOON)
    assert caught.value.retry_after == 12 * 3600
    held = Spending(agent_id="agt_a", day=date(2026, 11, 30), reserved_nanos=1)
    with pytest.raises(BudgetExhausted) as caught:
        Account(budget, held).check(PRICED, NOON)
    assert caught.value.retry_after == 1


@pytest.mark.parametrize(
    ("spent", "state"), [(79, BudgetState.FINE), (80, BudgetState.LOW), (99, BudgetState.LOW), (100, BudgetState.OUT)]
)
def test_a_budget_is_low_from_four_fifths_on(spent: int, state: BudgetState) -> None:
    budget = Budget(agent_id="agt_a", tokens_per_day=100)
    assert Account(budget, Spending(agent_id="agt_a", day=NOON.date(), spent_tokens=spent)).state is state


@pytest.mark.parametrize(("nanos", "text"), [(0, "0"), (1, "0.000000001"), (CENT, "0.01"), (12 * 10**9, "12")])
def test_money_is_a_decimal_string_and_back(nanos: int, text: str) -> None:
    assert dollars(nanos) == text
    assert read_dollars(text) == nanos


@pytest.mark.parametrize("text", ["-1", "1e3", "1.", ".5", "0.0000000001", "\u0661", "NaN", "1,5"])
def test_what_is_no_amount_of_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        read_dollars(text)


async def test_what_is_free_is_counted_with_others_and_at_once_for_who_asks(ledger: Ledger) -> None:
    for _ in range(50):
        ledger.settle(await ledger.reserve(asking(), [FREE]), Bill(Usage(3, 1), 0))
    assert (await spending(ledger)).spent_tokens == 200
