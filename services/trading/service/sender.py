"""Sends signed trades: the stored bytes, any number of times. No answer decides anything: the chain does."""

import logging
import time
from dataclasses import dataclass

from services.trading.domain.errors import OUTSIDE
from services.trading.domain.trade import Trade
from services.trading.ports import Aggregator, Chain

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sending:
    """When this process last sent a trade, and what it was told."""

    trade_id: str
    at: float = float("-inf")
    told: str = ""


class Sender:
    """Sends each wallet's open trade."""

    def __init__(self, chain: Chain, aggregator: Aggregator) -> None:
        self._chain = chain
        self._aggregator = aggregator
        self._sendings: dict[str, _Sending] = {}

    async def send(self, trade: Trade) -> None:
        """Send a trade, once more or for the first time."""
        sending = self._sending(trade)
        is_first = sending.at == float("-inf")
        sending.at, sending.told = time.monotonic(), ""
        try:
            # An aggregator that took it, and of which nothing came, isn't asked again: the node gets the same bytes.
            if trade.order_id and is_first:
                sending.told = await self._aggregator.execute(trade.order_id, trade.transaction)
                if not sending.told:
                    return
        except OUTSIDE as error:
            sending.told = error.message
        try:
            sending.told = await self._chain.send(trade.transaction)
        except OUTSIDE as error:
            sending.told = error.message
        if sending.told:
            log.info("send unconfirmed", extra={"trade": trade.id, "told": sending.told})

    def told(self, trade: Trade) -> str:
        """Return what this process was told when it last sent a trade, or an empty text."""
        return self._sending(trade).told

    def seconds_since(self, trade: Trade) -> float:
        """Return how long ago this process sent a trade; infinite when it hasn't."""
        return time.monotonic() - self._sending(trade).at

    def forget(self, wallet_id: str) -> None:
        """Let go of a wallet that has no open trade."""
        self._sendings.pop(wallet_id, None)

    def _sending(self, trade: Trade) -> _Sending:
        found = self._sendings.get(trade.wallet_id)
        if found is None or found.trade_id != trade.id:
            found = self._sendings[trade.wallet_id] = _Sending(trade.id)
        return found
