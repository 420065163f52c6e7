"""The limits of the contracts, as options and in words."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from services.runtime.rpc.bounds import MAX_ITEMS, most_items
from services.runtime.rpc.limits import limits_of
from tests.conftest import ROOT
from tests.contract.test_protos import METHODS

_PROTOS = ROOT / "protos"
_TYPE_ITSELF = 2**63 - 1
_FIELDS, _ONEOFS = 2, 8
"""Where the fields and the oneofs of a message are in the path of a source location."""


def requested() -> list[Descriptor]:
    """Return every message of ours that a request is, or holds."""
    found: dict[str, Descriptor] = {}
    waiting = [method.input_type for method in METHODS]
    while waiting:
        message = waiting.pop()
        if message.full_name not in found and message.full_name.startswith("puppet."):
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type is not None]
    return [message for message in found.values() if not message.GetOptions().map_entry]


def comments() -> dict[str, str]:
    """Return the comments of all fields and oneofs, on one line each, by their full names."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "protos.binpb"
        files = [str(path.relative_to(_PROTOS)) for path in (_PROTOS / "puppet").rglob("*.proto")]
        paths = [f"-I{_PROTOS}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
        done = protoc.main(["protoc", *paths, "--include_source_info", f"--descriptor_set_out={target}", *files])
        assert done == 0
        protos = FileDescriptorSet.FromString(target.read_bytes())
    found = {}
    for file in protos.file:
        for location in file.source_code_info.location:
            match list(location.path):
                case [4, at, kind, number] if kind in (_FIELDS, _ONEOFS):
                    name = _name(file.message_type[at], kind, number)
                    found[f"{file.package}.{name}"] = " ".join(location.leading_comments.split())
    return found


def _name(message: DescriptorProto, kind: int, number: int) -> str:
    return f"{message.name}.{(message.field if kind == _FIELDS else message.oneof_decl)[number].name}"


def unsaid(field: FieldDescriptor, comment: str) -> list[str]:
    """Return what of a field's limits its comment doesn't say, in the words in which it should."""
    plain = re.sub(r" \([^)]*\)", "", comment)
    return [words for words in _words(field) if words.lower() not in plain.lower()]


def _words(field: FieldDescriptor) -> Iterator[str]:
    limits, span, whole = limits_of(field), limits_of(field).range, limits_of(field).whole
    if limits.max_length:
        yield f"{limits.max_length:,} characters"
    if limits.max_bytes:
        yield f"at most {limits.max_bytes:,} bytes"
    if limits.max_key_length:
        yield f"keys up to {limits.max_key_length:,}"
    if limits.HasField("range"):
        yield f"more than {span.min:g}, up to {span.max:g}" if span.above_min else f"{span.min:g} to {span.max:g}"
    if limits.zero_means:
        yield from (f"up to {whole.max:,}", f"0 means {limits.zero_means:,}")
    elif limits.HasField("whole"):
        if whole.max < _TYPE_ITSELF:
            yield f"{whole.min:,} to {whole.max:,}"
        elif whole.min:
            yield f"at least {whole.min:,}"
    if field.is_repeated and (limit := most_items(field)) != MAX_ITEMS:
        yield f"{limit:,}"
    yield from (f"`{name}`" for name in limits.requires)


def says_required(comment: str) -> bool:
    """Tell whether a comment says that the field has to be there."""
    return bool(re.search(r"\brequired\b|\b1 to [\d,]+", comment, re.IGNORECASE))
