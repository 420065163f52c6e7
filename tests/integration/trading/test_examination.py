"""Transactions of an aggregator that went bad, tried out on the real chain: none of them is signed."""

import base64
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams,
    AssignParams,
    TransferParams,
    advance_nonce_account,
    assign,
    transfer,
)
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction
from spl.token.constants import TOKEN_PROGRAM_ID

from services.trading.adapters.jupiter import Jupiter
from services.trading.adapters.jupiter import open_client as open_jupiter
from services.trading.adapters.solana import SolanaChain, open_client
from services.trading.domain.market import Order, Pair, Quote
from services.trading.domain.trade import Trade, Unsafe
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL, Cluster

AMOUNT = 10_000_000
_TRANSFER, _APPROVE, _SET_AUTHORITY = 3, 4, 6
_OWNER, _CLOSER = 2, 3
THIEF = Keypair.from_seed(bytes(range(32))).pubkey()


@dataclass(frozen=True)
class Desk:
    """A wallet with SOL and some SOCK, a good order, and the means to make a bad one."""

    chain: SolanaChain
    key: Keypair
    order: Order
    sock: Pubkey
    blockhash: Hash

    @property
    def address(self) -> str:
        return str(self.key.pubkey())

    @property
    def socks(self) -> Pubkey:
        """The wallet's token account."""
        return get_associated_token_address(self.key.pubkey(), self.sock)

    def trade(self) -> Trade:
        return Trade(
            id="trd_1",
            wallet_id="wal_1",
            request_id="req_1",
            input_mint=SOL,
            output_mint=str(self.sock),
            input_amount=AMOUNT,
            min_output_amount=self.order.quote.min_output_amount,
            worth_lamports=AMOUNT,
            slippage_bps=300,
            create_time=datetime.now(UTC),
        )

    async def check(self, order: Order) -> None:
        """Examine an order as before a signature."""
        seen = await self.chain.examine(order.transaction, self.address)
        self.trade().check(order, seen, self.address)

    def with_steps(
        self,
        *steps: Instruction,
        payer: Pubkey | None = None,
        blockhash: Hash | None = None,
        first: Sequence[Instruction] = (),
    ) -> Order:
        """Return the good order with more instructions after its own, or before them."""
        message = VersionedTransaction.from_bytes(self.order.transaction).message
        keys, header = message.account_keys, message.header
        writable = {
            key
            for index, key in enumerate(keys)
            if index < header.num_required_signatures - header.num_readonly_signed_accounts
            or header.num_required_signatures <= index < len(keys) - header.num_readonly_unsigned_accounts
        }
        own = [
            Instruction(
                keys[step.program_id_index],
                bytes(step.data),
                [
                    AccountMeta(keys[index], index < header.num_required_signatures, keys[index] in writable)
                    for index in step.accounts
                ],
            )
            for step in message.instructions
        ]
        built = MessageV0.try_compile(
            payer or self.key.pubkey(), [*first, *own, *steps], [], blockhash or self.blockhash
        )
        blanks = [Signature.default()] * built.header.num_required_signatures
        return replace(self.order, transaction=bytes(VersionedTransaction.populate(built, blanks)))


@pytest.fixture
async def desk(cluster: Cluster) -> AsyncIterator[Desk]:
    key = Keypair()
    await cluster.fund(str(key.pubkey()), LAMPORTS_PER_SOL)
    node = open_client(cluster.url)
    async with open_jupiter(f"{cluster.url}/jupiter", "") as http:
        pair = Pair(SOL, cluster.mints["SOCK"], AMOUNT, 300)
        order = await Jupiter(http).order(pair, str(key.pubkey()))
        blockhash = VersionedTransaction.from_bytes(order.transaction).message.recent_blockhash
        yield Desk(SolanaChain(node), key, order, Pubkey.from_string(cluster.mints["SOCK"]), blockhash)
    await node.close()


def takes_more_sol(desk: Desk) -> Order:
    return desk.with_steps(_payment(desk, 20_000_000))


def takes_the_tokens(desk: Desk) -> Order:
    maker = VersionedTransaction.from_bytes(desk.order.transaction).message.account_keys[1]
    there = get_associated_token_address(maker, desk.sock)
    half = desk.order.quote.output_amount // 2
    return desk.with_steps(_token_step(desk, struct.pack("<BQ", _TRANSFER, half), there))


def lets_a_delegate_spend(desk: Desk) -> Order:
    return desk.with_steps(_token_step(desk, struct.pack("<BQ", _APPROVE, 10**15), THIEF))


