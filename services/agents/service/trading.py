"""What an agent does to trade. Nothing that anybody else has said comes in here: no such thing has a type that fits."""

import random

from services.agents.domain.entities import ActivityKind, AgentRecord
from services.agents.domain.persona import read_kept
from services.agents.domain.trading import WRAPPED_SOL, Buy, Hold, Sell, decide, expected_output, least_output
from services.agents.ports.neighbours import MemoryPort, NewMemory, Source, TradingPort
from services.agents.ports.stored import Order, Pass, PostTask, Trade, TradeNews
from services.agents.service.cast import Cast
from services.agents.service.effects import Effects
from services.agents.service.journal import Entry
from services.runtime.clock import Clock

GROUNDS = ("core", "recent", "event", "trade", "general")
"""The kinds of memory that trades may be made from: none that grows out of what others say, as relationships and
reflections do."""

_MOST_MEMORIES = 50


class Dealing:
    """The steps of a trade."""

    def __init__(self, cast: Cast, effects: Effects, memory: MemoryPort, trading: TradingPort, clock: Clock) -> None:
        self._cast = cast
        self._effects = effects
        self._memory = memory
        self._trading = trading
        self._clock = clock

    async def decide(self, workflow_id: str, agent_id: str) -> Order | Pass:
        """Return what to buy or sell, or why nothing."""
        character = await self._cast.character(agent_id)
        record, persona = character.record, character.persona
        if not (record.is_active and record.wallet_id and persona.trading.is_enabled):
            return Pass("trades nothing", "was stopped before it began")
        portfolio = await self._trading.portfolio(record.wallet_id)
        held = [holding.mint for holding in portfolio.holdings if holding.amount]
        market = await self._trading.market([*persona.trading.always_tradable, *held])
        mints = dict.fromkeys((*held, *(token.mint for token in market.tokens)))
        allowance = await self._trading.allowance(record.wallet_id, list(mints))
        memories = await self._memory.trusted(agent_id, GROUNDS, _MOST_MEMORIES)
        rng = random.Random(workflow_id)
        now, mood = self._clock.now(), character.trading_mood
        decision = decide(persona, mood, market, portfolio, allowance, memories, now, rng)
        if isinstance(decision, Hold):
            return Pass("holds", "; ".join(decision.reasons))
        quoted = await self._trading.quote(*_sides(decision))
        least = least_output(expected_output(decision, market, portfolio), quoted, allowance.max_slippage_bps)
        if not 0 < least <= quoted:
            return Pass("holds", f"{decision.symbol} is quoted too far below its price")
        return _order(record.wallet_id, decision, least)

    async def execute(self, workflow_id: str, agent_id: str, order: Order) -> Trade | Pass:
        """Carry an order out, once for every workflow, unless the agent was stopped before or trades no longer."""

        def may(agent: AgentRecord) -> bool:
            return agent.wallet_id == order.wallet_id and read_kept(agent.persona).trading.is_enabled

        if await self._effects.begin(agent_id, workflow_id, may) is None:
            return Pass("trades nothing", "was stopped before it was sent")
        return await self._trading.swap(order, workflow_id)

    async def look(self, trade_id: str) -> Trade:
        """Return a trade as it is now."""
        return await self._trading.trade(trade_id)

    async def remember(self, workflow_id: str, agent_id: str, order: Order, trade: Trade) -> None:
        """Remember what was traded, and whether it was for the better."""
        valence = 0.1 if order.gain is None else max(-1.0, min(1.0, float(order.gain)))
        text = f"I {order.words}, because {order.reason}"
        memory = NewMemory(text, "trade", Source.SELF, 0.6, valence, source_id=trade.id, subject=order.mint)
        await self._memory.remember(agent_id, memory, f"{workflow_id}/memory")

    async def telling(self, workflow_id: str, agent_id: str, order: Order, trade: Trade) -> PostTask | None:
        """Return the post that tells of a trade, or None when the agent keeps it to itself."""
        character = await self._cast.character(agent_id)
        chance = random.Random(f"{workflow_id}/telling").random()
        if not character.record.account_id or chance >= character.persona.trading.post_probability:
            return None
        return PostTask(agent_id, news=TradeNews(order.words, _details(order, trade)))


def traded(order: Order, trade: Trade) -> Entry:
    """Return what is logged of a settled trade."""
    scores = {f"score.{symbol}": f"{score:g}" for symbol, score in order.scores.items()}
    details = {**_details(order, trade), **scores}
    return Entry(ActivityKind.TRADE, order.words, order.reason, details, (order.event,))


def _sides(decision: Buy | Sell) -> tuple[str, str, int]:
    """Return what is given, what is got for it, and how much is given."""
    if isinstance(decision, Buy):
        return WRAPPED_SOL, decision.mint, decision.lamports
    return decision.mint, WRAPPED_SOL, decision.amount


def _order(wallet_id: str, decision: Buy | Sell, least: int) -> Order:
    input_mint, output_mint, amount = _sides(decision)
    return Order(
        wallet_id=wallet_id,
        input_mint=input_mint,
        output_mint=output_mint,
        amount=amount,
        min_output_amount=least,
        is_buy=isinstance(decision, Buy),
        symbol=decision.symbol,
        words=decision.in_words,
        reason="; ".join(decision.reasons),
        scores=dict(decision.scores),
        gain=None if isinstance(decision, Buy) else decision.gain,
        event=decision.mood_event,
    )


def _details(order: Order, trade: Trade) -> dict[str, str]:
    return {
        "trade_id": trade.id,
        "signature": trade.signature,
        "side": "buy" if order.is_buy else "sell",
        "symbol": order.symbol,
        "mint": order.mint,
        "input_mint": trade.input_mint,
        "output_mint": trade.output_mint,
        "input_amount": str(trade.input_amount),
        "output_amount": str(trade.output_amount),
    }
