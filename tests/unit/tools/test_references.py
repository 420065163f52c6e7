"""The pages that are generated from schema, protos and commands, and the site that is laid out from all pages."""

import functools
from pathlib import Path

import pytest
from typer.main import get_command

from puppetctl.__main__ import app as _app
from tools import api_reference, cli_reference, docs_site
from tools.persona_reference import reference

ROOT = Path(__file__).parents[3]


@functools.cache
def api() -> dict[str, str]:
    return api_reference.pages(api_reference.read(ROOT / "protos"))


def rows(page: str) -> dict[str, list[str]]:
    cells = [line.strip("|").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in cells}


def test_a_field_of_a_persona_has_its_type_range_default_and_meaning() -> None:
    schema = {
        "properties": {
            "id": {"type": "string", "maxLength": 64, "pattern": "^a|b$", "description": "Names it."},
            "hours": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 23}, "maxItems": 9},
            "part": {"$ref": "#/$defs/Part"},
        },
        "required": ["id"],
        "$defs": {
            "Part": {
                "description": "A part.",
                "properties": {
                    "chance": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5},
                    "kind": {"enum": ["a", "b"]},
                },
            }
        },
    }
    page = reference(schema)
    shown = rows(page.replace("\\|", "/"))
    assert shown["id"] == ["text", "up to 64 characters, `^a/b$`", "required", "Names it."]
    assert shown["hours"][:2] == ["list of: whole number", "up to 9 items, each 0 to 23"]
    assert shown["part"][3] == "A part."
    assert shown["chance"][:3] == ["number", "above 0, up to 1", "`0.5`"]
    assert shown["kind"][:2] == ["one of", "`a`, `b`"]
    assert "## part\n\nA part.\n" in page


def test_every_field_of_the_persona_is_on_its_page() -> None:
    from services.agents.domain.persona.json_schema import json_schema

    schema = json_schema()
    fields = {name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", {})}
    assert fields - rows(reference(schema)).keys() == set()


def test_there_is_a_page_for_each_service_with_every_rpc() -> None:
    assert set(api()) == {"agents", "memory", "llm", "trading", "social"}
    assert "### PreviewPrompt\n\n[PreviewPromptRequest](#previewpromptrequest) →" in api()["agents"]
    assert "stream of [WatchActivityResponse](#watchactivityresponse)" in api()["agents"]
    assert "For: operator, client, agents. About: `agent_id`." in api()["llm"]


def test_a_field_of_a_message_has_its_limits_and_its_comment() -> None:
    kind, limits, meaning = rows(api()["llm"])["candidate_count"]
    assert (kind, limits) == ("int32", "0 to 16, 0 means 1")
    assert meaning.startswith("How many candidates")
    assert rows(api()["llm"])["prompt"][0] == "[Prompt](#prompt), one of `question`"


def test_every_link_within_a_page_of_an_api_leads_somewhere() -> None:
    for name, page in api().items():
        headings = {
            line.removeprefix("### ").lower().replace(".", "") for line in page.splitlines() if line[:4] == "### "
        }
        links = {part.partition(")")[0] for part in page.split("](#")[1:]}
        assert links - headings == set(), name


def test_every_command_is_on_its_page_with_a_whole_sentence() -> None:
    page = cli_reference.reference()
    for name in getattr(get_command(_app), "commands", {}):
        assert f"* `{name}`: " in page
        assert f"## `puppetctl {name}`" in page
    assert not [line for line in page.splitlines() if line.startswith("* `") and line.endswith("...")]
    assert str(ROOT) not in page


def test_a_link_to_a_page_holds_and_one_to_code_becomes_its_name(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "x.md").write_text("not ours")
    (tmp_path / "docs" / "more.md").write_text("more")
    (tmp_path / "code.py").write_text("")
    (tmp_path / "docs" / "images").mkdir()
    (tmp_path / "docs" / "images" / "page.png").write_bytes(b"png")
    text = "[more](docs/more.md#a) [code](code.py) [far](https://x.example) [here](#there)\n```\n[code](code.py)\n```\n"
    (tmp_path / "README.md").write_text(text)
    docs_site.lay_out(tmp_path, tmp_path / "var")
    shown = (tmp_path / "var" / "README.md").read_text()
    assert shown == text.replace("[code](code.py) [far]", "code [far]")
    assert sorted(path.name for path in (tmp_path / "var").rglob("*.md")) == ["README.md", "more.md"]
    assert (tmp_path / "var" / "docs" / "images" / "page.png").read_bytes() == b"png"


@pytest.mark.parametrize("page", ["docs/tutorial.md", "docs/troubleshooting.md", "README.md"])
def test_what_a_page_tells_to_type_is_a_command(page: str) -> None:
    known = getattr(get_command(_app), "commands", {})
    typed = [part.split()[0].strip("`") for part in (ROOT / page).read_text().split("puppetctl ")[1:] if part.strip()]
    named = {word for word in typed if word.isalpha() and word.islower()}
    # Words of the text that stand behind the name of the program.
    assert named - set(known) <= {"is", "shows", "in", "and", "then", "has"}, named - set(known)
