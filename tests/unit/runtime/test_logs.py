"""Logs: one line of JSON, however much there is to tell."""

import json
import logging
import sys
from typing import Any

from services.runtime.logs import JsonFormatter


def line_of(message: str, exc_info: Any = None, **extra: Any) -> str:
    record = logging.LogRecord("services.test", logging.INFO, __file__, 1, message, (), exc_info)
    vars(record).update(extra)
    return JsonFormatter("memory").format(record)


def test_a_record_is_one_line_with_its_extra_fields() -> None:
    line = line_of("two\nlines", ms=1.5, method="/a.B/C", found=None, names=["a"])
    assert "\n" not in line
    read = json.loads(line)
    assert (read["message"], read["ms"], read["method"], read["found"]) == ("two\nlines", 1.5, "/a.B/C", None)
    assert read["names"] == "['a']"


def test_what_is_long_is_cut_and_says_so() -> None:
    read = json.loads(line_of("m" * 10**6, error="e" * 10**6))
    assert len(read["message"]) < 2_100
    assert read["error"].endswith("… (1,000,000 characters)")


def test_a_long_traceback_keeps_its_beginning_and_its_end() -> None:
    try:
        raise ValueError("x" * 100_000 + "the end")
    except ValueError:
        read = json.loads(line_of("failed", sys.exc_info()))
    assert read["exception"].startswith("Traceback")
    assert read["exception"].endswith("the end")
    assert len(read["exception"]) < 9_000


def test_no_line_is_longer_than_the_longest() -> None:
    line = line_of("\0" * 5_000, **{f"field{number}": "\0" * 3_000 for number in range(50)})
    assert len(line) < 64_000
    assert json.loads(line)["cut"]
