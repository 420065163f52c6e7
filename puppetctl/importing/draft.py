"""A persona in the making: each value of the source becomes part of it or is left, once, and is told of."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from puppetctl.importing import limits, texts
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.markdown import MarkdownFiles, Sections
from puppetctl.importing.secrets import looks_secret, names_secret

_MAX_VALUES = 100_000
_MAX_LEVELS = 60
_MAX_TEXT = 50_000
"""Of a text before it is read: nothing of a persona holds as much, and a lorebook's entry is a page or two."""

_EMPTY: tuple[Any, ...] = ("", None, [], {})
_SECRET = "is a secret, and is written nowhere"  # noqa: S105 - what is said of one
_LOOKS_SECRET = "has something in it that looks like a key"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Code:
    """Something in a program's file that is no literal: it would have to be run, and isn't."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one value: where it went, or why it was left. `note` also says how it was changed."""

    source: str
    targets: tuple[str, ...]
    note: str

    @property
    def is_taken(self) -> bool:
        """Whether the persona has it."""
        return bool(self.targets)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the source, at its path; one that isn't there is None, and no row is about it."""

    draft: "Draft"
    path: str
    names: tuple[str, ...]
    value: Any

    def __bool__(self) -> bool:
        return self.value not in (None, "", [], {})

    def get(self, *names: str) -> "Node":
        """Return what an object has under these names, from the outermost inwards."""
        node = self
        for name in names:
            value = node.value.get(name) if isinstance(node.value, dict) else None
            node = node.draft.below(node, name, value)
        return node

    def fields(self) -> "list[tuple[str, Node]]":
        """Return the fields of an object, none for anything else."""
        value = self.value if isinstance(self.value, dict) else {}
        return [(name, self.draft.below(self, name, item)) for name, item in value.items()]

    def items(self) -> "list[Node]":
        """Return the entries of a list; anything else that is there is the only one."""
        if isinstance(self.value, list):
            return [self.draft.below(self, at, item) for at, item in enumerate(self.value)]
        return [] if self.value is None else [self]

    @property
    def raw(self) -> str:
        """The text as it stands; empty for anything else."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def text(self) -> str:
        """The text as it may be used; empty when it may not."""
        return self.draft.words(self)

    def take(self, *targets: str, note: str = "") -> None:
        """Tell that these fields of the persona have what is here."""
        self.draft.settle(self, targets, note)

    def leave(self, why: str) -> None:
        """Tell why all that is here and wasn't spoken of is left."""
        self.draft.settle(self, (), why)


