"""What is known of whole transactions: anything at all either is justified, or is refused in words."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.compute_budget import set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction, VersionedTransaction

from services.trading.adapters.solana.drafts import version_of
from services.trading.adapters.solana.justify import justify
from services.trading.adapters.solana.mints import Mint
from services.trading.adapters.solana.programs import (
    ASSOCIATED_TOKEN,
    COMPUTE_BUDGET,
    JUPITER,
    MEMOS,
    SYSTEM,
    TOKEN,
    TOKEN_2022,
    WRAPPED_SOL,
)
from services.trading.adapters.solana.purse import Purse
from services.trading.domain.market import SOL
from services.trading.domain.trade import Terms, Unsafe

WALLET, MAKER, OTHER = (Keypair.from_seed(bytes([number]) * 32).pubkey() for number in (1, 2, 3))
USDC = Keypair.from_seed(bytes([4]) * 32).pubkey()
BLOCKHASH = Hash.from_bytes(bytes([5]) * 32)
PURSE = Purse(
    WALLET,
    Terms(str(WALLET), SOL, str(USDC), 1_000, 500, 300, 0),
    Mint(WRAPPED_SOL, TOKEN, 9, frozenset(), ()),
    Mint(USDC, TOKEN, 6, frozenset(), ()),
)
ACCOUNTS = [WALLET, MAKER, OTHER, USDC, WRAPPED_SOL, PURSE.output_account, PURSE.wrapped_account, SYSTEM, TOKEN]
PROGRAMS = [SYSTEM, TOKEN, TOKEN_2022, ASSOCIATED_TOKEN, COMPUTE_BUDGET, *MEMOS, JUPITER]


@st.composite
def steps(draw: st.DrawFn) -> Instruction:
    """Return an instruction of a known program, mostly with data that it would understand."""
    program = draw(st.sampled_from(PROGRAMS))
    amount = struct.pack("<Q", draw(st.integers(0, 2_000)))
    data = draw(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b"", b"\0", b"\1", b"\x09", b"\x11", b"\2\0\0\0" + amount, b"\3" + amount, b"\x0c" + amount + b"\6"]
            ),
        )
    )
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), max_size=6))
    return Instruction(program, data, [AccountMeta(key, key in (WALLET, MAKER), True) for key in accounts])


@given(st.lists(steps(), max_size=6))
def test_a_transaction_is_justified_or_refused(made: list[Instruction]) -> None:
    try:
        found = justify(MessageV0.try_compile(WALLET, made, [], BLOCKHASH), PURSE)
    except Unsafe:
        return
    assert JUPITER not in {step.program_id for step in made}
    paid = sum(
        int.from_bytes(step.data[4:12], "little")
        for step in made
        if step.program_id == SYSTEM
        and step.accounts[0].pubkey == WALLET
        and step.accounts[1].pubkey not in (WALLET, PURSE.wrapped_account)
    )
    assert found.given >= paid


def payment(source: Pubkey, target: Pubkey, lamports: int) -> Instruction:
    metas = [AccountMeta(source, True, True), AccountMeta(target, False, True)]
    return Instruction(SYSTEM, struct.pack("<IQ", 2, lamports), metas)


def test_old_transactions_are_read_too() -> None:
    message = Message.new_with_blockhash([payment(WALLET, MAKER, 400), payment(WALLET, OTHER, 300)], WALLET, BLOCKHASH)
    found = justify(message, PURSE)
    assert (found.given, found.gained, found.signatures) == (700, 0, 1)


@pytest.mark.parametrize(
    "made",
    [
        payment(WALLET, PURSE.wrapped_account, 5),
        Instruction(SYSTEM, b"", []),
        Instruction(TOKEN, b"", []),
        Instruction(COMPUTE_BUDGET, b"", []),
        Instruction(COMPUTE_BUDGET, b"\0" + bytes(8), []),
        Instruction(MEMOS[0], b"hello", [AccountMeta(WALLET, True, False)]),
        Instruction(JUPITER, b"", []),
    ],
)
def test_what_is_not_known_or_stays_behind_is_refused(made: Instruction) -> None:
    with pytest.raises(Unsafe):
        justify(MessageV0.try_compile(WALLET, [made], [], BLOCKHASH), PURSE)


def tokens(source: Pubkey, mint: Pubkey, target: Pubkey, signer: Pubkey, amount: int) -> Instruction:
    metas = [AccountMeta(key, False, True) for key in (source, mint, target)]
    return Instruction(TOKEN, struct.pack("<BQB", 12, amount, 9), [*metas, AccountMeta(signer, True, False)])


def test_sol_may_be_wrapped_on_the_way_when_nothing_stays_behind() -> None:
    wrapped = PURSE.wrapped_account
    created = [AccountMeta(key, key == WALLET, True) for key in (WALLET, wrapped, WALLET, WRAPPED_SOL, SYSTEM, TOKEN)]
    close = Instruction(TOKEN, b"\x09", [AccountMeta(key, key == WALLET, True) for key in (wrapped, WALLET, WALLET)])
    made = [
        Instruction(ASSOCIATED_TOKEN, b"\1", created),
        payment(WALLET, wrapped, 1_000),
        Instruction(TOKEN, b"\x11", [AccountMeta(wrapped, False, True)]),
        tokens(wrapped, WRAPPED_SOL, OTHER, WALLET, 1_000),
        tokens(OTHER, USDC, PURSE.output_account, MAKER, 500),
    ]
    found = justify(MessageV0.try_compile(WALLET, [*made, close], [], BLOCKHASH), PURSE)
    assert (found.given, found.gained, found.signatures) == (1_000, 500, 2)
    with pytest.raises(Unsafe, match="wrapped"):
        justify(MessageV0.try_compile(WALLET, made, [], BLOCKHASH), PURSE)


def test_a_fee_on_transfers_is_no_gain() -> None:
    taxed = Mint(USDC, TOKEN_2022, 6, frozenset({1}), ((100, 2**63), (250, 3)))
    purse = Purse(WALLET, PURSE.terms, PURSE.input, taxed)
    step = tokens(OTHER, USDC, purse.output_account, MAKER, 1_000)
    step = Instruction(TOKEN_2022, bytes(step.data), step.accounts)
    assert justify(MessageV0.try_compile(WALLET, [step], [], BLOCKHASH), purse).gained == 990


def budgeted(*made: Instruction, **config: int) -> MessageV1:
    return MessageV1.try_compile(WALLET, list(made), BLOCKHASH, TransactionConfig(**config))


def test_transactions_of_version_1_are_read_and_pay_what_their_message_says() -> None:
    message = budgeted(payment(WALLET, MAKER, 400), priority_fee=7_000, compute_unit_limit=90_000)
    found = justify(message, PURSE)
    assert (found.given, found.signatures, found.priority_lamports, found.units) == (400, 1, 7_000, 90_000)
    # What isn't set is 0, and not what a step may use in the transactions of before.
    bare = justify(budgeted(payment(WALLET, MAKER, 400)), PURSE)
    assert (bare.priority_lamports, bare.units) == (0, 0)


def test_a_transaction_of_version_1_says_nothing_of_its_budget_in_steps() -> None:
    with pytest.raises(Unsafe, match="step 0"):
        justify(budgeted(set_compute_unit_price(10**9), payment(WALLET, MAKER, 400)), PURSE)


@given(st.lists(steps(), max_size=6))
def test_the_version_changes_nothing_in_what_is_justified(made: list[Instruction]) -> None:
    made = [step for step in made if step.program_id != COMPUTE_BUDGET]

    def judged(message: MessageV0 | MessageV1) -> tuple[object, ...]:
        try:
            found = justify(message, PURSE)
        except Unsafe as error:
            return (str(error),)
        return found.given, found.gained, found.signatures, found.writable

    assert judged(budgeted(*made)) == judged(MessageV0.try_compile(WALLET, made, [], BLOCKHASH))


@pytest.mark.parametrize(
    ("transaction", "version"),
    [
        (bytes(VersionedTransaction.populate(budgeted(), [Signature.default()])), 1),
        (
            bytes(
                VersionedTransaction.populate(MessageV0.try_compile(WALLET, [], [], BLOCKHASH), [Signature.default()])
            ),
            0,
        ),
        (bytes(Transaction.new_unsigned(Message.new_with_blockhash([], WALLET, BLOCKHASH))), -1),
        (b"\xff" + bytes(100), 127),
        (b"\1" + bytes(64) + b"\x82" + bytes(100), 2),
        (b"", -1),
        (b"\1", -1),
    ],
)
def test_a_version_is_known_by_the_bytes(transaction: bytes, version: int) -> None:
    assert version_of(transaction) == version
