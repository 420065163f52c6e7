"""Whatever somebody writes, a regular expression reads it in steps that grow as the text does, and no faster."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agents.domain.guard import Candidate, Context, Purpose, review
from services.agents.domain.persona import read_persona
from tests.conftest import ROOT
from tests.support.steps import patterns_in, steps_of

SHORT, LONG = 32, 96
FEW = 12
"""Steps for each sign: a pattern that never needs more for the longer text needs no comparison."""
AS_LONG = 4.5
"""How much more a text of three times the length may cost: three times is linear, and nine times is quadratic."""

PIECES = (
    *"aA19 .,#@$-_:/!\"'?<|{()+=",
    *("a ", "1,", "1 ", "1, ", "a.", "a-", "-a", "a' ", ". ", ".'", "#a ", " #a", "@a ", "$a", "a a ", "aa ", "\u2014"),
    *("\U0001f600", "\u200d\U0001f600", "\u2600\ufe0f", "\U0001f1e6", "http://", "http://a ", "www.", "x://", "1/a"),
    *("BEGIN ", "eyJ", "eyJ-", "Bearer ", "sk-", "fu", "as", "shi", "my ", "not a ", "over ", "post:", "</s>"),
    *("\u2581", '"', '" ', "-(", '-"', "[", "%", "\n", "\0"),
)  # fmt: skip
AROUND = (("", ""), ("", "\0"), ("http://", "!"), ("#", "x"))


def modules() -> Iterator[Path]:
    for folder in ("services", "sandbox"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def patterns() -> dict[str, re.Pattern[str]]:
    """Return every pattern of the services and the sandbox: of their modules, and those written where they are used."""
    found: dict[str, re.Pattern[str]] = {}
    for path in sorted(modules()):
        source = path.read_text()
        if "re." not in source or path.name == "__main__.py":
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for call in ast.walk(ast.parse(source)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[ast.Constant(value=str(written)), *_]):
                    found[f"{name}: {written[:40]}"] = re.compile(written, re.IGNORECASE)
        if "re.compile" in source:
            for label, value in vars(importlib.import_module(name)).items():
                found |= dict(patterns_in(value, f"{name}.{label}"))
    return found


PATTERNS = patterns()


@pytest.fixture(autouse=True)
def _deep() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


def worst(pattern: re.Pattern[str]) -> tuple[float, str]:
    """Return how much more a text of three times the length costs, and of which text that is."""
    found = (0.0, "")
    for piece in PIECES:
        for before, behind in AROUND:
            short, long = (before + piece * (size // len(piece)) + behind for size in (SHORT, LONG))
            if (steps := steps_of(pattern, long)) > FEW * LONG:
                found = max(found, (steps / steps_of(pattern, short), repr(before + piece)))
    return found


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 40
    assert "services.agents.domain.guard.checks._STUTTER" in PATTERNS


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_steps_in_proportion_to_the_text(name: str) -> None:
    growth, piece = worst(PATTERNS[name])
    assert growth < AS_LONG, piece


@pytest.mark.parametrize("written", [r"(?=\w*\d)\w{24,}", r"\s+#", r"(?: #\w+)+$"])
def test_what_is_quadratic_is_seen(written: str) -> None:
    assert worst(re.compile(written))[0] >= AS_LONG


@pytest.mark.parametrize("written", [r"(a+)+$", r"(?:a|aa)*b"])
def test_what_is_exponential_is_seen(written: str) -> None:
    short, long = (steps_of(re.compile(written), "a" * length + "!") for length in (6, 12))
    assert long > 10 * short


def test_a_text_that_nobody_could_post_is_not_looked_at(sample_persona: dict[str, object]) -> None:
    persona = read_persona(sample_persona)
    [reviewed] = review([Candidate("- " * 500_000)], Purpose.POST, persona, Context())
    assert reviewed.verdict.reasons == ("is far too long",)
    assert len(reviewed.text) < 5_000
