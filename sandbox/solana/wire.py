"""Transactions as they come over the wire."""

import base64

from solders.message import MessageV1, from_bytes_versioned
from solders.signature import Signature
from solders.transaction import SanitizeError, VersionedTransaction

from sandbox.solana import base58

MAX_BYTES, MAX_BYTES_V1 = 1232, 4096
"""The largest transaction: what fits into one IPv6 packet, and what version 1 allows."""


def decode(text: str, encoding: str) -> VersionedTransaction:
    """Return the transaction in a `base58` or `base64` text; raises ValueError."""
    data = base58.decode(text) if encoding == "base58" else base64.b64decode(text, validate=True)
    if len(data) > MAX_BYTES_V1:
        raise ValueError(f"a transaction has at most {MAX_BYTES_V1} bytes, not {len(data)}")
    tx = VersionedTransaction.from_bytes(data)
    if len(data) > MAX_BYTES and not isinstance(tx.message, MessageV1):
        raise ValueError(f"a transaction of this version has at most {MAX_BYTES} bytes, not {len(data)}")
    return _checked(tx)


def unsigned(text: str) -> VersionedTransaction:
    """Return a transaction without signatures around the message in a base64 text; raises ValueError."""
    message = from_bytes_versioned(base64.b64decode(text, validate=True))
    blanks = [Signature.default()] * message.header.num_required_signatures
    return _checked(VersionedTransaction.populate(message, blanks))


def _checked(tx: VersionedTransaction) -> VersionedTransaction:
    try:
        tx.sanitize()
    except SanitizeError as error:
        raise ValueError(f"the transaction is inconsistent: {error}") from error
    return tx
