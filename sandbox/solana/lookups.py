"""The accounts that a transaction names, in itself and through address lookup tables."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solders.account import Account
from solders.address_lookup_table_account import ID as LOOKUP_TABLES
from solders.address_lookup_table_account import AddressLookupTable
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

_TABLE, _NEVER, _HEAD_BYTES = 1, 2**64 - 1, 56


@dataclass(frozen=True, slots=True)
class Named:
    """The accounts of a transaction, in the order in which its instructions count them."""

    static: Sequence[Pubkey]
    writable: Sequence[Pubkey] = ()
    readonly: Sequence[Pubkey] = ()
    """Those of lookup tables: the ones that may change, and the others."""

    @property
    def keys(self) -> list[Pubkey]:
        """All of them."""
        return [*self.static, *self.writable, *self.readonly]


def table_data(addresses: Sequence[Pubkey]) -> bytes:
    """Return the data of a table that nobody can change any more."""
    head = struct.pack("<IQQB", _TABLE, _NEVER, 0, 0).ljust(_HEAD_BYTES, b"\0")
    return head + b"".join(map(bytes, addresses))


def addresses_in(account: Account | None) -> list[Pubkey]:
    """Return the addresses in a table; none when it is something else."""
    if account is None or account.owner != LOOKUP_TABLES:
        return []
    try:
        return AddressLookupTable.deserialize(account.data).addresses
    except ValueError:
        return []


def named_by(tx: VersionedTransaction, account: Callable[[Pubkey], Account | None]) -> Named:
    """Return what a transaction names; what a table doesn't have is left out, and the transaction fails."""
    message = tx.message
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    for lookup in message.address_table_lookups if isinstance(message, MessageV0) else ():
        addresses = addresses_in(account(lookup.account_key))
        for found, indexes in ((writable, lookup.writable_indexes), (readonly, lookup.readonly_indexes)):
            found += [addresses[index] for index in indexes if index < len(addresses)]
    return Named(message.account_keys, writable, readonly)
