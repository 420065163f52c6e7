"""What callers are told: words of ours, and no names of classes or libraries."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT


def _named_in_raises(path: Path) -> Iterator[str]:
    """Yield where the class of an error that was caught is named by what is raised in its place."""
    for handler in ast.walk(ast.parse(path.read_text())):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        for raised in (node for node in ast.walk(handler) if isinstance(node, ast.Raise) and node.exc is not None):
            for node in ast.walk(raised):
                match node:
                    case ast.Attribute(
                        value=ast.Call(func=ast.Name(id="type"), args=[ast.Name(id=caught)]), attr="__name__"
                    ) if caught == handler.name:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_refusal_names_the_class_of_what_was_caught() -> None:
    found = [place for path in (ROOT / "services").rglob("*.py") for place in _named_in_raises(path)]
    assert found == []


def test_no_adapter_puts_the_text_of_a_librarys_error_into_a_refusal() -> None:
    found = []
    for path in sorted((ROOT / "services").rglob("adapters/**/*.py")):
        for handler in ast.walk(ast.parse(path.read_text())):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            caught = ast.unparse(handler.type) if handler.type else ""
            for raised in (node for node in ast.walk(handler) if isinstance(node, ast.Raise | ast.Return)):
                for node in ast.walk(raised):
                    match node:
                        case ast.FormattedValue(value=ast.Name(id=name)) if name == handler.name:
                            found.append((path.relative_to(ROOT / "services").as_posix(), caught))
    assert set(found) == OWN


OWN = {
    # Their words are ours: `why` of the answers has found them.
    ("social/adapters/x/network.py", "NotReached"),
    ("social/adapters/x/network.py", "NoAnswer"),
    # The caller's own schema, and what of it is wrong.
    ("llm/adapters/schemas.py", "(ValueError, RecursionError)"),
}
"""Whose errors are put into words of ours before."""
