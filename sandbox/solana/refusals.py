"""Why a transaction can't land, in the names and the words of a node."""

import json
from typing import Any

BAD_SIGNATURE = "SignatureFailure"


class RefusedError(Exception):
    """Preflight says that the transaction would fail; `err` is the reason as JSON-RPC writes it."""

    def __init__(self, err: Any, logs: list[str] | None = None, units: int = 0) -> None:
        super().__init__(f"Transaction simulation failed: {_describe(err)}")
        self.err = err
        self.logs = logs or []
        self.units = units


_TEXTS = {
    "BlockhashNotFound": "Blockhash not found",
    "AlreadyProcessed": "This transaction has already been processed",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    BAD_SIGNATURE: "Transaction did not pass signature verification",
    "InvalidAddressLookupTableIndex": "Transaction address table lookup uses an invalid index",
    "AddressLookupTableNotFound": "Transaction loads an address table account that doesn't exist",
}


def _describe(err: Any) -> str:
    match err:
        case {"InstructionError": [index, {"Custom": code}]}:
            return f"Error processing Instruction {index}: custom program error: {code:#x}"
        case {"InstructionError": [index, reason]}:
            return f"Error processing Instruction {index}: {reason if isinstance(reason, str) else json.dumps(reason)}"
        case {"InsufficientFundsForRent": {"account_index": index}}:
            return f"Transaction results in an account ({index}) with insufficient funds for rent"
        case str():
            return _TEXTS.get(err, err)
        case _:
            return json.dumps(err)
