"""Files that a knowledge base names: cut into passages with their source, and none from elsewhere."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puppetctl.characters.personas import read_personas
from puppetctl.knowledge import reading
from puppetctl.knowledge.passages import MAX, MIN, Part, of_markdown, passages
from puppetctl.knowledge.reading import MAX_BYTES, Passage, named_files, read_knowledge
from puppetctl.suite import SuiteError
from tests.support.pdf import pdf

SENTENCE = "The lamp turns once in thirty seconds, and nobody alive has seen it stand still. "


def naming(*facts: Any) -> dict[str, Any]:
    return {"id": "odd", "name": "Odd", "initial_memory": {"knowledge_base": list(facts)}}


def read(folder: Path, *names: str) -> tuple[Passage, ...]:
    return read_knowledge(naming(*({"file": name} for name in names)), folder)


def test_paragraphs_are_put_together_and_cut_at_the_ends_of_sentences() -> None:
    text = "\n\n".join([SENTENCE * 3] * 4 + [SENTENCE * 30])
    found = passages(Part(text))
    assert all(len(passage) <= MAX for passage in found)
    assert sum(len(passage) < MIN for passage in found) <= 2
    assert all(passage.endswith("still.") for passage in found)
    assert " ".join(found).split() == text.split()


@given(st.text(alphabet=st.sampled_from("ab .\n#-。"), max_size=4_000))
def test_nothing_is_lost_and_nothing_is_too_long(text: str) -> None:
    found = passages(Part(text))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(passage) <= MAX for passage in found)


def test_a_passage_of_markdown_stands_under_its_headings() -> None:
    text = "intro\n\n# Island\n\nlow\n\n## Lamp ##\n\nbright\n```\n# no heading\n```\n# Sea\ndeep"
    assert [(part.heading, part.text.split()) for part in of_markdown(text)] == [
        ("", ["intro"]),
        ("Island", ["low"]),
        ("Island › Lamp", ["bright", "```", "#", "no", "heading", "```"]),  # noqa: RUF001
        ("Sea", ["deep"]),
    ]


def test_texts_markdown_and_pdf_are_read_with_their_source(tmp_path: Path) -> None:
    (tmp_path / "lore").mkdir()
    (tmp_path / "lore" / "island.md").write_text("# Island\r\n\r\nIt is low.\x07\r\n", "utf-8-sig")
    (tmp_path / "notes.txt").write_text("# Not a heading\n")
    (tmp_path / "log.PDF").write_bytes(pdf([["The first page is cal-", "led one."], ["Two."]]))
    found = read(tmp_path, "lore/island.md", "notes.txt", "log.PDF")
    assert found == (
        Passage("lore/island.md", "It is low.", "Island"),
        Passage("notes.txt", "# Not a heading"),
        Passage("log.PDF", "The first page is called one.", page=1),
        Passage("log.PDF", "Two.", page=2),
    )
    assert found[0].words == "Island: It is low."


def test_files_are_named_in_lists_of_facts_with_headings_too(tmp_path: Path) -> None:
    persona = {"initial_memory": {"knowledge_base": {"sea": ["It is deep.", {"file": "sea.txt"}], "odd": "fact"}}}
    assert list(named_files(persona)) == [("initial_memory.knowledge_base.sea[1].file", "sea.txt")]
    for other in ({}, {"initial_memory": ["a"]}, {"initial_memory": {"knowledge_base": None}}):
        assert read_knowledge(other, tmp_path) == ()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("../secret.txt", "must be a path below the persona's folder"),
        ("lore/../../secret.txt", "must be a path below the persona's folder"),
        ("/etc/passwd", "must be a path below the persona's folder"),
        ("..\\secret.txt", "must be a path below the persona's folder"),
        ("key.pem", r"must be a text \(.txt\), Markdown \(.md\) or PDF file"),
        ("link.txt", "is a link out of the persona's folder"),
        ("linked/secret.txt", "is a link out of the persona's folder"),
        ("loop.txt", "link|symbolic"),
        ("missing.txt", "No such file"),
        ("folder.txt", "Is a directory"),
        ("pipe.txt", "is no file"),
        ("latin.txt", "is not UTF-8 text"),
        ("binary.txt", "holds NUL characters"),
        ("empty.txt", "holds no text"),
        ("large.txt", f"has more than {MAX_BYTES:,} bytes"),
        ("fake.pdf", "is no PDF file"),
        ("broken.pdf", "can't be read as PDF"),
        ("scanned.pdf", "holds no text"),
        ("nul\0.txt", "must be the path of a file"),
        (7, "must be the path of a file"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(tmp_path: Path, name: Any, rule: str) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "folder.txt").mkdir()
    os.mkfifo(folder / "pipe.txt")
    (folder / "latin.txt").write_bytes("é".encode("latin-1"))
    (folder / "binary.txt").write_bytes(b"a\0b")
    (folder / "empty.txt").write_text(" \n")
    (folder / "large.txt").write_bytes(b"a" * (MAX_BYTES + 1))
    (folder / "fake.pdf").write_text("no")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing")
    (folder / "scanned.pdf").write_bytes(pdf([[]]))
    with pytest.raises(SuiteError, match=rule) as refused:
        read_knowledge(naming("a fact", {"file": name}), folder)
    assert str(refused.value).startswith("initial_memory.knowledge_base[1].file: ")


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("It is low.")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert [passage.text for passage in read(tmp_path, "b.txt")] == ["It is low."]


def test_files_together_are_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("It is low.\n\n" * 3)
    monkeypatch.setattr(reading, "MAX_BYTES_TOGETHER", 60)
    with pytest.raises(SuiteError, match=r"knowledge_base\[1\].file: all files together have more than 60 bytes"):
        read(tmp_path, "a.txt", "b.txt")
    monkeypatch.undo()
    monkeypatch.setattr(reading, "MAX_PASSAGES", 1)
    with pytest.raises(SuiteError, match="or 1 passages"):
        read(tmp_path, "a.txt", "b.txt")


def test_a_persona_whose_file_is_missing_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    (tmp_path / "a.md").write_text("# A\nIt is low.")
    good.write_text('{"id": "odd", "name": "Odd", "initial_memory": {"knowledge_base": [{"file": "a.md"}]}}')
    bad.write_text('{"id": "pia", "name": "Pia", "initial_memory": {"knowledge_base": [{"file": "b.md"}]}}')
    [file], [refused] = read_personas([good, bad])
    assert file.knowledge == (Passage("a.md", "It is low.", "A"),)
    assert refused == f"{bad}: initial_memory.knowledge_base[0].file: b.md: No such file or directory"