@dataclass(slots=True)
class Draft:
    """The persona, and the rows about its source. Raises Unreadable when the source holds too much for a character."""

    source: Any
    persona: dict[str, Any] = field(default_factory=dict)
    resolve: Callable[[str], str] = str
    """What is done with placeholders."""
    wanted_name: str = ""
    """What to call the character instead of what the source does."""
    place: str = ""
    """What the file or folder is called, for sources that don't say who they are."""
    _rows: dict[str, Row] = field(default_factory=dict)
    _order: dict[str, Any] = field(default_factory=dict)
    _secret: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path, names, value in _leaves("", (), self.source, 0):
            if len(self._order) >= _MAX_VALUES:
                raise Unreadable(f"holds more than {_MAX_VALUES:,} values")
            self._order[path] = value
            if value not in _EMPTY and not isinstance(value, bool) and names_secret(names):
                self._secret.add(path)

    @property
    def root(self) -> Node:
        """The source."""
        return Node(self, "", (), self.source)

    @property
    def name(self) -> str:
        """The character's name, once it is known."""
        return str(self.persona.get("name", ""))

    def below(self, node: Node, key: str | int, value: Any) -> Node:
        """Return what lies in a node."""
        names = (*node.names, key) if isinstance(key, str) else node.names
        return Node(self, path_of(node.path, key, node.value), names, value)

    def words(self, node: Node) -> str:
        """Return a text without markup and with placeholders filled in; one that may not be used is left, and empty."""
        said = self.unresolved(node)
        if said and not (resolved := self.resolve(said).strip()):
            node.leave("has no words")
        return resolved if said else ""

    def unresolved(self, node: Node) -> str:
        """Return a text without markup, with its placeholders; one that may not be used is left, and empty."""
        if node.path in self._secret:
            node.leave(_SECRET)
        elif isinstance(node.value, str):
            said = texts.clean(node.value[:_MAX_TEXT])
            if looks_secret(said) or looks_secret(node.value[:_MAX_TEXT]):
                node.leave(_LOOKS_SECRET)
            elif said:
                return said
            else:
                node.leave("has no words" if node.value.strip() else "is empty")
        elif isinstance(node.value, Code):
            node.leave(_code(node.value))
        elif node.value is not None:
            node.leave("must be a text")
        return ""

    def settle(self, node: Node, targets: tuple[str, ...], note: str) -> None:
        """Write the rows of a node's values that have none; what was taken before may be taken for more."""
        for path, _, value in _leaves(node.path, node.names, node.value, 0):
            if path not in self._order:
                continue
            row = self._rows.get(path)
            if row is None:
                self._rows[path] = self._row(path, value, targets, note)
            elif row.is_taken and targets:
                self._rows[path] = Row(path, tuple(dict.fromkeys((*row.targets, *targets))), row.note or note)

    def set(self, target: str, value: Any) -> None:
        """Set a field of the persona."""
        *outer, last = target.split(".")
        section = self.persona
        for name in outer:
            section = section.setdefault(name, {})
        section[last] = value

    def is_settled(self, node: Node) -> bool:
        """Tell whether a value has its row."""
        return node.path in self._rows

    def put(self, target: str, node: Node, limit: int, *, is_line: bool = False) -> bool:
        """Make a text a field of the persona, as far as it fits; tell whether there was one."""
        said = texts.line(node.text) if is_line else node.text
        if not said:
            return False
        kept = texts.cut_anywhere(said, limit)
        self.set(target, kept)
        node.take(target, note=_cut(said, kept))
        return True

    def join(self, target: str, nodes: Iterable[Node], limit: int) -> None:
        """Make sentences one field of the persona; what doesn't fit is left."""
        said = self._at(target) or ""
        for node in nodes:
            if not (text := texts.sentence(texts.line(node.text))):
                continue
            room = limit - len(said) - 1
            kept = texts.cut(text, room) if room > 0 else ""
            if not kept:
                node.leave(f"has no room in {target}, which has {limit:,} characters")
                continue
            said = f"{said} {kept}".strip()
            self.set(target, said)
            node.take(target, note=_cut(text, kept))

    def add(
        self,
        target: str,
        nodes: Iterable[Node],
        item: int = limits.PORTRAIT_ITEM,
        total: int = limits.PORTRAIT_LIST,
    ) -> None:
        """Add texts to a list of the persona; what doesn't fit, and what is there already, is left."""
        for node in nodes:
            if said := texts.line(node.text):
                self.add_text(target, node, [said], item, total)

    def add_text(self, target: str, node: Node, entries: Sequence[str], item: int, total: int, note: str = "") -> None:
        """Add what a node says to a list of the persona, in these words."""
        if len(self._at(target) or []) >= limits.ENTRIES:
            node.leave(f"has no room in {target}, which has {limits.ENTRIES:,} entries")
            return
        there = list(self._at(target) or [])
        known, size, before = {one.casefold() for one in there}, sum(map(len, there)), len(there)
        why = "is there already"
        for entry in entries:
            kept = texts.cut_anywhere(entry, item)
            if kept.casefold() in known:
                continue
            if len(there) >= limits.ENTRIES or size + len(kept) > total:
                why = f"has no room in {target}, which has {total:,} characters"
                continue
            there.append(kept)
            known.add(kept.casefold())
            size += len(kept)
            note = note or _cut(entry, kept)
        if len(there) == before:
            node.leave(why)
            return
        self.set(target, there)
        node.take(target, note=note)

    def remember(self, target: str, nodes: Iterable[Node]) -> None:
        """Add texts to a list of memories, long ones in pieces."""
        for node in nodes:
            if said := node.text:
                self.remember_text(target, node, said)

    def remember_text(self, target: str, node: Node, said: str, note: str = "") -> None:
        """Add what a node says to a list of memories, in these words."""
        parts = [texts.line(piece) for piece in texts.pieces(said, limits.PIECE)]
        note = note or (f"in {len(parts)} pieces" if len(parts) > 1 else "")
        self.add_text(target, node, parts, limits.PIECE, limits.PERSONA_BYTES, note)

    def know(self, heading: str, node: Node, said: str = "", named: Node | None = None) -> None:
        """Add what a node says to the knowledge under a heading, which `named` says; long texts come in pieces."""
        said = said or node.text
        if not said:
            return
        shelves = self._at("initial_memory.knowledge_base") or {}
        heading = texts.line(heading)[:100].strip() or "known"
        shelf = shelves.setdefault(heading, [])
        parts = [texts.line(piece) for piece in texts.pieces(said, limits.PIECE)]
        if len(shelf) + len(parts) > limits.ENTRIES:
            node.leave(f"has no room in the knowledge, which has {limits.ENTRIES:,} entries under a heading")
            return
        shelf += [part for part in parts if part not in shelf]
        self.set("initial_memory.knowledge_base", shelves)
        note = f"in {len(parts)} pieces" if len(parts) > 1 else ""
        node.take(_shelf(heading), note=note)
        if named is not None:
            named.take(_shelf(heading), note="is the heading")

    def close(self) -> list[Row]:
        """Return all rows, in the order of the source. Raises Unreadable when nobody was found in it."""
        if self.wanted_name:
            self.persona["name"] = self.wanted_name
        if not self.name:
            raise Unreadable("doesn't say what the character is called: give it a --name")
        self._shorten()
        rows = []
        for path, value in self._order.items():
            rows.append(self._rows.get(path) or self._row(path, value, (), _why_left(value)))
        return rows

    def _row(self, path: str, value: Any, targets: tuple[str, ...], note: str) -> Row:
        if path in self._secret:
            return Row(path, (), _SECRET)
        if not targets and isinstance(value, Code):
            note = _code(value)
        if not targets and value in _EMPTY:
            note = "is empty"
        return Row(path, targets, note)

    def _at(self, target: str) -> Any:
        section: Any = self.persona
        for name in target.split("."):
            section = section.get(name) if isinstance(section, dict) else None
        return section

    def _shorten(self) -> None:
        """Leave knowledge, the last of it first, until the persona is as small as it has to be."""
        shelves = self._at("initial_memory.knowledge_base")
        # On the wire a text takes a few bytes more than it has here.
        excess = _size(self.persona) - limits.PERSONA_BYTES * 9 // 10
        gone = set()
        for heading in reversed(list(shelves or {})):
            if excess <= 0:
                break
            excess -= _size({heading: shelves.pop(heading)})
            gone.add(_shelf(heading))
        for path, row in self._rows.items() if gone else ():
            if gone & set(row.targets):
                others = tuple(target for target in row.targets if target not in gone)
                self._rows[path] = Row(path, others, "has no room: a persona has at most 1 MiB")


