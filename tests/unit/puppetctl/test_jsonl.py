"""Messages as JSON lines."""

import os
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from puppet.memory.v1 import memory_service_pb2 as pb
from puppetctl.memory.jsonl import read, writing
from puppetctl.suite import SuiteError

GOOD = '{"memory": {"text": "a"}}'


def written(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines))
    return path


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    texts = ["line\nbreaks\r\u2028\x85", "\x1b[31m and \u202e", "snow ☃ 🎈", '"quoted" \\']
    messages = [pb.ExportMemoriesResponse(memory=pb.Memory(text=text, importance=0.1, valence=-1)) for text in texts]
    path = tmp_path / "some.jsonl"
    with writing(path) as write:
        for message in messages:
            write(message)
    assert path.read_bytes().isascii()
    assert len(path.read_bytes().split(b"\n")) == len(texts) + 1
    assert read(path, pb.ExportMemoriesResponse, required="memory") == messages


def test_a_file_that_was_begun_and_not_ended_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / "some.jsonl") as write:  # noqa: PT012
        write(StringValue(value="a"))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(real)
    with writing(link) as write:
        write(StringValue(value="a"))
    assert link.is_symlink()
    assert real.read_text() == '"a"\n'


def test_a_pipe_is_written_to_as_it_is() -> None:
    reader, writer = os.pipe()
    with writing(Path(f"/dev/fd/{writer}")) as write:
        write(StringValue(value="a"))
    assert os.read(reader, 10) == b'"a"\n'
    os.close(reader)
    os.close(writer)


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "some.jsonl") / "x"
    with pytest.raises(SuiteError, match=r"some\.jsonl/x can't be written: Not a directory"), writing(path):
        pass


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