def gives_a_token_account_away(desk: Desk) -> Order:
    return desk.with_steps(_token_step(desk, struct.pack("<BBB", _SET_AUTHORITY, _OWNER, 1) + bytes(THIEF)))


def lets_another_close_an_account(desk: Desk) -> Order:
    return desk.with_steps(_token_step(desk, struct.pack("<BBB", _SET_AUTHORITY, _CLOSER, 1) + bytes(THIEF)))


def hands_the_wallet_to_a_program(desk: Desk) -> Order:
    return desk.with_steps(assign(AssignParams(pubkey=desk.key.pubkey(), owner=TOKEN_PROGRAM_ID)))


def has_another_payer(desk: Desk) -> Order:
    maker = VersionedTransaction.from_bytes(desk.order.transaction).message.account_keys[1]
    return desk.with_steps(payer=maker)


def has_no_blockhash(desk: Desk) -> Order:
    return desk.with_steps(blockhash=Hash.default())


def has_a_nonce_for_a_blockhash(desk: Desk) -> Order:
    nonce = AdvanceNonceAccountParams(nonce_pubkey=THIEF, authorized_pubkey=desk.key.pubkey())
    return desk.with_steps(first=[advance_nonce_account(nonce)])


def fails(desk: Desk) -> Order:
    return desk.with_steps(_payment(desk, 10 * LAMPORTS_PER_SOL))


def gives_too_little(desk: Desk) -> Order:
    built = MessageV0.try_compile(desk.key.pubkey(), [_payment(desk, AMOUNT)], [], desk.blockhash)
    return replace(desk.order, transaction=bytes(VersionedTransaction.populate(built, [Signature.default()])))


def is_garbage(desk: Desk) -> Order:
    return replace(desk.order, transaction=base64.b64decode("AAAA"))


def is_for_another_amount(desk: Desk) -> Order:
    return replace(desk.order, quote=replace(desk.order.quote, pair=Pair(SOL, str(desk.sock), AMOUNT + 1)))


def allows_more_slippage(desk: Desk) -> Order:
    return replace(desk.order, quote=replace(desk.order.quote, slippage_bps=301))


def asks_for_huge_fees(desk: Desk) -> Order:
    return replace(desk.order, upkeep_lamports=10_000_001)


def is_valid_for_no_time(desk: Desk) -> Order:
    return replace(desk.order, last_valid_block_height=0)


def is_valid_for_ever(desk: Desk) -> Order:
    return replace(desk.order, last_valid_block_height=2**60)


async def test_a_good_order_may_be_signed(desk: Desk) -> None:
    await desk.check(desk.order)
    await desk.check(desk.with_steps())


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (takes_more_sol, "it would take"),
        (takes_the_tokens, "it would give"),
        (lets_a_delegate_spend, "spend tokens"),
        (gives_a_token_account_away, "it would give 0"),
        (lets_another_close_an_account, "close a token account"),
        (hands_the_wallet_to_a_program, "hand the wallet to a program"),
        (has_another_payer, "another account pays"),
        (has_no_blockhash, "no blockhash"),
        (has_a_nonce_for_a_blockhash, "no blockhash"),
        (fails, "trial run failed"),
        (gives_too_little, "it would give 0"),
        (is_garbage, "can't be read"),
        (is_for_another_amount, "another swap"),
        (allows_more_slippage, "slippage of 301"),
        (asks_for_huge_fees, "fees and rent"),
        (is_valid_for_no_time, "valid until"),
        (is_valid_for_ever, "valid until"),
    ],
)
async def test_a_bad_order_is_not_signed(desk: Desk, spoil: Callable[[Desk], Order], told: str) -> None:
    with pytest.raises(Unsafe, match=told):
        await desk.check(spoil(desk))


async def test_a_quote_is_read_without_a_float(cluster: Cluster) -> None:
    async with open_jupiter(f"{cluster.url}/jupiter/", "") as http:
        quote: Quote = await Jupiter(http).quote(Pair(SOL, cluster.mints["USDC"], 12_345_678_901))
    assert isinstance(quote.price_impact, Decimal)
    assert quote.pair.amount == 12_345_678_901


def _payment(desk: Desk, lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=desk.key.pubkey(), to_pubkey=THIEF, lamports=lamports))


def _token_step(desk: Desk, data: bytes, *others: Pubkey) -> Instruction:
    """Return an instruction of the token program for the wallet's token account."""
    keys = [
        AccountMeta(desk.socks, False, True),
        *(AccountMeta(other, False, True) for other in others),
        AccountMeta(desk.key.pubkey(), True, False),
    ]
    return Instruction(TOKEN_PROGRAM_ID, data, keys)
