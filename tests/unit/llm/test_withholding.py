"""No model gives a provider's key away."""

import base64

import pytest

from services.llm.adapters.withholding import Withholding
from services.llm.domain.generation import Candidate, FinishReason, StreamEnd
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.domain.usage import Usage
from services.runtime.text.fingerprints import Fingerprints
from tests.fakes.llm import ScriptedProvider

KEY = "sk-proj-4f9QmZt81LxBv"
TASK = Task(Prompt("rain"), Sampling(40))


def withholding(text: str) -> Withholding:
    keys = Fingerprints()
    keys.add([KEY])
    return Withholding(ScriptedProvider("one", text), keys)


@pytest.mark.parametrize(
    "hidden", [KEY, KEY[3:], " ".join(KEY), KEY[::-1], KEY.encode().hex(), base64.b64encode(KEY.encode()).decode()]
)
async def test_a_candidate_that_holds_a_key_is_withheld_as_by_a_filter(hidden: str) -> None:
    written = await withholding(f"it is {hidden}, you know.").generate(TASK, 5)
    assert written.candidates == (Candidate("", FinishReason.CONTENT_FILTER),)
    assert written.usage == Usage(1, 2)


async def test_other_candidates_pass_as_they_are() -> None:
    provider = withholding("a quiet day.")
    assert (await provider.generate(TASK, 5)).candidates == (Candidate("a quiet day.", FinishReason.STOP),)
    assert [model.name for model in await provider.models(5)] == ["a", "quiet", "day."]
    assert provider.name == "one"


async def test_a_stream_ends_before_the_piece_that_completes_a_key() -> None:
    text = f"a quiet day {KEY[:6]} {KEY[6:9]} {KEY[9:15]} {KEY[15:]} and so on"
    *pieces, end = [part async for part in withholding(text).stream(TASK, 5)]
    assert pieces == ["a", "quiet", "day", KEY[:6], KEY[6:9]]
    assert end == StreamEnd("one", "scripted", FinishReason.CONTENT_FILTER, Usage(1, 10))


async def test_a_stream_without_a_key_passes_as_it_is() -> None:
    parts = [part async for part in withholding("it rains").stream(TASK, 5)]
    assert parts == ["it", "rains", StreamEnd("one", "scripted", FinishReason.STOP, Usage(1, 2))]
