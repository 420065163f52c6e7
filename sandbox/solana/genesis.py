"""The first transactions of a new chain: the faucet, the market maker and the tokens, made by real instructions."""

from collections.abc import Sequence

from solders.account import Account
from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address
from solders.token.state import Mint
from solders.transaction import VersionedTransaction

from sandbox.solana import builds, instructions, router
from sandbox.solana.chain import Chain, Delivery
from sandbox.solana.clock import Commitment
from sandbox.solana.lookups import table_data
from sandbox.solana.tokens import TOKENS, USDC, WRAPPED_SOL, Token

LAMPORTS_PER_SOL = 1_000_000_000
_GENESIS_LAMPORTS = 600_000_000 * LAMPORTS_PER_SOL
_MAKER_LAMPORTS = 50_000_000 * LAMPORTS_PER_SOL
_VAULT_LAMPORTS = 10_000_000 * LAMPORTS_PER_SOL


def create_world(chain: Chain) -> None:
    """Fill a new chain: SOL for the faucet and the market maker, and the maker's stock of every token."""
    faucet, maker = chain.key("faucet"), chain.key("maker")
    chain.set_account(faucet.pubkey(), Account(_GENESIS_LAMPORTS, b"", SYSTEM_PROGRAM, False, 0))
    grant = TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=maker.pubkey(), lamports=_MAKER_LAMPORTS)
    _send(chain, [transfer(grant)], [faucet])
    for token in TOKENS:
        if not token.is_fictional:
            # Nobody here has the keys with which these two mints were created on mainnet.
            _place_mint(chain, token, maker.pubkey())
    for token in TOKENS:
        if token.mint != WRAPPED_SOL:
            _send(
                chain, _issue(chain, token, maker.pubkey()), [maker, *([token.mint_key] if token.is_fictional else [])]
            )
    for token in TOKENS:
        _send(chain, _stock(token, maker.pubkey()), [maker])
    table = table_data(builds.shared_accounts())
    chain.set_account(builds.table(chain), Account(chain.rent(len(table)), table, LOOKUP_TABLES, False, 0))


def airdrop(chain: Chain, receiver: Pubkey, lamports: int, delivery: Delivery) -> str:
    """Send lamports from the faucet to a wallet, and return the transaction's signature; raises RefusedError."""
    faucet = chain.key("faucet")
    grant = TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=receiver, lamports=lamports)
    # The faucet's balance changes with each airdrop: with it, two equal ones in a block are two transactions.
    note = instructions.memo(f"airdrop from {chain.balance(faucet.pubkey())}")
    return chain.submit(_signed(chain, [transfer(grant), note], [faucet]), Commitment.PROCESSED, delivery)


def _place_mint(chain: Chain, token: Token, authority: Pubkey) -> None:
    minter = authority if token.mint == USDC else None
    data = bytes(Mint(minter, 0, token.decimals, True))
    chain.set_account(token.mint, Account(chain.rent(len(data)), data, TOKEN_PROGRAM, False, 0))


def _issue(chain: Chain, token: Token, maker: Pubkey) -> list[Instruction]:
    steps = [
        instructions.create_token_account(maker, maker, token.mint),
        instructions.mint_to(
            token.mint, get_associated_token_address(maker, token.mint), maker, token.supply * 10**token.decimals
        ),
    ]
    if not token.is_fictional:
        return steps
    created = create_account(
        CreateAccountParams(
            from_pubkey=maker,
            to_pubkey=token.mint,
            lamports=chain.rent(instructions.MINT_BYTES),
            space=instructions.MINT_BYTES,
            owner=TOKEN_PROGRAM,
        )
    )
    steps = [created, instructions.initialize_mint(token.mint, token.decimals, maker), *steps]
    return steps if token.suspicious else [*steps, instructions.give_up_minting(token.mint, maker)]


def _stock(token: Token, maker: Pubkey) -> list[Instruction]:
    """Give the router's vault half of what the maker has of a token, or some SOL in its wrapped form."""
    opened = instructions.create_token_account(maker, router.VAULT, token.mint)
    if token.mint == WRAPPED_SOL:
        account = get_associated_token_address(router.VAULT, WRAPPED_SOL)
        grant = TransferParams(from_pubkey=maker, to_pubkey=account, lamports=_VAULT_LAMPORTS)
        return [opened, transfer(grant), instructions.sync_native(account)]
    half = token.supply * 10**token.decimals // 2
    return [opened, instructions.transfer_tokens(token.mint, token.decimals, maker, router.VAULT, half)]


def _send(chain: Chain, steps: Sequence[Instruction], signers: Sequence[Keypair]) -> None:
    chain.submit(_signed(chain, steps, signers), Commitment.PROCESSED)


def _signed(chain: Chain, steps: Sequence[Instruction], signers: Sequence[Keypair]) -> VersionedTransaction:
    blockhash = chain.clock.blockhash(chain.clock.height())
    return VersionedTransaction(MessageV0.try_compile(signers[0].pubkey(), steps, [], blockhash), signers)
