"""Sheets that don't say where a text comes from, and their count."""

import csv
import json
from pathlib import Path

import pytest

from benchmarks.character.judging import (
    READERS,
    JudgingError,
    chance_corrected,
    items_of,
    main,
    tally,
    write_sheets,
)
from benchmarks.character.texts import PIPELINE, POST, REPLY, Run, Text, write

SOURCES = ("after", "before")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the sheets of two sources, with six posts and two replies each."""
    items = []
    for source in SOURCES:
        texts = [Text(PIPELINE, POST, "odd", "rain", f"@pia post {n} {source[0]}", 1.0, 1, 1) for n in range(9)]
        texts += [Text(PIPELINE, REPLY, "pia", "hello", f"reply {n} {source[0]}", 1.0, 1, 1) for n in range(2)]
        write(Run("small", 1, texts), tmp_path / source)
        items += items_of(source, tmp_path / source, 6, 2, seed=3)
    write_sheets(tmp_path / "judged", items, seed=3)
    return tmp_path / "judged"


def _rows(folder: Path, reader: str) -> list[dict[str, str]]:
    with (folder / f"sheet-{reader}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _fill(folder: Path, reader: str, passes: set[str]) -> None:
    rows = [{**row, "verdict": "pass" if row["id"] in passes else " FAIL"} for row in _rows(folder, reader)]
    with (folder / f"sheet-{reader}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_both_readers_get_all_texts_in_orders_of_their_own_and_nothing_of_where_they_come_from(folder: Path) -> None:
    first, second = (_rows(folder, reader) for reader in READERS)
    assert len(first) == 16
    assert sorted(row["id"] for row in first) == sorted(row["id"] for row in second)
    assert [row["id"] for row in first] != [row["id"] for row in second]
    for reader in READERS:
        words = (folder / f"sheet-{reader}.csv").read_text()
        assert not any(source in words for source in (*SOURCES, PIPELINE))
    assert {row["answers"] for row in first} == {"", "hello"}
    assert not any("@" in row["text"] for row in first)


def test_the_characters_page_says_who_they_are(folder: Path) -> None:
    page = (folder / "characters.md").read_text()
    assert "## odd" in page
    assert "## pia" in page
    assert "## basil" not in page


def test_ids_do_not_follow_the_order_of_the_sources(folder: Path) -> None:
    key = json.loads((folder / "key.json").read_text())
    sources = [key[name]["source"] for name in sorted(key)]
    assert sources not in (sorted(sources), sorted(sources, reverse=True))


def test_verdicts_are_counted_by_source_and_what_both_pass_is_fit(folder: Path) -> None:
    key = json.loads((folder / "key.json").read_text())
    after = [name for name, item in key.items() if (item["source"], item["kind"]) == ("after", POST)]
    _fill(folder, "first", set(after[:4]))
    _fill(folder, "second", set(after[2:]))
    counts, agreed, texts = tally(folder)
    [one] = [count for count in counts if (count.source, count.kind) == ("after", POST)]
    assert (one.texts, one.passed, one.passed_by_both) == (6, {"first": 4, "second": 4}, 2)
    assert (agreed, texts) == (12, 16)
    assert chance_corrected(counts, agreed, texts) == pytest.approx(1 / 3)


def test_a_sheet_that_is_not_filled_in_is_not_counted(folder: Path) -> None:
    _fill(folder, "first", set())
    with pytest.raises(JudgingError, match=r"sheet-second\.csv: t\d+: the verdict is '', and has to be pass or fail"):
        tally(folder)


def test_a_list_of_texts_by_hand_is_a_source_too(tmp_path: Path) -> None:
    given = [{"author": "odd", "text": "fog."}, {"author": "odd", "answers": "hello", "text": "hello back."}]
    path = tmp_path / "hand.json"
    path.write_text(json.dumps(given))
    assert [one.kind for one in items_of("hand", path, 1, 1, seed=0)] == [POST, REPLY]
    path.write_text('[{"text": "by nobody"}]')
    with pytest.raises(JudgingError, match=r"hand\.json: no texts can be read there"):
        items_of("hand", path, 1, 1, seed=0)


def test_the_commands_write_sheets_and_print_the_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [f"{source}={folder.parent / source}" for source in SOURCES]
    main(["sheet", str(folder), *runs, "--seed", "4", "--posts", "2", "--replies", "1"])
    assert "6 texts" in capsys.readouterr().out
    for reader in READERS:
        _fill(folder, reader, set())
    main(["tally", str(folder)])
    assert "They agree on 6 of 6" in capsys.readouterr().out
