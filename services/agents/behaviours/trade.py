"""Trading. Nothing that anybody else has said comes in here: no such thing has a type that fits."""

import random

from services.agents.behaviours.base import AnyBehaviour, Behaviour, Parts
from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import TradingDisabled
from services.agents.domain.memories import TRADE_GROUNDS
from services.agents.domain.persona import Approval, Persona
from services.agents.domain.previews import recalled
from services.agents.domain.proposals import Order, Pass
from services.agents.domain.records import Grounds, MemoryUse, Passed, PassReason, Swap, Traded
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import TradePostTask, TradeTask
from services.agents.domain.trading import WRAPPED_SOL, Buy, Hold, Sell, decide, expected_output, least_output, weighing
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.ports.stored import Trade
from services.agents.ports.workflows import Run
from services.agents.service import Entry, settled

_MAX_MEMORIES = 50


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Trading(parts)


class Trading(Behaviour[TradeTask, Order, Trade]):
    """A swap between SOL and a token, or none."""

    kind = "trade"
    aim = "trade"
    follows_up = True
    approval = Approval.TRADES
    asks_model = False
    task_type = TradeTask

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def due(self, persona: Persona) -> Pauses | None:
        """Return the pauses that the persona gives, if it trades."""
        own = persona.trading
        if not own.is_enabled:
            return None
        low, high = own.min_hours_between_trades * 60, own.max_hours_between_trades * 60
        return Pauses(low, high, first_low=2.0, first_high=9.0, whim=own.whim_probability)

    def check_ready(self, agent: AgentRecord) -> None:
        """Raise TradingDisabled when it has no wallet, or its persona doesn't enable it."""
        if not (agent.wallet_id and self._parts.cast.persona(agent).trading.is_enabled):
            raise TradingDisabled(agent.id)

    def task(self, agent_id: str) -> TradeTask:
        """Return what is begun when it is due."""
        return TradeTask(agent_id)

    async def propose(self, name: str, task: TradeTask) -> Order | Pass:
        """Return what to buy or sell, or why nothing."""
        trading, agent_id = self._parts.trading, task.agent_id
        character = await self._parts.cast.character(agent_id)
        record, persona = character.record, character.persona
        if not (record.is_active and record.wallet_id and persona.trading.is_enabled):
            return Pass(Passed(PassReason.STOPPED))
        portfolio = await trading.portfolio(record.wallet_id)
        held = [holding.mint for holding in portfolio.holdings if holding.amount]
        market = await trading.market([*persona.trading.always_tradable, *held])
        mints = dict.fromkeys((*held, *(token.mint for token in market.tokens)))
        allowance = await trading.allowance(record.wallet_id, list(mints))
        memories = await self._parts.memory.trusted(agent_id, TRADE_GROUNDS, _MAX_MEMORIES)
        rng = random.Random(name)
        now, mood = self._parts.clock.now(), character.trading_mood
        decision = decide(persona, mood, market, portfolio, allowance, memories, now, rng)
        scored = [token for token in market.tokens if {token.symbol, token.mint[:4]} & decision.scores.keys()]
        weighed = [] if isinstance(decision, Sell) else weighing(memories, scored)
        grounds = Grounds(mood.felt.label, considered=recalled(weighed, MemoryUse.WEIGHED))
        if isinstance(decision, Hold):
            return Pass(Passed(PassReason.HOLD, details=decision.reasons, scores=dict(decision.scores)), grounds)
        quoted = await trading.quote(*_sides(decision))
        least = least_output(expected_output(decision, market, portfolio), quoted, allowance.max_slippage_bps)
        if not 0 < least <= quoted:
            return Pass(Passed(PassReason.QUOTED_TOO_LOW, about=decision.symbol), grounds)
        return _order(record, decision, least, grounds)

    async def carry_out(self, run: Run, name: str, proposal: Order) -> Trade | Pass:
        """Swap."""

        async def send() -> Trade | Pass:
            if await self._parts.effects.begin(proposal.agent_id, name, may) is None:
                return Pass(Passed(PassReason.STOPPED_BEFORE_SENDING))
            return await self._parts.trading.swap(proposal, name)

        def may(agent: AgentRecord) -> bool:
            return agent.wallet_id == proposal.wallet_id and self._parts.cast.persona(agent).trading.is_enabled

        return await settled(run, send, self._parts.trading.trade, self._parts.timeout_seconds)

    def record(self, proposal: Order, effect: Trade) -> Entry:
        """Return what is logged of a trade."""
        traded = Traded(_swap(proposal, effect), dict(proposal.scores), proposal.reasons)
        return Entry(traded, proposal.grounds, moods=(proposal.event,))

    async def remember(self, name: str, proposal: Order, effect: Trade) -> None:
        """Remember what was traded, and whether it was for the better."""
        valence = 0.1 if proposal.gain is None else max(-1.0, min(1.0, float(proposal.gain)))
        text = f"I {proposal.words}, because {'; '.join(proposal.reasons)}"
        memory = NewMemory(text, "trade", Source.SELF, 0.6, valence, source_id=effect.id, subject=proposal.mint)
        await self._parts.memory.remember(proposal.agent_id, memory, f"{name}/memory")

    async def follow_up(self, run: Run, name: str, proposal: Order, effect: Trade) -> None:
        """Let the agent tell of it, as often as its persona does."""

        async def telling() -> TradePostTask | None:
            character = await self._parts.cast.character(proposal.agent_id)
            chance = random.Random(f"{name}/telling").random()
            if not character.record.account_id or chance >= character.persona.trading.post_probability:
                return None
            return TradePostTask(proposal.agent_id, _swap(proposal, effect))

        task = await run.step("tell", telling)
        if task is not None:
            await run.start(f"{name}/post", task)


def _sides(decision: Buy | Sell) -> tuple[str, str, int]:
    """Return what is given, what is got for it, and how much is given."""
    if isinstance(decision, Buy):
        return WRAPPED_SOL, decision.mint, decision.lamports
    return decision.mint, WRAPPED_SOL, decision.amount


def _order(agent: AgentRecord, decision: Buy | Sell, least: int, grounds: Grounds) -> Order:
    input_mint, output_mint, amount = _sides(decision)
    return Order(
        agent_id=agent.id,
        wallet_id=agent.wallet_id,
        input_mint=input_mint,
        output_mint=output_mint,
        amount=amount,
        min_output_amount=least,
        is_buy=isinstance(decision, Buy),
        symbol=decision.symbol,
        reasons=decision.reasons,
        scores=dict(decision.scores),
        gain=None if isinstance(decision, Buy) else decision.gain,
        event=decision.mood_event,
        portion="" if isinstance(decision, Buy) else decision.portion,
        grounds=grounds,
    )


def _swap(order: Order, trade: Trade) -> Swap:
    return Swap(
        trade_id=trade.id,
        signature=trade.signature,
        is_buy=order.is_buy,
        mint=order.mint,
        symbol=order.symbol,
        input_mint=trade.input_mint,
        output_mint=trade.output_mint,
        input_amount=trade.input_amount,
        output_amount=trade.output_amount,
        ordered=order.amount,
        portion=order.portion,
        gain=order.gain,
    )
