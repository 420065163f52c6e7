"""Somebody with SOL, tokens, accounts and an aggregator of their own, who wants what is in a wallet."""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.address_lookup_table_account import derive_lookup_table_address
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from sandbox.solana import instructions
from tests.integration.trading.conftest import SOL, Cluster, until

WRAPPED = Pubkey.from_string(SOL)
_MINT_TYPE_AT, _TOKEN_BYTES = 165, 165
_INITIALIZE_MINT2, _MINT_TO = 20, 7
_CREATE_TABLE, _EXTEND_TABLE = 0, 2


@dataclass
class Thief:
    """A key with money on the chain."""

    cluster: Cluster
    key: Keypair

    @property
    def address(self) -> Pubkey:
        """The thief's wallet."""
        return self.key.pubkey()

    def account(self, mint: str | Pubkey, program: Pubkey = TOKEN_PROGRAM_ID) -> Pubkey:
        """Return the thief's own account for a mint."""
        return get_associated_token_address(self.address, as_key(mint), program)

    async def blockhash(self) -> Hash:
        """Return the newest blockhash."""
        found = await self.cluster.call("getLatestBlockhash", {"commitment": "processed"})
        return Hash.from_string(found["value"]["blockhash"])

    async def send(self, *steps: Instruction, keys: Sequence[Keypair] = ()) -> None:
        """Land a transaction of the thief's own, and wait until everybody can see it."""
        message = MessageV0.try_compile(self.address, list(steps), [], await self.blockhash())
        raw = base64.b64encode(bytes(VersionedTransaction(message, [self.key, *keys]))).decode()
        options = {"encoding": "base64", "preflightCommitment": "processed"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "sendTransaction", "params": [raw, options]}
        answer = (await self.cluster.http.post("/", json=body)).json()
        assert "result" in answer, answer

        async def is_confirmed() -> bool:
            [status] = (await self.cluster.call("getSignatureStatuses", [answer["result"]]))["value"]
            return status is not None and status["confirmationStatus"] != "processed"

        await until(is_confirmed)

    async def buy(self, mint: str, lamports: int) -> None:
        """Swap SOL for a token, at the honest aggregator."""
        query = {"inputMint": SOL, "outputMint": mint, "amount": str(lamports), "taker": str(self.address)}
        order = (await self.cluster.http.get("/jupiter/swap/v2/order", params=query)).json()
        tx = VersionedTransaction.from_bytes(base64.b64decode(order["transaction"]))
        signed = base64.b64encode(bytes(self.signed(tx))).decode()
        body = {"requestId": order["requestId"], "signedTransaction": signed}
        answer = (await self.cluster.http.post("/jupiter/swap/v2/execute", json=body)).json()
        assert answer["status"] == "Success", answer

    def signed(self, tx: VersionedTransaction) -> VersionedTransaction:
        """Add the thief's signature where it is asked for."""
        keys, signatures = tx.message.account_keys, list(tx.signatures)
        for index in range(tx.message.header.num_required_signatures):
            if keys[index] == self.address:
                signatures[index] = self.key.sign_message(to_bytes_versioned(tx.message))
        return VersionedTransaction.populate(tx.message, signatures)

    async def new_account(self, space: int, owner: Pubkey, *steps: Any, lamports: int = 0) -> Pubkey:
        """Make an account of a program, and let `steps`, which get its address, make something of it."""
        key = Keypair()
        rent = lamports or await self.cluster.call("getMinimumBalanceForRentExemption", space)
        made = CreateAccountParams(
            from_pubkey=self.address, to_pubkey=key.pubkey(), lamports=rent, space=space, owner=owner
        )
        await self.send(create_account(made), *(step(key.pubkey()) for step in steps), keys=[key])
        return key.pubkey()

    async def new_mint(
        self, *extensions: tuple[int, bytes], frozen: bool = False, authority: Pubkey | None = None
    ) -> str:
        """Make a mint of Token-2022; an extension is the size of its value, and the instruction that begins it."""
        sizes = sum(4 + size for size, _data in extensions)
        space = _MINT_TYPE_AT + 1 + sizes if extensions else 82
        freezer = bytes([1]) + bytes(self.address) if frozen else b"\0"
        data = struct.pack("<BB32s", _INITIALIZE_MINT2, 6, bytes(authority or self.address)) + freezer
        begin = [lambda mint, data=data: token_step(data, mint) for _size, data in extensions]
        return str(await self.new_account(space, TOKEN_2022_PROGRAM_ID, *begin, lambda mint: token_step(data, mint)))

    async def new_table(self, addresses: Sequence[Pubkey]) -> Pubkey:
        """Make a lookup table of these addresses."""
        slot = await self.cluster.call("getSlot", {"commitment": "finalized"})
        key, bump = derive_lookup_table_address(self.address, slot)
        metas = [AccountMeta(key, False, True), AccountMeta(self.address, True, False)]
        metas += [AccountMeta(self.address, True, True), AccountMeta(SYSTEM, False, False)]
        listed = struct.pack("<IQ", _EXTEND_TABLE, len(addresses)) + b"".join(map(bytes, addresses))
        await self.send(
            Instruction(LOOKUP_TABLES, struct.pack("<IQB", _CREATE_TABLE, slot, bump), metas),
            Instruction(LOOKUP_TABLES, listed, metas),
        )
        return key

    async def stock(self, mint: str, amount: int, holder: Pubkey | None = None) -> None:
        """Have an account for one of the thief's mints, with so much in it; the thief's own, or another holder's."""
        holder = holder or self.address
        account = get_associated_token_address(holder, as_key(mint), TOKEN_2022_PROGRAM_ID)
        minted = struct.pack("<BQ", _MINT_TO, amount)
        metas = [AccountMeta(as_key(mint), False, True), AccountMeta(account, False, True)]
        await self.send(
            create_own(self.address, holder, mint, TOKEN_2022_PROGRAM_ID),
            Instruction(TOKEN_2022_PROGRAM_ID, minted, [*metas, AccountMeta(self.address, True, False)]),
        )