def path_of(outer: str, key: str | int, holder: Any) -> str:
    """Return the path of what lies in `holder`; names with dots or brackets in them are quoted.

    A block of Markdown has its file's name, the headings above it, and its number among the blocks below these.
    """
    if isinstance(key, int):
        return f"{outer}[{key}]"
    if isinstance(holder, MarkdownFiles | Sections):
        return f"{outer}#{key}" if outer else key
    if not key or set(key) & set('.[]"'):
        return f"{outer}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{outer}.{key}" if outer else key


def _leaves(path: str, names: tuple[str, ...], value: Any, level: int) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    if level > _MAX_LEVELS:
        raise Unreadable(f"is nested more than {_MAX_LEVELS} levels deep")
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(path_of(path, name, value), (*names, name), item, level + 1)
    elif isinstance(value, list) and value:
        for at, item in enumerate(value):
            yield from _leaves(path_of(path, at, value), names, item, level + 1)
    else:
        yield path, names, value


def _shelf(heading: str) -> str:
    return f"initial_memory.knowledge_base[{json.dumps(heading, ensure_ascii=False)}]"


def _cut(said: str, kept: str) -> str:
    return "" if len(said) == len(kept) else f"cut to {len(kept):,} of {len(said):,} characters"


def _code(value: Code) -> str:
    return f"is code, which is not run: {texts.line(value.text)[:60]}"


def _why_left(value: Any) -> str:
    return "is empty" if value in _EMPTY else "no field of a persona is like it"


def _size(persona: Any) -> int:
    return len(json.dumps(persona, ensure_ascii=False).encode())
