"""JSON as people write it, and literals of programs."""

import pytest

from puppetctl.importing.draft import Code
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.literals import is_program, read_json, read_program

PROGRAM = """
import { Character } from "@elizaos/core";

const adjectives = ["calm", 'dry'];
/** Her. */
export const character: Character = {
  name: "Ada",
  adjectives,
  bio: ["one", `two
lines`, "it's \\u0041\\x42\\n"],
  system: ["First.", "Second."].join(" "),
  style: { all: ["a" + "b"] } as Style,
  plugins: ["x", ...(process.env.KEY ? ["y"] : [])],
  model: ModelProviderName.OPENAI,
  greeting: `hi ${name}`,
  settings: { ...defaults, count: -2, ratio: 1e-3, on: true, none: null },
  speak() { return 1; },
} satisfies Character;

export default character;
"""


def test_literals_of_a_program_are_read_and_nothing_is_run() -> None:
    found = dict(read_program(PROGRAM))
    assert set(found) == {"adjectives", "character"}
    assert found["character"] == {
        "name": "Ada",
        "adjectives": ["calm", "dry"],
        "bio": ["one", "two\nlines", "it's AB\n"],
        "system": "First. Second.",
        "style": {"all": ["ab"]},
        "plugins": ["x", Code('...(process.env.KEY ? ["y"] : [])')],
        "model": Code("ModelProviderName.OPENAI"),
        "greeting": Code("`hi ${name}`"),
        "settings": {"...defaults": Code("...defaults"), "count": -2, "ratio": 0.001, "on": True, "none": None},
        "speak": Code("speak() { return 1; }"),
    }


@pytest.mark.parametrize("text", ["export default { a: 1 };", "module.exports = { a: 1 };", "exports.b = { a: 1 }"])
def test_whatever_is_exported_is_found(text: str) -> None:
    assert is_program(text)
    assert [value for _, value in read_program(text)] == [{"a": 1}]


def test_a_name_that_stands_for_itself_is_code() -> None:
    assert dict(read_program("const a = { b: a };"))["a"] == {"b": Code("a")}


def test_halves_of_a_character_are_one() -> None:
    assert dict(read_program(r"const a = ['\ud83d\ude00', '\u{1F600}', '\ud83d'];"))["a"] == ["\U0001f600"] * 2 + [
        "\ufffd"
    ]


def test_many_texts_with_a_plus_between_them_are_one() -> None:
    text = " + ".join(f"'{number} '" for number in range(500))
    assert dict(read_program(f"const a = [{text}];"))["a"][0].startswith("0 1 2 ")


def test_names_that_stand_for_ever_more_are_not_followed() -> None:
    lines = ["const a0 = ['x'];"] + [f"const a{n} = [{', '.join([f'a{n - 1}'] * 20)}];" for n in range(1, 20)]
    with pytest.raises(Unreadable, match="holds more than 100,000 values"):
        list(read_program("\n".join(lines)))


def test_a_broken_program_is_named_by_its_place() -> None:
    with pytest.raises(Unreadable, match="line 2, column"):
        list(read_program("const a = {\n b: }} ;\n"))


@pytest.mark.parametrize(
    "text",
    ['{"a": [1, 2]}', '{"a": [1, 2,],}', "{a: [1, 2]}", "{'a': [1, /* two */ 2]} // end", '{\n// note\n"a": [1, 2]}'],
)
def test_json_is_read_as_people_write_it(text: str) -> None:
    assert read_json(text) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':' delimiter"),
        ('{"a": "unfinished', "line 1, column 7: Unterminated string"),
        ("[" * 100_000, "is nested too deeply"),
        ("{a: " * 200 + "1" + "}" * 200, "line 1"),
        ('{"a": ' + "9" * 5_000 + "}", "holds a number that is too long"),
    ],
    ids=lambda value: value[:12],
)
def test_broken_json_is_named_by_its_place(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_json(text)


def test_what_an_object_says_twice_is_told_of_twice() -> None:
    assert read_json('{"a": 1, "a": 2}') == {"a (said before)": 1, "a": 2}


def test_what_json_cannot_say_is_no_number() -> None:
    assert read_json('{"a": NaN}') == {"a": Code("NaN")}
