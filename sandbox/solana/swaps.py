"""Swap orders: a quote turned into one atomic transaction, in which taker and market maker pay each other.

A swap happens at its quoted amounts or not at all, and it can't be half done. An order of the aggregator's only lacks
the taker's signature. One of which somebody else pays the fee, the maker or a sponsor, is signed by them in the end.
"""

import uuid
from dataclasses import asdict, dataclass
from enum import StrEnum

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction
from solders.message import MessageV0, MessageV1, TransactionConfig, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from sandbox.solana import instructions, parsed
from sandbox.solana.chain import Chain
from sandbox.solana.clock import BLOCKHASH_LIFE, Commitment
from sandbox.solana.market import Quote
from sandbox.solana.tokens import WRAPPED_SOL, Token

QUOTE_SECONDS = 30.0
SIGNATURE_FEE = 2 * 5_000
"""Lamports for the signatures of taker and maker, which one of them pays."""

SPONSORED_BELOW_LAMPORTS, SPONSORED_FROM_USD = 10_000_000, 10.0
"""Who has less is sponsored, in swaps of at least so much."""

PRIORITY_FEE = 5_000
_COMPUTE_UNITS = 200_000
_MICROLAMPORTS_PER_UNIT = PRIORITY_FEE * 1_000_000 // _COMPUTE_UNITS
_BUDGET = (set_compute_unit_limit(_COMPUTE_UNITS), set_compute_unit_price(_MICROLAMPORTS_PER_UNIT))
"""What a transaction of version 1 has in its message."""


class Router(StrEnum):
    """Who makes an order."""

    METIS = "metis"
    JUPITERZ = "jupiterz"
    DFLOW = "dflow"
    OKX = "okx"


@dataclass(frozen=True, slots=True)
class Order:
    """A swap that a taker may have at these amounts (base units) until it expires."""

    request_id: str
    message: str
    """The transaction's message in hexadecimal: only this one is executed."""
    last_valid_height: int
    rent_fee: int
    in_amount: int
    out_amount: int
    router: str = Router.METIS


class OrderBook:
    """The orders of a chain's market maker, durable like the chain."""

    def __init__(self, chain: Chain, version: int = 0) -> None:
        """Take the version of its transactions, 0 or 1."""
        self._chain = chain
        self._maker = chain.key("maker")
        self._version = version

    @property
    def maker(self) -> Pubkey:
        """The market maker's wallet."""
        return self._maker.pubkey()

    def place(self, quote: Quote, taker: Pubkey, router: Router, payer: Pubkey) -> tuple[Order, VersionedTransaction]:
        """Return an order, and its transaction, with the maker's signature in place when the taker pays."""
        request_id = str(uuid.uuid4())
        height = self._chain.clock.height(Commitment.CONFIRMED)
        blockhash = self._chain.clock.blockhash(height)
        steps = self._steps(quote, taker, payer, request_id)
        message: MessageV0 | MessageV1
        if self._version:
            config = TransactionConfig(priority_fee=PRIORITY_FEE, compute_unit_limit=_COMPUTE_UNITS)
            message = MessageV1.try_compile(payer, steps, blockhash, config)
        else:
            message = MessageV0.try_compile(payer, [*_BUDGET, *steps], [], blockhash)
        wire = to_bytes_versioned(message)
        rent = self.rent_fee(quote.target, taker)
        order = Order(request_id, wire.hex(), height + BLOCKHASH_LIFE, rent, quote.in_amount, quote.out_amount, router)
        self._chain.journal.save_order(request_id, self._chain.clock.now() + QUOTE_SECONDS, asdict(order))
        blanks = [Signature.default()] * message.header.num_required_signatures
        unsigned = VersionedTransaction.populate(message, blanks)
        return order, self.signed(unsigned) if payer == taker else unsigned

    def signed(self, tx: VersionedTransaction) -> VersionedTransaction:
        """Return a transaction with the maker's signature in its place, and the others as they are."""
        signatures, signers = list(tx.signatures), tx.message.account_keys[: len(tx.signatures)]
        if self.maker in signers:
            signatures[signers.index(self.maker)] = self._maker.sign_message(to_bytes_versioned(tx.message))
        return VersionedTransaction.populate(tx.message, signatures)

    def is_sponsored(self, quote: Quote, taker: Pubkey) -> bool:
        """Whether somebody else pays what a swap costs beside its amount."""
        return self._chain.balance(taker) < SPONSORED_BELOW_LAMPORTS and quote.in_usd >= SPONSORED_FROM_USD

    def find(self, request_id: str) -> tuple[Order, bool] | None:
        """Return an order, and whether it is still fresh."""
        found = self._chain.journal.order(request_id)
        if found is None:
            return None
        expires_at, body = found
        return Order(**body), self._chain.clock.now() < expires_at

    def rent_fee(self, target: Token, taker: Pubkey) -> int:
        """Return the lamports the taker pays to have a token account for what comes out."""
        if target.mint == WRAPPED_SOL or self._chain.account(get_associated_token_address(taker, target.mint)):
            return 0
        return self._chain.rent(instructions.TOKEN_ACCOUNT_BYTES)

    def shortage(self, quote: Quote, taker: Pubkey, *, is_gasless: bool) -> tuple[int, int]:
        """Return how many base units of the source, and how many lamports for fees and rent, the taker lacks."""
        upkeep = SIGNATURE_FEE + PRIORITY_FEE + self.rent_fee(quote.target, taker) + self._chain.rent(0)
        upkeep = 0 if is_gasless else upkeep
        lamports = self._chain.balance(taker)
        if quote.source.mint == WRAPPED_SOL:
            return max(0, quote.in_amount + upkeep - lamports), 0
        held = parsed.token_account(self._chain.account(get_associated_token_address(taker, quote.source.mint)))
        return max(0, quote.in_amount - (held.amount if held else 0)), max(0, upkeep - lamports)

    def _steps(self, quote: Quote, taker: Pubkey, payer: Pubkey, request_id: str) -> list[Instruction]:
        steps = [_payment(quote.source, taker, self.maker, quote.in_amount)]
        if quote.target.mint != WRAPPED_SOL:
            steps.append(instructions.create_token_account(payer, taker, quote.target.mint))
        # The memo tells two equal orders in one block apart: without it they would be one and the same transaction.
        return [*steps, _payment(quote.target, self.maker, taker, quote.out_amount), instructions.memo(request_id)]


def _payment(token: Token, sender: Pubkey, receiver: Pubkey, amount: int) -> Instruction:
    if token.mint == WRAPPED_SOL:
        return transfer(TransferParams(from_pubkey=sender, to_pubkey=receiver, lamports=amount))
    return instructions.transfer_tokens(token.mint, token.decimals, sender, receiver, amount)
