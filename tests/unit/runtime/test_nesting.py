"""How deep a JSON text goes."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.nesting import is_shallow

_TEXTS = st.text(alphabet='[]{}"\\a,: ')
_VALUES = st.recursive(_TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=20)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(_VALUES)
def test_a_text_is_as_deep_as_what_it_says(value: Any) -> None:
    depth, text = depth_of(value), json.dumps(value)
    assert is_shallow(text, depth)
    assert depth == 0 or not is_shallow(text, depth - 1)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '"' + "\\" * 99 + "[" * 10, '["\\"' + "[" * 1_000])
def test_whatever_it_is_it_is_judged(text: str) -> None:
    assert isinstance(is_shallow(text, 8), bool)


def test_nobody_is_let_deep_into_a_token() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")
    assert not is_shallow(base64.urlsafe_b64decode(deep + "=" * (-len(deep) % 4)).decode(), 8)
