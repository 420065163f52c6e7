"""Cards in pictures."""

import base64
import io
import json
import zipfile
import zlib
from pathlib import Path

import pytest

from puppetctl.importing.errors import Unreadable
from puppetctl.importing.sources import documents
from tests.support.characters import card, chunk, imported_file, png, text_chunk

_PACKED = base64.b64encode(json.dumps(card()).encode())


@pytest.mark.parametrize(
    "texts",
    [
        chunk(b"tEXt", b"chara\0" + _PACKED),
        chunk(b"zTXt", b"chara\0\0" + zlib.compress(_PACKED)),
        chunk(b"iTXt", b"chara\0\0\0\0\0" + _PACKED),
        chunk(b"iTXt", b"chara\0\1\0en\0Karte\0" + zlib.compress(_PACKED)),
        chunk(b"tEXt", b"Comment\0made by hand") + chunk(b"tEXt", b"chara\0" + _PACKED),
        chunk(b"tEXt", b"chara\0" + json.dumps(card()).encode()),
    ],
    ids=["tEXt", "zTXt", "iTXt", "iTXt packed", "among others", "not packed"],
)
def test_a_card_is_found_in_any_text_chunk(tmp_path: Path, texts: bytes) -> None:
    path = tmp_path / "ember.dat"
    path.write_bytes(png(texts))
    assert imported_file(path).persona["name"] == "Ember"


def test_of_two_cards_the_newer_version_counts(tmp_path: Path) -> None:
    path = tmp_path / "ember.png"
    path.write_bytes(png(text_chunk("chara", card(2)), text_chunk("ccv3", card(3, name="Ember the Third"))))
    assert imported_file(path).persona["name"] == "Ember the Third"
    assert documents(path)[0].label == f"{path}#ccv3"


def test_a_picture_without_a_card_holds_none(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(png())
    assert documents(path) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(text_chunk("chara", card()))[:200], "ends in the middle"),
        (png(text_chunk("chara", card())).replace(b"chara", b"CHARA"), "its checksum is wrong"),
        (
            png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"0" * (17 * 2**20)))),
            "unpacks to more than 16,777,216 bytes",
        ),
        (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(_PACKED)[:100])), "is incomplete"),
        (png(chunk(b"zTXt", b"chara\0\0nothing packed")), "is damaged"),
        (png(chunk(b"tEXt", b"chara\0!!!")), "chunk chara: is no base64"),
        (png(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"\xff\xfe"))), "chunk chara: byte 0 is no UTF-8 text"),
        (png(chunk(b"tEXt", b"chara\0" + base64.b64encode(b'{"a":'))), "chunk chara: line 1, column 6"),
        (png(*[chunk(b"tEXt", b"x\0")] * 100_001), "more than 100,000 chunks"),
        (b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt", "ends in the middle"),
    ],
)
def test_a_damaged_picture_is_named_by_the_place(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(Unreadable, match=words):
        documents(path)


def test_a_card_in_an_archive_is_found(tmp_path: Path) -> None:
    path = tmp_path / "ember.charx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("card.json", json.dumps(card(3)))
    assert imported_file(path).persona["name"] == "Ember"


def test_other_archives_hold_none_and_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert documents(path) == []
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", b" " * (9 * 2**20))
    path.write_bytes(packed.getvalue())
    with pytest.raises(Unreadable, match="more than"):
        documents(path)
    path.write_bytes(packed.getvalue()[:300])
    with pytest.raises(Unreadable, match="the archive is damaged"):
        documents(path)
