"""What is counted of texts, by examples of which the right count is plain."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.character.measures import Vectors, attribution, kept_share, repeated
from benchmarks.character.report import report
from benchmarks.character.texts import BASELINE, PIPELINE, POST, REPLY, Run, Text, draw, markdown, read, write

PERSONAS: dict[str, dict[str, Any]] = {
    "ann": {"style_guide": {"formatting": {"capitalization": "lowercase"}}},
    "bob": {"style_guide": {"formatting": {"uses_emojis": True}}},
}


def said(author: str, text: str, source: str = PIPELINE, kind: str = POST) -> Text:
    """Return a text that took a second, a hundred tokens read and ten written."""
    return Text(source, kind, author, "rain", text, 1.0, 100, 10)


def by_letters(texts: Sequence[str]) -> Vectors:
    """Return vectors of how often each letter stands in a text: those of the same letters are the same."""
    counts = np.array([[text.lower().count(chr(97 + place)) for place in range(26)] for text in texts], np.float32)
    lengths = np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(counts / np.maximum(lengths, 1e-9), np.float32)


def by_place(texts: Sequence[str]) -> Vectors:
    """Return vectors of which none is like another."""
    return np.eye(len(texts), 64, dtype=np.float32)


def test_a_style_is_kept_by_the_authors_own_guide() -> None:
    texts = [said("ann", "the rain is in."), said("ann", "The rain is in."), said("bob", "Rain. 🌧"), said("ann", "🌧")]
    assert kept_share(texts, PERSONAS) == 0.5


def test_texts_of_one_author_that_share_more_than_half_of_their_runs_of_five_words_are_repeated() -> None:
    first, second = "the lamp goes round and nobody asks why it does", "@bob the lamp goes round and nobody asks why"
    third = "the lamp goes round and that is all"
    texts = [said("ann", first), said("ann", second), said("ann", third), said("bob", first)]
    assert repeated(texts, by_place) == [(first, second.removeprefix("@bob "))]


def test_texts_of_one_author_whose_vectors_are_nearly_the_same_are_repeated() -> None:
    texts = [said("ann", "rain on tin"), said("ann", "tin on rain"), said("bob", "rain on tin"), said("ann", "mud")]
    assert repeated(texts, by_letters) == [("rain on tin", "tin on rain")]


def test_a_text_that_comes_three_times_is_repeated_twice() -> None:
    assert len(repeated([said("ann", "one two three")] * 3, by_place)) == 2


def test_authors_with_words_of_their_own_are_known_by_them() -> None:
    texts = [said("ann", "aaa" + "b" * n) for n in range(5)] + [said("bob", "zzz" + "y" * n) for n in range(5)]
    assert attribution(texts, {"ann": 5, "bob": 5}, by_letters, seed=0) == 1.0


def test_authors_who_write_the_same_are_not_known() -> None:
    texts = [said(author, f"a{chr(98 + n) * 3}") for n in range(8) for author in PERSONAS]
    found = attribution(texts, {"ann": 8, "bob": 8}, by_letters, seed=0)
    assert found is not None
    assert found <= 0.5


def test_of_an_author_with_a_single_text_nobody_is_known() -> None:
    assert attribution([said("ann", "a"), said("bob", "b")], {"ann": 1, "bob": 1}, by_letters, seed=0) is None


def test_what_is_shown_is_drawn_by_the_seed_alone_and_without_silences() -> None:
    texts = [said("ann", f"post {n}") for n in range(50)] + [said("ann", "")]
    texts += [said("bob", f"reply {n}", kind=REPLY) for n in range(9)] + [said("bob", "bare", BASELINE)]
    run = Run("small", 1, texts)
    drawn = draw(run, 20, 20, 7)
    assert drawn == draw(run, 20, 20, 7)
    assert drawn != draw(run, 20, 20, 8)
    assert [one.kind for one in drawn] == [POST] * 20 + [REPLY] * 9
    assert all(one.text and one.source == PIPELINE for one in drawn)


def test_a_run_is_kept_and_read_again(tmp_path: Path) -> None:
    run = Run("small", 1, [said("ann", "naïve café"), said("bob", "")])
    assert read(write(run, tmp_path / "out")) == read(tmp_path / "out") == run


def test_a_report_has_the_bare_model_beside_the_pipeline_and_counts_silences_as_cost() -> None:
    texts = [said("ann", "a b c"), said("ann", ""), said("bob", "d e f"), said("bob", "", kind=REPLY)]
    texts += [said("ann", "Loud", BASELINE), said("bob", "fine", BASELINE)]
    made = report(Run("small", 1, texts), PERSONAS, by_place)
    assert "| published | 2 | 2 |" in made
    assert "| rounds that end in silence | 33.3% | 0.0% |" in made
    assert "| keep every hard style rule | 100.0% | 50.0% |" in made
    assert "| seconds for each that is published | 1.5 | 1.0 |" in made
    assert "| tokens read for each | 150 | 100 |" in made
    assert "| bob | 1 | 1 | 0 | 1 | 100% |" in made


@pytest.mark.parametrize("kind", [POST, REPLY])
def test_a_silence_is_shown_as_one(kind: str) -> None:
    assert "*silence: no words*" in markdown([Text(PIPELINE, kind, "ann", "rain", "", 1.0, 1, 1, "no words")])
