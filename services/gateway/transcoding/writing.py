"""Writes answers: protobuf messages as JSON, with the contract's names, and every field that isn't one of several."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message


def write(message: Message) -> dict[str, Any]:
    """Return a message as the protobuf JSON mapping has it: 64-bit numbers are texts, times RFC 3339."""
    written: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return written
