"""Objects in text: JSON, JSON as people write it by hand, and the literals of a TypeScript or JavaScript file.

The file is parsed by TypeScript's grammar, and nothing of it is run: what isn't a literal becomes Code.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tree_sitter import Language, Node, Parser
from tree_sitter_typescript import language_typescript

from puppetctl.importing.draft import Code
from puppetctl.importing.errors import Unreadable

_PROGRAM = re.compile(r"^[ \t]*(?:import|export|const|let|var|module\.exports|exports\.)\b", re.MULTILINE)
_MAX_CODE = 2**18
_MAX_LEVELS = 60
_MAX_VALUES = 100_000
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "", "\n": ""}
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}
_WRAPPERS = frozenset(("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"))


def is_program(text: str) -> bool:
    """Tell whether a text is a program's file."""
    return bool(_PROGRAM.search(text)) and not text.lstrip().startswith(("#", "---"))


def read_json(text: str) -> Any:
    """Return what JSON says, also with comments, commas too many, single quotes and bare names.

    Raises Unreadable with the line and column of what is wrong.
    """
    try:
        # What JSON can't say, and Python's reader takes all the same, is no text or number either.
        return json.loads(text, parse_constant=Code, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        with contextlib.suppress(Unreadable):
            return _by_hand(text)
        raise Unreadable(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except ValueError:
        raise Unreadable("holds a number that is too long") from None


def read_program(text: str) -> Iterator[tuple[str, Any]]:
    """Go through the objects and lists that a program's file declares or exports, by their names.

    Raises Unreadable with the line and column of the first thing that is no TypeScript.
    """
    root = _parse(text)
    found = {name: node for statement in root.named_children for name, node in _declared(statement)}
    reader = _Reader(found)
    for name in found:
        value = reader.declared(name, 0)
        if isinstance(value, dict | list):
            yield name, value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that stands in it twice the last value counts, and the other one is told of."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            found[f"{name} (said before)"] = found[name]
        found[name] = value
    return found


def _by_hand(text: str) -> Any:
    root = _parse(f"({text}\n)")
    statements = [node for node in root.named_children if node.type != "comment"]
    if len(statements) != 1 or statements[0].type != "expression_statement":
        raise Unreadable("is no object")
    value = _Reader({}).value(statements[0].named_children[0])
    if not isinstance(value, dict | list):
        raise Unreadable("is no object")
    return value


def _parse(text: str) -> Node:
    data = text.encode("utf-8", "replace")
    if len(data) > _MAX_CODE:
        raise Unreadable(f"has more than {_MAX_CODE:,} bytes, which is too much for a program's file")
    root = Parser(Language(language_typescript())).parse(data).root_node
    if root.has_error:
        place = _first_error(root).start_point
        raise Unreadable(f"line {place.row + 1}, column {place.column + 1}: is no TypeScript")
    return root


def _first_error(root: Node) -> Node:
    node = root
    while not node.is_error and not node.is_missing:
        below = next((child for child in node.children if child.has_error or child.is_missing), None)
        if below is None:
            return node
        node = below
    return node


def _declared(statement: Node) -> Iterator[tuple[str, Node]]:
    if statement.type == "export_statement":
        value = statement.child_by_field_name("value")
        # What is declared above and only exported here is there already.
        if value is not None and value.type != "identifier":
            yield "default", value
        for child in statement.named_children:
            yield from _declared(child)
    elif statement.type in ("lexical_declaration", "variable_declaration"):
        for declarator in statement.named_children:
            name, value = (declarator.child_by_field_name(field) for field in ("name", "value"))
            if name is not None and value is not None and name.type == "identifier":
                yield _text(name), value
    elif statement.type == "expression_statement":
        first = statement.named_children[0]
        if first.type == "assignment_expression":
            left, right = (first.child_by_field_name(field) for field in ("left", "right"))
            if left is not None and right is not None and _text(left).startswith(("module.exports", "exports.")):
                yield _text(left), right


class _Reader:
    """Reads literals; a name that the file declares stands for its literal."""

    def __init__(self, declared: dict[str, Node]) -> None:
        self._declared = declared
        self._open: list[str] = []
        self._read = 0
        self._readers: dict[str, Callable[[Node, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "identifier": self._named,
            "shorthand_property_identifier": self._named,
            "binary_expression": self._sum,
            "call_expression": self._joined,
        }

    def value(self, node: Node, level: int = 0) -> Any:
        self._read += 1
        if level > _MAX_LEVELS:
            raise Unreadable(f"is nested more than {_MAX_LEVELS} levels deep")
        # A list of names that stand for lists of names, and so on, is short to write.
        if self._read > _MAX_VALUES:
            raise Unreadable(f"holds more than {_MAX_VALUES:,} values")
        while node.type in _WRAPPERS:
            node = _inner(node)
        if node.type in _CONSTANTS:
            return _CONSTANTS[node.type]
        if node.type in ("number", "unary_expression"):
            return _number(node)
        if node.type in ("string", "template_string"):
            return self._string(node)
        read = self._readers.get(node.type)
        return Code(_text(node)) if read is None else read(node, level)

    def _object(self, node: Node, level: int) -> Any:
        found: dict[str, Any] = {}
        for child in node.named_children:
            if child.type == "pair":
                key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    found[self._key(key)] = self.value(value, level + 1)
            elif child.type == "shorthand_property_identifier":
                found[_text(child)] = self.value(child, level + 1)
            elif child.type == "spread_element":
                spread = self.value(_inner(child), level + 1)
                found |= spread if isinstance(spread, dict) else {_text(child)[:60]: Code(_text(child))}
            elif child.type != "comment":
                found[_text(child).partition("(")[0][:60]] = Code(_text(child))
        return found

    def _array(self, node: Node, level: int) -> Any:
        found: list[Any] = []
        for child in node.named_children:
            if child.type == "spread_element":
                spread = self.value(_inner(child), level + 1)
                found += spread if isinstance(spread, list) else [Code(_text(child))]
            elif child.type != "comment":
                found.append(self.value(child, level + 1))
        return found

    def _key(self, node: Node) -> str:
        if node.type == "computed_property_name":
            node = _inner(node)
        return self._string(node) if node.type in ("string", "template_string") else _text(node)

    def _string(self, node: Node) -> Any:
        parts = []
        for child in node.named_children:
            if child.type == "template_substitution":
                return Code(_text(node))
            parts.append(_unescaped(_text(child)) if child.type == "escape_sequence" else _text(child))
        # A character beyond the first 65,536 is written as two halves.
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _named(self, node: Node, level: int) -> Any:
        return self.declared(_text(node), level)

    def declared(self, name: str, level: int) -> Any:
        """Return what the file declares under a name."""
        if name not in self._declared or name in self._open:
            return Code(name)
        self._open.append(name)
        try:
            return self.value(self._declared[name], level + 1)
        finally:
            self._open.pop()

    def _sum(self, node: Node, level: int) -> Any:
        """Read texts with a plus between them; the first of many lies deepest."""
        whole, parts = node, []
        while node.type == "binary_expression" and (operator := node.child_by_field_name("operator")) is not None:
            left, right = (node.child_by_field_name(field) for field in ("left", "right"))
            if left is None or right is None or operator.type != "+":
                return Code(_text(whole))
            parts.append(self.value(right, level + 1))
            node = left
        parts.append(self.value(node, level + 1))
        is_text = all(isinstance(part, str) for part in parts)
        return "".join(reversed(parts)) if is_text else Code(_text(whole))

    def _joined(self, node: Node, level: int) -> Any:
        """Read `[...].join(" ")`, which is how long texts are written in programs."""
        function, arguments = (node.child_by_field_name(field) for field in ("function", "arguments"))
        if function is not None and arguments is not None and function.type == "member_expression":
            method, whole = function.child_by_field_name("property"), function.child_by_field_name("object")
            given = [self.value(child, level + 1) for child in arguments.named_children]
            if method is not None and whole is not None and _text(method) == "join" and len(given) == 1:
                parts = self.value(whole, level + 1)
                if isinstance(parts, list) and all(isinstance(part, str) for part in (*parts, *given)):
                    return str(given[0]).join(parts)
        return Code(_text(node))


def _inner(node: Node) -> Node:
    return next(child for child in node.named_children if child.type != "comment")


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _number(node: Node) -> Any:
    said = _text(node).replace("_", "").replace(" ", "")
    try:
        return int(said, 0) if re.fullmatch(r"[+-]?(?:\d{1,300}|0[xX][\da-fA-F]{1,100})", said) else float(said)
    except ValueError:
        return Code(_text(node))


def _unescaped(sequence: str) -> str:
    said = sequence[1:]
    if said[:1] in ("u", "x"):
        code = int(said[1:].strip("{}"), 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    return _ESCAPES.get(said, said)
