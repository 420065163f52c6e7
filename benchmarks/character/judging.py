"""Sheets for readers who judge texts without knowing where they come from, and the count of what they say.

`python -m benchmarks.character.judging sheet FOLDER --seed N NAME=FILE...` writes a sheet for each of two readers, in
orders of their own, and the key that says what came from where. `... tally FOLDER` counts the sheets that were filled
in. How a text is judged stands in RUBRIC.md.
"""

import argparse
import csv
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.character.texts import PIPELINE, POST, REPLY, draw, read
from puppetctl import DEMO_PERSONAS
from puppetctl.characters.personas import persona_files, read_personas
from puppetctl.rehearsal.style import bare

READERS = ("first", "second")
_COLUMNS = ("id", "character", "answers", "text", "verdict", "fails")
_KEY, _CAST = "key.json", "characters.md"
_PASS, _FAIL = "pass", "fail"
_MORE = Path(__file__).with_name("personas")
_SHOWN = 5


class JudgingError(Exception):
    """A file can't be judged or counted; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Item:
    """A text that is judged, and where it comes from."""

    source: str
    kind: str
    author: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """What two readers say of a source's posts, or replies."""

    source: str
    kind: str
    texts: int
    passed: Mapping[str, int]
    """By reader."""
    passed_by_both: int


def items_of(source: str, path: Path, posts: int, replies: int, seed: int) -> list[Item]:
    """Return texts of a source: those drawn from a run of the benchmark, or all of a list of others.

    They are without the handles in front, which no text by hand has. Such a list is JSON: objects
    with `author`, `text`, and for a reply `answers`. Raises JudgingError.
    """
    try:
        given = json.loads((path / "texts.json" if path.is_dir() else path).read_text(encoding="utf-8"))
        if isinstance(given, dict):
            drawn = draw(read(path), posts, replies, seed, PIPELINE)
            return [Item(source, one.kind, one.author, one.about, bare(one.text)) for one in drawn]
        return [
            Item(source, REPLY if one.get("answers") else POST, one["author"], one.get("answers", ""), one["text"])
            for one in given
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise JudgingError(f"{path}: no texts can be read there ({type(error).__name__}: {error})") from None


def write_sheets(folder: Path, items: Sequence[Item], seed: int) -> None:
    """Write a sheet for each reader, the key, and who the characters are. No sheet says where a text comes from."""
    folder.mkdir(parents=True, exist_ok=True)
    mixed = random.Random(f"{seed}/ids").sample(items, len(items))
    named = {f"t{number:03}": item for number, item in enumerate(mixed, 1)}
    key = {name: {"source": item.source, "kind": item.kind} for name, item in named.items()}
    (folder / _KEY).write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    (folder / _CAST).write_text(_characters({item.author for item in items}), encoding="utf-8")
    for reader in READERS:
        order = random.Random(f"{seed}/{reader}").sample(sorted(named), len(named))
        with _sheet(folder, reader).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            for name in order:
                item = named[name]
                writer.writerow([name, item.author, item.about if item.kind == REPLY else "", item.text, "", ""])


def tally(folder: Path) -> tuple[list[Count], int, int]:
    """Return what the readers say of each source, and on how many of how many texts they agree. Raises JudgingError."""
    key = json.loads((folder / _KEY).read_text(encoding="utf-8"))
    verdicts = {reader: _verdicts(_sheet(folder, reader), key) for reader in READERS}
    groups: dict[tuple[str, str], list[str]] = {}
    for name, item in key.items():
        groups.setdefault((item["source"], item["kind"]), []).append(name)
    counts = [
        Count(
            source,
            kind,
            len(names),
            {reader: sum(verdicts[reader][name] for name in names) for reader in READERS},
            sum(all(verdicts[reader][name] for reader in READERS) for name in names),
        )
        for (source, kind), names in sorted(groups.items())
    ]
    first, second = (verdicts[reader] for reader in READERS)
    return counts, sum(first[name] == second[name] for name in key), len(key)


def chance_corrected(counts: Sequence[Count], agreed: int, texts: int) -> float | None:
    """Return Cohen's kappa: 1 is full agreement, 0 what chance would bring; None where nobody differs at all."""
    shares = [sum(one.passed[reader] for one in counts) / texts for reader in READERS]
    by_chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    return None if by_chance == 1 else (agreed / texts - by_chance) / (1 - by_chance)


def _verdicts(path: Path, key: Mapping[str, object]) -> dict[str, bool]:
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, verdict = row.get("id") or "", (row.get("verdict") or "").strip().lower()
            if verdict not in (_PASS, _FAIL):
                raise JudgingError(f"{path}: {name}: the verdict is {verdict!r}, and has to be {_PASS} or {_FAIL}")
            found[name] = verdict == _PASS
    if missing := sorted(key.keys() - found.keys()):
        raise JudgingError(f"{path}: {missing[0]} isn't judged, with {len(missing) - 1} more")
    return found


def _sheet(folder: Path, reader: str) -> Path:
    return folder / f"sheet-{reader}.csv"


def _characters(wanted: set[str]) -> str:
    """Return who the characters are, and how they speak, as a reader has to know it."""
    files, _ = read_personas([*persona_files(DEMO_PERSONAS), *persona_files(_MORE)])
    parts = []
    for file in files:
        if file.id in wanted:
            examples = [one["post"] for one in file.persona["post_examples"][:_SHOWN]]
            voice = file.persona["personality"]["speaking_style"]
            parts.append(
                f"## {file.id}\n\n{file.persona['description']} {voice}\n\n" + "\n".join(f"- {e}" for e in examples)
            )
    return "# Who speaks\n\n" + "\n\n".join(parts) + "\n"


def _printed(folder: Path) -> Iterator[str]:
    counts, agreed, texts = tally(folder)
    yield f"| | | texts | {' | '.join(READERS)} | both |"
    yield "|---|---|---:|---:|---:|---:|"
    for one in counts:
        cells = (one.texts, *(one.passed[reader] for reader in READERS), one.passed_by_both)
        yield f"| {one.source} | {one.kind} | {' | '.join(map(str, cells))} |"
    kappa = chance_corrected(counts, agreed, texts)
    yield f"\nThey agree on {agreed} of {texts}" + ("." if kappa is None else f", kappa {kappa:.2f}.")


def main(arguments: Sequence[str]) -> None:
    """Write sheets, or count them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.character.judging", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser("sheet", help="write the sheets")
    sheet.add_argument("folder", type=Path)
    sheet.add_argument("sources", nargs="+", metavar="NAME=FILE", help="a run's folder, or a JSON list of texts")
    sheet.add_argument("--seed", type=int, required=True, help="draws the texts and the orders")
    sheet.add_argument("--posts", type=int, default=40)
    sheet.add_argument("--replies", type=int, default=20)
    commands.add_parser("tally", help="count the sheets").add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "tally":
        print("\n".join(_printed(given.folder)))
        return
    items: list[Item] = []
    for source in given.sources:
        name, _, path = source.partition("=")
        items += items_of(name, Path(path), given.posts, given.replies, given.seed)
    write_sheets(given.folder, items, given.seed)
    print(
        f"{len(items)} texts: give {' and '.join(f'sheet-{one}.csv' for one in READERS)} to a reader each, "
        f"with RUBRIC.md and {_CAST}, and keep {_KEY} to yourself"
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (JudgingError, OSError) as error:
        sys.exit(str(error))
