"""Messages as JSON lines."""

from pathlib import Path

import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from puppetctl.memory.jsonl import read, writing

GOOD = '{"memory": {"text": "a"}}'


def written(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines))
    return path


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    texts = ["line\nbreaks\r\u2028\x85", "\x1b[31m and \u202e", "snow ☃ 🎈", '"quoted" \\']
    messages = [pb.ExportMemoriesResponse(memory=pb.Memory(text=text, importance=0.1, valence=-1)) for text in texts]
    path = tmp_path / "some.jsonl"
    with writing(path, force=False) as write:
        for message in messages:
            write(message)
    assert path.read_bytes().isascii()
    assert len(path.read_bytes().split(b"\n")) == len(texts) + 1
    assert read(path, pb.ExportMemoriesResponse, required="memory") == messages


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "Failed to load JSON"),
        (b"\xff", "utf-8"),
        ('{"memory": {"shoe_size": 44}}', "shoe_size"),
        ('{"memory": {"kind": "MEMORY_KIND_DREAM"}}', "MEMORY_KIND_DREAM"),
        ('{"memory": {}, "memory": {}}', "duplicate key"),
        ('{"memory": {"occurTime": "yesterday"}}', "timestamp"),
        ("{}", "has no memory"),
        ("[]", "has no memory"),
        ("7", "Failed to parse JSON"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, line: str | bytes, words: str) -> None:
    path = written(tmp_path / "some.jsonl", GOOD, "", line, GOOD)
    with pytest.raises(ValueError, match=f"^line 3: .*{words}"):
        read(path, pb.ExportMemoriesResponse, required="memory")


def test_blank_lines_are_no_messages(tmp_path: Path) -> None:
    path = written(tmp_path / "some.jsonl", "", GOOD, "  ", "")
    assert len(read(path, pb.ExportMemoriesResponse, required="memory")) == 1
