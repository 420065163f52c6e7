"""What is shown to people, and what programs read."""

import json

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata
from rich.text import Text

from puppet.agents.v1 import agent_errors_pb2 as agents_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.llm.v1 import llm_errors_pb2 as llm_pb
from puppet.memory.v1 import memory_errors_pb2 as memory_pb
from puppet.social.v1 import social_errors_pb2 as social_pb
from puppet.trading.v1 import trading_errors_pb2 as trading_pb
from puppetctl.cli import run
from puppetctl.terminal.errors import NEXT, fail
from puppetctl.terminal.output import Listing, print_document
from puppetctl.terminal.progress import steps, waiting
from puppetctl.terminal.words import cut, quoted, span
from services.agents.ports.neighbours import Refused
from services.runtime.rpc.status import to_status


def test_a_list_is_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing("id", ">posts", "next", as_json=False, empty="nobody")
    listing.add({"id": "odd"}, Text("odd"), "12", "post in 3 s")
    listing.add({"id": "pia"}, "pia\x1b[2J", "7", "")
    listing.show()
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert len(listing) == 2
    assert lines[0].split() == ["id", "posts", "next"]
    assert lines[2].split(maxsplit=2) == ["odd", "12", "post in 3 s"]
    assert "\x1b" not in lines[3]


def test_a_long_name_is_cut_and_no_figure_beside_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listing = Listing("character", ">tokens", "next", as_json=False, empty="nobody")
    listing.add({}, "the keeper of the lighthouse at the end of the very long road " * 3, "1,234,567", "post in 3 s")
    listing.show()
    shown = capsys.readouterr().out
    assert "the keeper of the lighthouse at…" in shown
    assert "   1,234,567   post in 3 s" in shown


def test_a_list_that_is_too_wide_for_its_terminal_is_told_in_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    listing = Listing("token", ">amount", ">worth", ">gain", ">state", as_json=False, empty="none")
    listing.add({}, "SOCK", "516.459123", "0.036401", "-0.000576", "a long reason that goes on in a second line")
    listing.add({}, "MOSS", "240.931001", "0.035801", "", "")
    listing.show()
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["SOCK", "  amount  516.459123", "  worth   0.036401"]
    assert max(map(len, lines)) <= 40
    assert lines[-4:] == ["MOSS", "  amount  240.931001", "  worth   0.035801", ""]


def test_a_list_is_a_line_of_json_for_each_item_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing("id", as_json=True, empty="nobody")
    listing.add(pb.Agent(id="odd", persona_version=3), "odd")
    listing.add({"id": "é", "posts": 0}, "é")
    listing.show()
    lines = capsys.readouterr().out.splitlines()
    odd, other = map(json.loads, lines)
    assert (odd["id"], odd["persona_version"]) == ("odd", "3")
    assert other == {"id": "é", "posts": 0}
    assert "é" in lines[1]


def test_an_empty_list_says_so_to_people_and_nothing_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    Listing("id", as_json=False, empty="nobody yet").show()
    assert capsys.readouterr().out == "nobody yet\n"
    Listing("id", as_json=True, empty="nobody yet").show()
    assert capsys.readouterr().out == ""


def test_one_thing_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_document(pb.GetAgentStatusResponse(is_active=True, post_count=2))
    told = json.loads(capsys.readouterr().out)
    assert (told["is_active"], told["post_count"]) == (True, "2")


def test_false_and_zero_and_what_is_empty_are_told_to_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_document(pb.GetAgentStatusResponse())
    told = json.loads(capsys.readouterr().out)
    assert (told["is_active"], told["trade_count"], told["schedule"]) == (False, "0", [])
    # What is only there when it was given, such as a message, isn't.
    assert "mood" not in told


def test_progress_is_nothing_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("thinking"), steps("reading", 3) as bar:
        bar.done()
        bar.say("still reading")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_an_error_says_in_its_line_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match=r"^1$"):
        fail("AGENT_NOT_FOUND: no agent 'x'", "AGENT_NOT_FOUND")
    assert capsys.readouterr().err == "AGENT_NOT_FOUND: no agent 'x'. Next: `puppetctl agents` lists who is there\n"


def test_an_error_of_which_nobody_knows_what_to_do_is_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match=r"^1$"):
        fail("SOMETHING_NEW: it broke", "SOMETHING_NEW")
    assert capsys.readouterr().err == "SOMETHING_NEW: it broke\n"


def test_what_one_service_refused_another_is_said_once_and_by_whom(capsys: pytest.CaptureFixture[str]) -> None:
    async def refused() -> int:
        error = Refused("memory", "UNAUTHENTICATED", "UNAUTHENTICATED: this principal is unknown")
        status = to_status(error, "agents.puppet")
        trailers = Metadata(("grpc-status-details-bin", status.SerializeToString()))
        raise AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), trailers, details=status.message)

    with pytest.raises(Exception, match=r"^1$"):
        run(refused())
    said = capsys.readouterr().err
    assert said.startswith("UNAUTHENTICATED: this principal is unknown (says memory). Next: ")
    assert "doctor" in said
    assert "--data" not in said


def test_texts_are_cut_where_they_are_long() -> None:
    assert (cut("fog", 3), cut("fog and tea", 6)) == ("fog", "fog a…")
    assert (quoted("", 5), quoted("the fog", 4)) == ("", "“the…”")
    assert (span(40), span(1200), span(9000)) == ("40 s", "20 min", "2 h")


@pytest.mark.parametrize("reason", sorted(NEXT))
def test_every_reason_that_has_a_next_step_is_one_of_the_contracts(reason: str) -> None:
    enums = (agents_pb, llm_pb, memory_pb, social_pb, trading_pb)
    assert f"ERROR_REASON_{reason}" in {name for enum in enums for name in enum.ErrorReason.DESCRIPTOR.values_by_name}
