"""Answers of servers that differ."""

from typing import Any

import pytest

from services.llm.adapters.answers import Answer, Chunk
from services.llm.domain.generation import Candidate, FinishReason
from services.llm.domain.usage import Usage

OPENAI_CHAT = {
    "message": {"role": "assistant", "content": " calm. "},
    "finish_reason": "stop",
    "logprobs": {"content": [{"token": "calm", "logprob": -1.0}, {"token": ".", "logprob": -0.5}], "refusal": None},
}
OPENAI_COMPLETION = {
    "text": " calm. ",
    "finish_reason": "stop",
    "logprobs": {"tokens": ["calm", "."], "token_logprobs": [None, -1.0, -0.5], "text_offset": [0, 4]},
}
LLAMA_CPP_COMPLETION = {
    "text": " calm.",
    "finish_reason": "stop",
    "logprobs": {"token_logprobs": None, "content": [{"logprob": -1.0}, {"logprob": -0.5}]},
}


@pytest.mark.parametrize("choice", [OPENAI_CHAT, OPENAI_COMPLETION, LLAMA_CPP_COMPLETION])
def test_every_shape_of_a_choice_is_the_same_candidate(choice: dict[str, Any]) -> None:
    answer = Answer.model_validate({"choices": [choice]})
    assert answer.choices[0].candidate() == Candidate("calm.", FinishReason.STOP, -0.75)


def test_an_unknown_reason_and_no_probabilities_are_left_open() -> None:
    answer = Answer.model_validate({"choices": [{"text": "calm.", "finish_reason": "tool_calls", "logprobs": {}}]})
    assert answer.choices[0].candidate() == Candidate("calm.", FinishReason.UNSPECIFIED, None)
    assert answer.used() == Usage()


def test_an_event_may_carry_nothing_but_the_usage() -> None:
    assert Chunk.model_validate({"choices": []}).used() is None
    assert Chunk.model_validate({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}).used() == Usage(3, 4)
