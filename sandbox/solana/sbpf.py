"""A small assembler for Solana's virtual machine: instructions in, a program that can be loaded out.

No compiler for it comes with Python. What is here is what `sandbox.solana.router` needs, and no more.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LOAD, _STORE_IMMEDIATE, _STORE = 0x61, 0x62, 0x63
_SIZES = {"b": 0x10, "h": 0x08, "w": 0x00, "dw": 0x18}
_ARITHMETIC = {"add": 0x07, "sub": 0x17, "mul": 0x27, "or": 0x47, "and": 0x57, "lsh": 0x67, "rsh": 0x77, "mov": 0xB7}
_JUMPS = {"ja": 0x05, "jeq": 0x15, "jge": 0x35, "jne": 0x55}
_WIDE, _CALL, _EXIT = 0x18, 0x85, 0x95
_BY_REGISTER = 0x08

_HEADER_BYTES, _SECTION_BYTES, _SYMBOL_BYTES, _LINK_BYTES = 64, 64, 24, 16
_MACHINE_BPF, _SHARED_OBJECT = 247, 3
_PROGRAM_BITS, _STRINGS, _DYNAMIC, _LINKS, _DYNAMIC_SYMBOLS = 1, 3, 6, 9, 11
_ALLOCATED, _ALLOCATED_EXECUTABLE = 2, 6
_TAG_SYMBOLS, _TAG_LINKS, _TAG_LINKS_BYTES, _TAG_LINK_BYTES = 6, 17, 18, 19
_LINK_A_CALL, _GLOBAL_FUNCTION = 10, 0x12


@dataclass(frozen=True, slots=True)
class Label:
    """A place that jumps name."""

    name: str


@dataclass(frozen=True, slots=True)
class Op:
    """One instruction; a jump's `to` is the name of a label, and `calls` a function that the loader links."""

    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    value: int = 0
    to: str = ""
    calls: str = ""

    @property
    def slots(self) -> int:
        """How many places of eight bytes it takes."""
        return 2 if self.code == _WIDE else 1


def load(size: str, target: int, source: int, offset: int = 0) -> Op:
    """Read memory at a register plus an offset: `b` 1, `h` 2, `w` 4 or `dw` 8 bytes."""
    return Op(_LOAD | _SIZES[size], target, source, offset)


def store(size: str, target: int, offset: int, source: int) -> Op:
    """Write a register to memory at a register plus an offset."""
    return Op(_STORE | _SIZES[size], target, source, offset)


def put(size: str, target: int, offset: int, value: int) -> Op:
    """Write a number to memory at a register plus an offset."""
    return Op(_STORE_IMMEDIATE | _SIZES[size], target, 0, offset, value)


def number(name: str, target: int, value: int) -> Op:
    """Compute with a register and a number of 32 bits: `add`, `sub`, `mul`, `or`, `and`, `lsh`, `rsh`, `mov`."""
    return Op(_ARITHMETIC[name], target, value=value)


def register(name: str, target: int, source: int) -> Op:
    """Compute with two registers."""
    return Op(_ARITHMETIC[name] | _BY_REGISTER, target, source)


def wide(target: int, value: int) -> Op:
    """Set a register to a number of 64 bits."""
    return Op(_WIDE, target, value=value)


def jump(to: str) -> Op:
    """Go on at a label."""
    return Op(_JUMPS["ja"], to=to)


def jump_if(name: str, left: int, value: int, to: str) -> Op:
    """Go on at a label when `jeq`, `jne` or `jge` holds for a register and a number."""
    return Op(_JUMPS[name], left, value=value, to=to)


def jump_if_register(name: str, left: int, right: int, to: str) -> Op:
    """Go on at a label when `jeq`, `jne` or `jge` holds for two registers."""
    return Op(_JUMPS[name] | _BY_REGISTER, left, right, to=to)


def call(name: str) -> Op:
    """Call a function of the runtime."""
    return Op(_CALL, value=-1, calls=name)


def leave() -> Op:
    """End the program; register 0 is its result, and 0 is success."""
    return Op(_EXIT)


def assemble(steps: Sequence[Op | Label]) -> bytes:
    """Return the program as a shared object in the ELF format."""
    places: dict[str, int] = {}
    at = 0
    for step in steps:
        if isinstance(step, Label):
            places[step.name] = at
        else:
            at += step.slots
    text, at, links = b"", 0, []
    for step in steps:
        if isinstance(step, Op):
            if step.calls:
                links.append((len(text), step.calls))
            text += _encode(step, at, places)
            at += step.slots
    return _elf(text, links)


def _encode(op: Op, at: int, places: Mapping[str, int]) -> bytes:
    offset = places[op.to] - at - 1 if op.to else op.offset
    low = op.value & 0xFFFFFFFF
    encoded = struct.pack("<BBhI", op.code, op.source << 4 | op.target, offset, low)
    return encoded + struct.pack("<II", 0, op.value >> 32 & 0xFFFFFFFF) if op.slots > 1 else encoded


def _elf(text: bytes, links: Sequence[tuple[int, str]]) -> bytes:
    """Lay out an object in which the places `links` of the text call functions of the runtime."""
    called = list(dict.fromkeys(name for _at, name in links))
    strings, symbols = b"\0", bytes(_SYMBOL_BYTES)
    for name in called:
        symbols += struct.pack("<IBBHQQ", len(strings), _GLOBAL_FUNCTION, 0, 0, 0, 0)
        strings += name.encode() + b"\0"
    text_at = _HEADER_BYTES
    symbols_at = text_at + len(text)
    links_at = symbols_at + len(symbols)
    linked = b"".join(
        struct.pack("<QQ", text_at + at, called.index(name) + 1 << 32 | _LINK_A_CALL) for at, name in links
    )
    tags = {_TAG_SYMBOLS: symbols_at, _TAG_LINKS: links_at, _TAG_LINKS_BYTES: len(linked), _TAG_LINK_BYTES: _LINK_BYTES}
    # The table of tags ends with one that is zero.
    dynamic = b"".join(struct.pack("<QQ", tag, value) for tag, value in [*tags.items(), (0, 0)])
    parts = [
        (".text", _PROGRAM_BITS, _ALLOCATED_EXECUTABLE, text, 0, 0),
        (".dynsym", _DYNAMIC_SYMBOLS, _ALLOCATED, symbols, 5, _SYMBOL_BYTES),
        (".rel.dyn", _LINKS, _ALLOCATED, linked, 2, _LINK_BYTES),
        (".dynamic", _DYNAMIC, _ALLOCATED, dynamic, 5, 16),
        (".dynstr", _STRINGS, _ALLOCATED, strings, 0, 0),
        (".shstrtab", _STRINGS, 0, b"", 0, 0),
    ]
    names = b"\0" + b"".join(part[0].encode() + b"\0" for part in parts)
    body, sections = b"", bytes(_SECTION_BYTES)
    for name, kind, flags, content, link, entry in parts:
        at, content = _HEADER_BYTES + len(body), content or names
        address = at if flags else 0
        sections += struct.pack(
            "<IIQQQQIIQQ", names.index(name.encode() + b"\0"), kind, flags, address, at, len(content), link, 0, 8, entry
        )
        body += content
    sections_at = (_HEADER_BYTES + len(body) + 7) // 8 * 8
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH",
        _SHARED_OBJECT, _MACHINE_BPF, 1, text_at, 0, sections_at, 0,
        _HEADER_BYTES, 56, 0, _SECTION_BYTES, len(parts) + 1, len(parts),
    )  # fmt: skip
    return (header + body).ljust(sections_at, b"\0") + sections
