"""What characters wrote in the benchmark: kept in a file, and drawn from it by a seed before anybody has read it."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PIPELINE, BASELINE = "pipeline", "baseline"
POST, REPLY = "post", "reply"
_FILE = "texts.json"


@dataclass(frozen=True, slots=True)
class Text:
    """What came of asking a character for words; the text is empty where it kept silent."""

    source: str
    """`pipeline`, or `baseline`: the same model's first answer to the same prompt."""
    kind: str
    author: str
    about: str
    """The topic of a post, and what a reply answers."""
    text: str
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    why: str = ""
    """Why nothing was said."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the benchmark."""

    model: str
    seed: int
    texts: Sequence[Text]

    def of(self, source: str, kind: str) -> list[Text]:
        """Return what came of each time of a kind."""
        return [one for one in self.texts if (one.source, one.kind) == (source, kind)]

    def said(self, source: str, kind: str) -> list[Text]:
        """Return what was said, without the silences."""
        return [one for one in self.of(source, kind) if one.text]


def write(run: Run, folder: Path) -> Path:
    """Keep a run in a folder, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    kept = {"model": run.model, "seed": run.seed, "texts": [asdict(one) for one in run.texts]}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Run:
    """Return the run that is kept in a folder, or in a file."""
    kept = json.loads((path / _FILE if path.is_dir() else path).read_text(encoding="utf-8"))
    return Run(kept["model"], kept["seed"], [Text(**one) for one in kept["texts"]])


def draw(run: Run, posts: int, replies: int, seed: int, source: str = PIPELINE) -> list[Text]:
    """Return so many published posts and replies, drawn by the seed alone; all of them where there are fewer."""
    found: list[Text] = []
    for kind, count in ((POST, posts), (REPLY, replies)):
        said = run.said(source, kind)
        found += random.Random(f"{seed}/{kind}").sample(said, min(count, len(said)))
    return found


def markdown(texts: Iterable[Text]) -> str:
    """Return texts as a list to read."""
    lines = []
    for number, one in enumerate(texts, 1):
        heard = f"to “{one.about}”" if one.kind == REPLY else f"on {one.about}"
        lines.append(f"{number}. **{one.author}**, {heard}: {one.text or f'*silence: {one.why}*'}")
    return "\n".join(lines) + "\n"
