"""Transactions as they come over the wire."""

import base64

from solders.message import MessageV1, from_bytes_versioned
from solders.signature import Signature
from solders.transaction import SanitizeError, VersionedTransaction

from sandbox.solana import base58

MAX_BYTES = 1232
"""The largest transaction: what fits into one IPv6 packet."""


def decode(text: str, encoding: str) -> VersionedTransaction:
    """Return the transaction in a `base58` or `base64` text; raises ValueError."""
    data = base58.decode(text) if encoding == "base58" else base64.b64decode(text, validate=True)
    if len(data) > MAX_BYTES:
        raise ValueError(f"a transaction has at most {MAX_BYTES} bytes, not {len(data)}")
    return _checked(VersionedTransaction.from_bytes(data))


def unsigned(text: str) -> VersionedTransaction:
    """Return a transaction without signatures around the message in a base64 text; raises ValueError."""
    message = from_bytes_versioned(base64.b64decode(text, validate=True))
    blanks = [Signature.default()] * message.header.num_required_signatures
    return _checked(VersionedTransaction.populate(message, blanks))


def _checked(tx: VersionedTransaction) -> VersionedTransaction:
    if isinstance(tx.message, MessageV1):
        raise ValueError("messages of version 1 are not supported")
    try:
        tx.sanitize()
    except SanitizeError as error:
        raise ValueError(f"the transaction is inconsistent: {error}") from error
    return tx
