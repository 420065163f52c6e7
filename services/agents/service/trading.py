"""What an agent does to trade. Nothing that anybody else has said comes in here: no such thing has a type that fits."""

import random
from dataclasses import dataclass

from services.agents.domain.entities import ActivityKind
from services.agents.domain.trading import WRAPPED_SOL, Buy, Hold, Sell, decide
from services.agents.ports.neighbours import MemoryPort, NewMemory, Source, Trade, TradingPort
from services.agents.ports.workflows import PostTask, TradeNews
from services.agents.service.cast import Cast
from services.agents.service.journal import Entry
from services.agents.service.posting import GROUNDED
from services.agents.service.writing import Pass
from services.runtime.clock import Clock

_MOST_MEMORIES = 50


@dataclass(frozen=True, slots=True)
class Order:
    """A swap that was decided on: from which wallet, what for what, and the decision it comes from."""

    wallet_id: str
    input_mint: str
    output_mint: str
    amount: int
    decision: Buy | Sell

    @property
    def reason(self) -> str:
        """Why, in words."""
        return "; ".join(self.decision.reasons)


class Dealing:
    """The steps of a trade."""

    def __init__(self, cast: Cast, memory: MemoryPort, trading: TradingPort, clock: Clock) -> None:
        self._cast = cast
        self._memory = memory
        self._trading = trading
        self._clock = clock

    async def decide(self, workflow_id: str, agent_id: str) -> Order | Pass:
        """Return what to buy or sell, or why nothing."""
        character = await self._cast.character(agent_id)
        record, persona = character.record, character.persona
        if not (record.is_active and record.wallet_id and persona.trading.is_enabled):
            return Pass("trades nothing", "was stopped before it began")
        wallet = await self._trading.wallet(record.wallet_id)
        policy = await self._trading.policy(record.wallet_id)
        held = [holding.mint for holding in wallet.holdings]
        market = await self._trading.market([*held, *persona.trading.always_tradable])
        memories = await self._memory.trusted(agent_id, GROUNDED, _MOST_MEMORIES)
        rng = random.Random(workflow_id)
        match decide(persona, character.mood, market, wallet, policy, memories, self._clock.now(), rng):
            case Buy() as buy:
                return Order(record.wallet_id, WRAPPED_SOL, buy.mint, buy.lamports, buy)
            case Sell() as sell:
                return Order(record.wallet_id, sell.mint, WRAPPED_SOL, sell.amount, sell)
            case Hold() as hold:
                return Pass("holds", "; ".join(hold.reasons))

    async def execute(self, workflow_id: str, order: Order) -> Trade:
        """Swap, once for every workflow."""
        return await self._trading.swap(order.wallet_id, order.input_mint, order.output_mint, order.amount, workflow_id)

    async def look(self, trade_id: str) -> Trade:
        """Return a trade as it is now."""
        return await self._trading.trade(trade_id)

    async def remember(self, workflow_id: str, agent_id: str, order: Order, trade: Trade) -> None:
        """Remember what was traded, and whether it was for the better."""
        decision = order.decision
        valence = max(-1.0, min(1.0, float(decision.gain))) if isinstance(decision, Sell) else 0.1
        text = f"I {decision.in_words}, because {order.reason}"
        memory = NewMemory(text, "trade", Source.SELF, 0.6, valence, source_id=trade.id, subject=decision.mint)
        await self._memory.remember(agent_id, memory, f"{workflow_id}/memory")

    async def telling(self, workflow_id: str, agent_id: str, order: Order, trade: Trade) -> PostTask | None:
        """Return the post that tells of a trade, or None when the agent keeps it to itself."""
        character = await self._cast.character(agent_id)
        chance = random.Random(f"{workflow_id}/telling").random()
        if not character.record.account_id or chance >= character.persona.trading.post_probability:
            return None
        return PostTask(agent_id, news=TradeNews(order.decision.in_words, _details(order, trade)))


def traded(order: Order, trade: Trade) -> Entry:
    """Return what is logged of a settled trade."""
    scores = {f"score.{symbol}": f"{score:g}" for symbol, score in order.decision.scores.items()}
    details = {**_details(order, trade), **scores}
    return Entry(ActivityKind.TRADE, order.decision.in_words, order.reason, details, (order.decision.mood_event,))


def _details(order: Order, trade: Trade) -> dict[str, str]:
    return {
        "trade_id": trade.id,
        "signature": trade.signature,
        "side": "buy" if isinstance(order.decision, Buy) else "sell",
        "symbol": order.decision.symbol,
        "mint": order.decision.mint,
        "input_mint": trade.input_mint,
        "output_mint": trade.output_mint,
        "input_amount": str(trade.input_amount),
        "output_amount": str(trade.output_amount),
    }
