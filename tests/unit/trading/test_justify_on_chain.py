"""What is justified does on the chain what it says: random transactions on LiteSVM, with the purse as judge."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.token.state import Mint as MintState
from solders.token.state import TokenAccount, TokenAccountState
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from sandbox.solana.chain import GONE
from sandbox.solana.machine import Machine, Moment
from services.trading.adapters.solana.justify import justify
from services.trading.adapters.solana.mints import Mint
from services.trading.adapters.solana.programs import ASSOCIATED_TOKEN, SYSTEM, TOKEN, WRAPPED_SOL, associated
from services.trading.adapters.solana.purse import Purse
from services.trading.domain.market import SOL
from services.trading.domain.trade import Terms, Unsafe

WALLET, MAKER, THIEF, USDC = (Keypair.from_seed(bytes([number]) * 32).pubkey() for number in (1, 2, 3, 4))
LAMPORTS, TOKENS = 10**10, 10**9
WRAPPED_MINT, USDC_MINT = Mint(WRAPPED_SOL, TOKEN, 9, frozenset(), ()), Mint(USDC, TOKEN, 6, frozenset(), ())
PURSES = {
    source: Purse(
        WALLET,
        Terms(str(WALLET), source, target, 5_000, 1, 300, 0),
        WRAPPED_MINT if source == SOL else USDC_MINT,
        USDC_MINT if source == SOL else WRAPPED_MINT,
    )
    for source, target in ((SOL, str(USDC)), (str(USDC), SOL))
}
OWNERS = [WALLET, MAKER, THIEF]
ACCOUNTS = {owner: {mint: associated(owner, mint, TOKEN) for mint in (USDC, WRAPPED_SOL)} for owner in OWNERS}
WALLET_OR_ACCOUNT = [*OWNERS, *(account for own in ACCOUNTS.values() for account in own.values())]
AMOUNT = st.sampled_from([0, 1, 1_000, 5_000, 5_001, 10**7])


def signs(key: Pubkey) -> bool:
    return key in (WALLET, MAKER)


@st.composite
def steps(draw: st.DrawFn) -> Instruction:
    """Return a step as swaps have them, with any accounts."""
    kind, amount = draw(st.sampled_from(["pay", "move", "checked", "close", "sync", "create"])), draw(AMOUNT)
    one, two, three = (draw(st.sampled_from(WALLET_OR_ACCOUNT)) for _ in range(3))
    owner, mint = draw(st.sampled_from(OWNERS)), draw(st.sampled_from([USDC, WRAPPED_SOL]))
    made: dict[str, tuple[Pubkey, bytes, list[Pubkey]]] = {
        "pay": (SYSTEM, struct.pack("<IQ", 2, amount), [draw(st.sampled_from(OWNERS)), two]),
        "move": (TOKEN, struct.pack("<BQ", 3, amount), [one, two, owner]),
        "checked": (TOKEN, struct.pack("<BQB", 12, amount, 6 if mint == USDC else 9), [one, mint, two, owner]),
        "close": (TOKEN, bytes([9]), [one, two, owner]),
        "sync": (TOKEN, bytes([17]), [one]),
        "create": (ASSOCIATED_TOKEN, b"\1", [owner, ACCOUNTS[three][mint] if three in ACCOUNTS else three,
                                             three, mint, SYSTEM, TOKEN]),
    }  # fmt: skip
    program, data, accounts = made[kind]
    return Instruction(program, data, [AccountMeta(key, signs(key), True) for key in accounts])


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    machine = Machine()
    for mint in (USDC, WRAPPED_SOL):
        data = bytes(MintState(None, 10**15, 6 if mint == USDC else 9, True))
        machine.set_account(mint, Account(10**9, data, TOKEN, False, 0))
    yield machine
    machine.close()


def fill(machine: Machine, wraps: bool) -> None:
    """Give everybody what they had at first; the wallet has some wrapped SOL, or no account for it."""
    rent = machine.rent(165)
    for owner in OWNERS:
        machine.set_account(owner, Account(LAMPORTS, b"", SYSTEM, False, 0))
        for mint, account in ACCOUNTS[owner].items():
            native = rent if mint == WRAPPED_SOL else None
            held = TokenAccount(mint, owner, TOKENS, None, TokenAccountState.Initialized, native, 0, None)
            lamports = rent + (TOKENS if mint == WRAPPED_SOL else 0)
            is_there = wraps or (owner, mint) != (WALLET, WRAPPED_SOL)
            machine.set_account(account, Account(lamports, bytes(held), TOKEN, False, 0) if is_there else GONE)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps(), min_size=1, max_size=5), st.sampled_from([*PURSES]), st.booleans())
def test_what_is_justified_takes_no_more_than_it_says(
    machine: Machine, made: list[Instruction], source: str, wraps: bool
) -> None:
    purse = PURSES[source]
    message = MessageV0.try_compile(WALLET, made, [], Hash.from_bytes(bytes([5]) * 32))
    try:
        found = justify(message, purse)
    except Unsafe:
        return
    fill(machine, wraps)
    before = purse.holdings({key: machine.account(key) for key in purse.accounts})
    signatures = [Signature.default()] * message.header.num_required_signatures
    result = machine.run(VersionedTransaction.populate(message, signatures), Moment(Clock(1, 0, 0, 1, 1)))
    if not isinstance(result, TransactionMetadata):
        return
    after = purse.holdings({key: machine.account(key) for key in purse.accounts})
    gains = {mint: after[mint] - before[mint] for mint in after}
    gains[SOL] += result.fee()
    assert gains[purse.terms.input_mint] >= -found.given
    assert gains[purse.terms.output_mint] >= found.gained
    if not wraps:
        left = {purse.wrapped_account: machine.account(purse.wrapped_account)}
        assert purse.holding(left, purse.wrapped_account) == 0, "nothing stays wrapped"
