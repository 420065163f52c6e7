"""What a provider writes beyond what a message holds."""

import pytest

from services.llm.adapters.answers import Answer, Listing
from services.llm.domain.generation import Candidate, FinishReason, Generation, StreamEnd
from services.llm.domain.usage import Usage
from services.llm.wire.generation import write_generation, write_part
from services.runtime.rpc.bounds import MAX_BYTES


@pytest.mark.parametrize("number", [1, 3, 16])
def test_candidates_share_the_room_of_a_message_and_are_cut_and_not_lost(number: int) -> None:
    long = Candidate("é" * 2_200_000, FinishReason.STOP, -0.5)
    short = Candidate("short", FinishReason.STOP, None)
    answer = write_generation(Generation("first", "small", (long,) * number + (short,), Usage(1, 2), True))
    *cut, whole = answer.candidates
    assert answer.ByteSize() <= MAX_BYTES
    assert answer.ByteSize() > MAX_BYTES * 0.9 * number / (number + 1)
    assert {one.finish_reason for one in cut} == {2}
    assert all(not one.text.strip("é") for one in cut)
    assert (whole.text, whole.finish_reason) == ("short", 1)


def test_a_piece_of_a_stream_comes_in_as_many_messages_as_it_needs() -> None:
    messages = list(write_part("🔥" * 1_200_000))
    assert all(message.ByteSize() <= MAX_BYTES for message in messages)
    assert "".join(message.text for message in messages) == "🔥" * 1_200_000
    assert len(list(write_part("short"))) == 1
    [end] = write_part(StreamEnd("first", "small", FinishReason.STOP, Usage(1, 2)))
    assert end.end.model == "small"


def test_a_model_whose_name_nobody_could_ask_for_is_left_out() -> None:
    assert Listing.model_validate({"data": [{"id": "m" * 201}, {"id": "small"}]}).names() == ["small"]
    assert Answer.model_validate({"model": "m" * 5_000_000, "choices": [{"text": "a"}]}).model is None
