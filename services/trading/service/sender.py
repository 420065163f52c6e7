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
    last_error: str = ""


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
        sending.at, sending.last_error = time.monotonic(), ""
        try:
            # An aggregator that took it, and of which nothing came, isn't asked again: the node gets the same bytes.
            if trade.order_id and is_first:
                sending.last_error = await self._aggregator.execute(trade.order_id, trade.transaction)
                if not sending.last_error:
                    return
        except OUTSIDE as error:
            sending.last_error = error.message
        try:
            sending.last_error = await self._chain.send(trade.transaction)
        except OUTSIDE as error:
            sending.last_error = error.message
        if sending.last_error:
            log.info("send unconfirmed", extra={"trade": trade.id, "error": sending.last_error})

    def last_error(self, trade: Trade) -> str:
        """Return what this process was told when it last sent a trade, or an empty text."""
        return self._sending(trade).last_error

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