def as_key(address: str | Pubkey) -> Pubkey:
    """Return an address as a key."""
    return Pubkey.from_string(address) if isinstance(address, str) else address


def pay(source: Pubkey, target: Pubkey, lamports: int) -> Instruction:
    """Move lamports."""
    return transfer(TransferParams(from_pubkey=source, to_pubkey=target, lamports=lamports))


def create_own(payer: Pubkey, owner: Pubkey, mint: str | Pubkey, program: Pubkey = TOKEN_PROGRAM_ID) -> Instruction:
    """Create a wallet's own account for a mint."""
    made = instructions.create_token_account(payer, owner, as_key(mint))
    metas = list(made.accounts)
    metas[1] = AccountMeta(get_associated_token_address(owner, as_key(mint), program), False, True)
    metas[5] = AccountMeta(program, False, False)
    return Instruction(made.program_id, bytes(made.data), metas)


def move(
    source: Pubkey, mint: str | Pubkey, target: Pubkey, signer: Pubkey, amount: int, decimals: int, program: Pubkey
) -> Instruction:
    """Move tokens between two accounts."""
    metas = [
        AccountMeta(source, False, True),
        AccountMeta(as_key(mint), False, False),
        AccountMeta(target, False, True),
        AccountMeta(signer, True, False),
    ]
    return Instruction(program, struct.pack("<BQB", 12, amount, decimals), metas)


def token_step(
    data: bytes, *accounts: Pubkey, signer: Pubkey | None = None, program: Pubkey = TOKEN_2022_PROGRAM_ID
) -> Instruction:
    """Return an instruction of a token program for accounts that it may change."""
    metas = [AccountMeta(account, False, True) for account in accounts]
    return Instruction(program, data, [*metas, AccountMeta(signer, True, False)] if signer else metas)


def unsigned(
    payer: Pubkey, steps: Sequence[Instruction], blockhash: Hash, tables: Sequence[Any] = ()
) -> VersionedTransaction:
    """Return a transaction without signatures."""
    message = MessageV0.try_compile(payer, list(steps), list(tables), blockhash)
    return VersionedTransaction.populate(message, [Signature.default()] * message.header.num_required_signatures)
