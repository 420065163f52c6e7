"""The report of a rehearsal: as text, and as a page."""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.rehearsal.costs import PRICES, sources
from puppetctl.rehearsal.html import page
from puppetctl.rehearsal.own_clock import OwnClock, Stretch
from puppetctl.rehearsal.recording import Recording
from puppetctl.rehearsal.report import Report, report
from puppetctl.rehearsal.text import lines
from tests.unit.puppetctl.rehearsal.lives import (
    BEGIN,
    HOSTILE,
    SPEED,
    after,
    full_life,
    life,
    post,
    recording,
    silence,
    writing,
)

_VOID = {"meta", "br"}


class _Page(HTMLParser):
    """Reads a page, and fails where an element isn't closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _report(*recordings: Recording) -> Report:
    return report(recordings, PRICES, sources(is_own=False))


def _text(made: Report, *, explains: bool = False) -> str:
    console = Console(file=io.StringIO(), width=80)
    for part in lines(made, explains=explains):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_text_fits_80_columns_and_tells_of_everything() -> None:
    text = _text(_report(recording(full_life("hello there"))))
    assert max(map(len, text.splitlines())) <= 80
    for title in ("posts by hour", "replies", "kept silent", "failed", "refused by the guard", "near-duplicates"):
        assert title in text
    for title in ("mood", "relationships", "conclusions", "trades", "0.1 SOL", "realised -0.005000", "asleep"):
        assert title in text


def test_a_page_is_whole_and_loads_nothing() -> None:
    text = page(_report(recording(full_life())))
    found = _Page(text)
    assert {"svg", "polyline", "rect", "table"} <= found.tags
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    assert not found.attributes & {"src", "srcset", "action", "onload", "onerror"}
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search("https?://", text)


def test_the_words_of_others_are_words_on_the_page_and_in_the_terminal() -> None:
    made = _report(recording(full_life(HOSTILE), title=HOSTILE), recording(full_life(HOSTILE), title="old.json"))
    text = page(made)
    found = _Page(text)
    assert "script" not in found.tags
    assert "<script>" in "".join(found.words)
    assert "https://evil.example" not in "".join(re.findall(r"<[^>]*>", text))
    assert "\x1b" not in text
    assert "\x1b" not in _text(made)


def test_two_personas_stand_beside_each_other() -> None:
    old = recording(life([post(1, "the old words")]), title="old.json")
    new = recording(life([post(1, "the new words"), post(5, "and more of them")]), title="new.json")
    text = _text(_report(new, old))
    assert re.search(r"new\.json +old\.json", text)
    assert re.search(r"posts +2 +1", text)
    found = "".join(_Page(page(_report(new, old))).words)
    assert "the old words" in found
    assert "the new words" in found


def test_who_was_asked_for_posts_shows_all_of_them_and_no_hours_that_were_not_lived() -> None:
    style = {"style_guide": {"formatting": {"capitalization": "lowercase"}}}
    said = [post(1, f"post number {n}", writing=writing("LENGTH")) for n in range(9)] + [post(2, "A loud one")]
    silent = silence(3, log_pb.PASS_REASON_NO_CANDIDATE)
    silent.writing.CopyFrom(writing("SHAPE"))
    asked = life([*said, silent], persona=style, rounds=11, seconds=25.0)
    made = _report(recording(asked, is_asked=True, ending="it was stopped"))
    assert made.heads[0].startswith("Asked for posts, one after the other, in ")
    text = " ".join(_text(made).split())
    for words in (
        "10, asked 11 times",
        "1 (9%)",
        "2.5 of this machine",
        "9 of 10 texts",
        "breaks its style: it has capitals",
    ):
        assert words in text
    assert all(f"post number {n}" in text for n in range(9))
    assert "by hour" not in text
    assert "fell" not in text
    explained = _text(made, explains=True)
    assert "fell" in explained
    assert "where nothing could be said" in explained
    found = "".join(_Page(page(made)).words)
    assert "1 candidate that fell" in found
    assert "SHAPE: breaks SHAPE" in found
    assert "hour of its day" not in found


def test_a_speed_that_was_not_reached_and_an_early_end_are_said() -> None:
    clock = OwnClock((Stretch(BEGIN, SPEED / 2, after(12)), Stretch(after(12), SPEED / 4)))
    [head] = _report(recording(life(), ending="it was stopped")).heads
    assert "ended before its time: it was stopped" in head
    [head] = _report(Recording("a", [life()], clock, after(48), 3600.0, 7.0, 0, "local")).heads
    assert "1,800 then 900 times as fast as life, not 3,600" in head


@pytest.mark.parametrize("draw", [page, _text])
def test_a_life_in_which_nothing_happened_is_a_report_too(draw: object) -> None:
    assert callable(draw)
    assert "Ann" in draw(_report(recording(life())))
