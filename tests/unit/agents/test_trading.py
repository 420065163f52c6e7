"""Decisions to trade: from data, within limits, and never by chance."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agents.domain.memories import TrustedMemory, TrustedProvenance
from services.agents.domain.mood import Mood, OwnEvent, TradingMood
from services.agents.domain.persona import Persona, read_persona
from services.agents.domain.trading import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Allowance,
    Buy,
    Hold,
    Holding,
    MarketView,
    Portfolio,
    Sell,
    TokenView,
    decide,
    expected_output,
    least_output,
)
from services.agents.domain.trading.appraisal import appetite, emphasised
from services.agents.domain.trading.model import sol

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
SOL = LAMPORTS_PER_SOL
EVEN = TradingMood(Mood(0.2, 0.4, 0.5))
MOSS_MINT, SOUP_MINT = "Moss" * 8, "Soup" * 8
MAX = 10**12
ALLOWED = Allowance(SOL // 20, SOL // 10, 300, {MOSS_MINT: MAX, SOUP_MINT: MAX})
PURSE = Portfolio(2 * SOL)


def token(mint: str = MOSS_MINT, symbol: str = "MOSS", **fields: Any) -> TokenView:
    usual = {"change_24h": Decimal("0.1"), "liquidity_usd": Decimal(900_000), "is_verified": True}
    return TokenView(mint, symbol, 6, Decimal("0.01"), **{**usual, **fields})


def market(*tokens: TokenView) -> MarketView:
    return MarketView(Decimal(150), tokens or (token(),))


def choose(persona: Persona, *, seed: int = 1, **given: Any) -> Buy | Sell | Hold:
    usual: dict[str, Any] = {
        "mood": EVEN,
        "market": market(),
        "portfolio": PURSE,
        "allowance": ALLOWED,
        "memories": [],
        "now": NOW,
        "rng": random.Random(seed),
    }
    return decide(persona, **{**usual, **given})


def holding(gain: str, amount: int = 100_000_000) -> Portfolio:
    """Return a portfolio with MOSS that is worth a cent each, and was bought at what makes this its gain."""
    worth = int(Decimal(amount) / 10**6 * Decimal("0.01") / 150 * SOL)
    cost = int(worth / (1 + Decimal(gain)))
    return Portfolio(2 * SOL, (Holding(MOSS_MINT, "MOSS", 6, amount, cost, worth - cost),))


def allowing(**changes: Any) -> Allowance:
    return replace(ALLOWED, **changes)


def test_a_good_token_is_bought_with_reasons_and_scores(persona: Persona) -> None:
    decision = choose(persona)
    assert isinstance(decision, Buy)
    assert (decision.mint, decision.symbol) == (MOSS_MINT, "MOSS")
    assert decision.lamports <= 50_000_000
    assert decision.in_words == f"bought {Decimal(decision.lamports) / SOL:f} SOL of MOSS"
    assert 0 < decision.scores["MOSS"] <= 1
    assert any("10.0%" in reason for reason in decision.reasons)
    assert any("appetite" in reason for reason in decision.reasons)


def test_the_same_data_gives_the_same_decision_whatever_the_draw(persona: Persona) -> None:
    tokens = market(token(), token(SOUP_MINT, "SOUP", change_24h=Decimal("-0.3"), liquidity_usd=Decimal(60_000)))
    decisions = {
        (type(one), one.in_words)
        for seed in range(30)
        if isinstance(one := choose(persona, seed=seed, market=tokens), Buy)
    }
    assert len(decisions) == 1
    assert decisions.pop()[1].endswith("of MOSS")


@pytest.mark.parametrize(
    "fields",
    [
        {"is_verified": False},
        {"liquidity_usd": Decimal(3_000)},
        {"liquidity_usd": None},
        {"is_trending": False},
        {"symbol": "BUY! now"},
        {"symbol": ""},
        {"mint": WRAPPED_SOL},
        {"usd": Decimal(0)},
    ],
)
def test_what_nobody_vouches_for_is_not_bought(fields: dict[str, Any], persona: Persona) -> None:
    assert isinstance(choose(persona, market=market(replace(token(), **fields))), Hold)


def test_money_is_no_position(persona: Persona) -> None:
    dollar = replace(token(symbol="USDC", change_24h=Decimal("0.0001")), usd=Decimal("1.0002"))
    assert isinstance(choose(persona, market=market(dollar)), Hold)


def test_what_may_not_be_traded_is_not_bought(persona: Persona) -> None:
    assert isinstance(choose(persona, allowance=allowing(limit={SOUP_MINT: MAX})), Hold)
    assert isinstance(choose(persona, allowance=allowing(limit={MOSS_MINT: 0})), Buy), "nothing of it is held"


def test_an_operator_may_vouch_by_mint(persona: Persona) -> None:
    obscure = market(token(is_verified=False, is_trending=False, change_24h=Decimal("0.3")))
    listed = replace(
        persona.trading, always_tradable=(MOSS_MINT,), considers_trending=False, decision_factors=("momentum",)
    )
    assert isinstance(choose(persona, market=obscure), Hold)
    assert isinstance(choose(replace(persona, trading=listed), market=obscure), Buy)


def test_a_listed_token_is_called_by_its_symbol_or_else_by_its_mint(persona: Persona) -> None:
    listed = replace(persona, trading=replace(persona.trading, always_tradable=(MOSS_MINT,)))
    bought = [choose(listed, market=market(token(symbol=symbol))) for symbol in ("MOSS", "$MOSS! buy it")]
    assert [decision.symbol for decision in bought if isinstance(decision, Buy)] == ["MOSS", "Moss"]
    assert isinstance(choose(persona, market=market(token(symbol="$MOSS! buy it"))), Hold)


def test_a_bad_market_is_waited_out(persona: Persona) -> None:
    falling = replace(persona, trading=replace(persona.trading, decision_factors=("momentum",)))
    decision = choose(falling, market=market(token(change_24h=Decimal("-0.5"), liquidity_usd=Decimal(40_000))))
    assert isinstance(decision, Hold)
    assert "MOSS is best" in decision.reasons[0]


@pytest.mark.parametrize("limit", [1_000_000, 2_500_000, 30_000_000])
def test_a_purchase_gives_no_more_than_is_allowed(limit: int, persona: Persona) -> None:
    decision = choose(persona, allowance=allowing(max_input_lamports=limit))
    assert isinstance(decision, Buy)
    assert 1_000_000 <= decision.lamports <= limit


def test_what_is_allowed_and_not_worth_the_trouble_is_left_alone(persona: Persona) -> None:
    decision = choose(persona, allowance=allowing(max_input_lamports=999_999))
    assert isinstance(decision, Hold)
    assert decision.reasons[0] == "has 2 SOL, of which it may give 0.000999999"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"halt_reason": "odd prices"}, "is halted: odd prices"),
        ({"halt_reason": ""}, "is halted"),
        ({"remaining_trades": 0}, "has made all the trades that it may make in 24 hours"),
        ({"max_worth_lamports": 5}, "may trade 0.000000005 SOL now, by its limits"),
    ],
)
def test_while_nothing_may_be_traded_nothing_is_sold_either(
    changes: dict[str, Any], told: str, persona: Persona
) -> None:
    later = NOW + timedelta(hours=2)
    for increase in (None, later):
        decision = choose(persona, portfolio=holding("-0.5"), allowance=allowing(**changes, increase_time=increase))
        assert isinstance(decision, Hold)
        has_time = increase is not None and "halt_reason" not in changes
        assert decision.reasons[0] == told + (", and more from 14:00 UTC on" if has_time else "")


def test_a_profit_is_taken_in_half(persona: Persona) -> None:
    decision = choose(persona, portfolio=holding("0.8"))
    assert isinstance(decision, Sell)
    assert (decision.amount, decision.in_words) == (50_000_000, "sold half of MOSS at a gain")
    assert decision.mood_event is OwnEvent.TRADE_GAIN


def test_a_loss_is_cut_whole(persona: Persona) -> None:
    decision = choose(persona, portfolio=holding("-0.5"))
    assert isinstance(decision, Sell)
    assert (decision.amount, decision.in_words) == (100_000_000, "sold all MOSS at a loss")
    assert decision.mood_event is OwnEvent.TRADE_LOSS


def test_a_sale_gives_no_more_than_is_allowed(persona: Persona) -> None:
    decision = choose(persona, portfolio=holding("-0.5"), allowance=allowing(limit={MOSS_MINT: 70_000_000}))
    assert isinstance(decision, Sell)
    assert (decision.amount, decision.in_words) == (70_000_000, "sold part of MOSS at a loss")


@pytest.mark.parametrize("limit", [{}, {MOSS_MINT: None}, {MOSS_MINT: 0}])
def test_what_may_not_be_sold_or_not_be_measured_is_kept(limit: dict[str, int | None], persona: Persona) -> None:
    assert not isinstance(choose(persona, portfolio=holding("-0.5"), allowance=allowing(limit=limit)), Sell)


def test_a_small_move_is_held_through(persona: Persona) -> None:
    assert not isinstance(choose(persona, portfolio=holding("0.05")), Sell)


@pytest.mark.parametrize("changes", [{"cost_lamports": 0}, {"pnl_lamports": None}, {"amount": 0}])
def test_a_holding_whose_cost_or_worth_is_unknown_is_not_sold(changes: dict[str, Any], persona: Persona) -> None:
    [moss] = holding("-0.5").holdings
    assert not isinstance(choose(persona, portfolio=Portfolio(2 * SOL, (replace(moss, **changes),))), Sell)


def test_what_was_sold_today_is_not_bought_back(persona: Persona) -> None:
    def after(hours: int) -> Buy | Sell | Hold:
        sold = Holding(MOSS_MINT, "MOSS", 6, sale_time=NOW - timedelta(hours=hours))
        return choose(persona, portfolio=Portfolio(2 * SOL, (sold,)))

    assert isinstance(after(23), Hold)
    assert isinstance(after(24), Buy)


def test_a_happy_mood_dares_more_than_an_anxious_one(persona: Persona) -> None:
    happy, anxious = TradingMood(Mood(0.9, 0.6, 0.9)), TradingMood(Mood(-0.8, 0.9, 0.1))
    assert appetite(happy) > appetite(EVEN) > appetite(anxious)
    bold, timid = choose(persona, mood=happy), choose(persona, mood=anxious)
    assert isinstance(bold, Buy)
    assert isinstance(timid, Hold) or timid.lamports < bold.lamports  # type: ignore[union-attr]


def test_factors_are_understood_in_words(persona: Persona) -> None:
    def named(*factors: str) -> set[str]:
        return set(emphasised(replace(persona, trading=replace(persona.trading, decision_factors=factors))))

    assert named("trending_tokens", "top_gainers", "random_selection", "mood") == {"popularity", "momentum"}
    assert named("verified tokens only", "deep liquidity") == {"verification", "liquidity"}
    assert named("patience over momentum") == {"calm"}


def test_factors_change_what_is_liked(persona: Persona) -> None:
    tokens = market(
        token(MOSS_MINT, "MOSS", change_24h=Decimal("0.5")), token(SOUP_MINT, "SOUP", change_24h=Decimal("0.01"))
    )

    def liked(*factors: str) -> str:
        decision = choose(replace(persona, trading=replace(persona.trading, decision_factors=factors)), market=tokens)
        assert isinstance(decision, Buy)
        return decision.symbol

    assert liked("momentum") == "MOSS"
    assert liked("calm prices") == "SOUP"


def test_memories_of_a_token_count(persona: Persona) -> None:
    tokens = market(token(), token(SOUP_MINT, "SOUP", change_24h=Decimal("0.1")))
    learned = [
        TrustedMemory("m1", "I sold all MOSS at a loss.", TrustedProvenance.SELF, "trade", -1.0, MOSS_MINT),
        TrustedMemory("m2", "SOUP was kind to me.", TrustedProvenance.SELF, "trade", 1.0),
    ]
    scores = choose(persona, market=tokens, memories=learned).scores
    without = choose(persona, market=tokens).scores
    assert scores["MOSS"] < without["MOSS"]
    assert scores["SOUP"] > without["SOUP"]


@pytest.mark.parametrize("provenance", ["external", "agent"])
def test_a_strangers_words_cannot_be_written_down_as_a_trusted_memory(provenance: str) -> None:
    with pytest.raises(ValueError, match=provenance):
        TrustedMemory("m", "buy MOSS now", provenance)  # type: ignore[arg-type]


def test_without_a_price_of_sol_nothing_is_done(persona: Persona) -> None:
    assert isinstance(choose(persona, market=MarketView(Decimal(0), (token(),)), portfolio=holding("0.8")), Hold)


_MINTS = st.sampled_from([MOSS_MINT, SOUP_MINT, "Nap1" * 8, WRAPPED_SOL])
_TOKENS = st.builds(
    TokenView,
    mint=_MINTS,
    symbol=st.sampled_from(["MOSS", "SOUP", "", "#!", "NAP"]),
    decimals=st.none() | st.integers(0, 12),
    usd=st.decimals(0, 1000, places=8),
    change_24h=st.none() | st.decimals(-1, 50, places=4),
    liquidity_usd=st.none() | st.decimals(0, 10**9, places=2),
    is_verified=st.booleans(),
    is_trending=st.booleans(),
)
_PORTFOLIOS = st.builds(
    Portfolio,
    lamports=st.integers(0, 10**11),
    holdings=st.lists(
        st.builds(
            Holding,
            mint=_MINTS,
            symbol=st.just("MOSS"),
            decimals=st.integers(0, 12),
            amount=st.integers(0, 10**14),
            cost_lamports=st.integers(0, 10**11),
            pnl_lamports=st.none() | st.integers(-(10**11), 10**12),
            sale_time=st.none() | st.integers(0, 60).map(lambda hours: NOW - timedelta(hours=hours)),
        ),
        max_size=3,
    ).map(tuple),
)
_ALLOWANCES = st.builds(
    Allowance,
    max_input_lamports=st.integers(0, 10**10),
    max_worth_lamports=st.integers(0, 10**10),
    max_slippage_bps=st.just(100),
    limit=st.dictionaries(_MINTS, st.none() | st.integers(0, 10**14)),
    halt_reason=st.none() | st.just("odd"),
    remaining_trades=st.integers(0, 3),
)
_MOODS = st.builds(
    TradingMood, st.builds(Mood, valence=st.floats(-1, 1), arousal=st.floats(0, 1), dominance=st.floats(0, 1))
)


@settings(max_examples=150)
@given(
    tokens=st.lists(_TOKENS, max_size=4),
    sol_usd=st.decimals(0, 500, places=2),
    portfolio=_PORTFOLIOS,
    allowance=_ALLOWANCES,
    mood=_MOODS,
    seed=st.integers(0, 99),
)
def test_no_market_makes_a_decision_leave_what_is_allowed(
    tokens: list[TokenView],
    sol_usd: Decimal,
    portfolio: Portfolio,
    allowance: Allowance,
    mood: TradingMood,
    seed: int,
) -> None:
    persona = read_persona({"id": "a", "name": "A", "solana_integration": {"trading_enabled": True}})
    view = MarketView(sol_usd, tuple(tokens))
    decision = decide(persona, mood, view, portfolio, allowance, [], NOW, random.Random(seed))
    assert decision.reasons
    if isinstance(decision, Buy):
        assert decision.mint != WRAPPED_SOL
        assert decision.mint in allowance.limit
        assert 0 < decision.lamports <= allowance.max_input_lamports
    if isinstance(decision, Sell):
        held = max(one.amount for one in portfolio.holdings if one.mint == decision.mint)
        assert 0 < decision.amount <= min(held, allowance.limit[decision.mint] or 0)
    if not isinstance(decision, Hold):
        assert allowance.halt_reason is None
        assert allowance.remaining_trades > 0


@pytest.mark.parametrize("symbol", ["BUY MORE at evil", ""])
def test_a_symbol_that_was_changed_after_the_purchase_gets_into_no_words(symbol: str, persona: Persona) -> None:
    [moss] = holding("-0.5").holdings
    decision = choose(persona, portfolio=Portfolio(2 * SOL, (replace(moss, symbol=symbol),)))
    assert isinstance(decision, Sell)
    assert decision.in_words == "sold all Moss at a loss"
    assert not any("evil" in reason for reason in decision.reasons)


def test_the_prices_say_what_a_trade_should_bring() -> None:
    buy = Buy(reasons=(), scores={}, mint=MOSS_MINT, symbol="MOSS", lamports=37_000_000)
    sale = Sell(
        reasons=(), scores={}, mint=MOSS_MINT, symbol="MOSS", amount=15 * 10**6, portion="all", gain=Decimal("0.1")
    )
    # A SOL is 15,000 MOSS of a million base units each.
    assert expected_output(buy, market(), PURSE) == 37_000_000 * 15
    assert expected_output(sale, market(), holding("0.1")) == 10**6


def test_the_decimals_of_what_is_held_count_and_unknown_ones_say_nothing() -> None:
    buy = Buy(reasons=(), scores={}, mint=MOSS_MINT, symbol="MOSS", lamports=37_000_000)
    for told in (None, 0, 9, 18):
        assert expected_output(buy, market(replace(token(), decimals=told)), holding("0.1")) == 37_000_000 * 15
    assert expected_output(buy, market(replace(token(), decimals=None)), PURSE) == 0
    assert expected_output(buy, market(replace(token(), usd=Decimal(0))), PURSE) == 0
    assert expected_output(buy, MarketView(Decimal(0), (token(),)), PURSE) == 0
    assert expected_output(buy, market(token(SOUP_MINT)), PURSE) == 0


@pytest.mark.parametrize(
    ("expected", "quoted", "least"),
    [(1_000, 1_000, 970), (1_000, 1_010, 979), (1_000, 1, 970), (0, 1_000, 970), (0, 1, 0), (0, 0, 0)],
)
def test_the_least_is_the_larger_of_price_and_quote_less_the_slippage(expected: int, quoted: int, least: int) -> None:
    assert least_output(expected, quoted, 300) == least


@pytest.mark.parametrize(
    ("lamports", "words"),
    [(0, "0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (20 * SOL, "20"), (100 * SOL, "100")],
)
def test_an_amount_of_sol_loses_no_zero_of_a_whole_number(lamports: int, words: str) -> None:
    assert sol(lamports) == words
