"""Vectors of texts, over a real channel."""

from decimal import Decimal

import grpc
import pytest

from puppet.llm.v1 import llm_errors_pb2 as errors_pb
from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.settings import ProviderSettings, read_provider
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import Behaviour, OpenAiServer, answers, hangs
from tests.integration.sandbox.llm.conftest import sandbox_url  # noqa: F401 - a fixture
from tests.support.refusals import fields_of, reason_of, refusal
from tests.support.waits import WAIT_SECONDS

TEXTS = ["rain", "the gulls"]
PRICES = (Decimal(10), Decimal(20))


def embed(**fields: object) -> pb.EmbedRequest:
    return pb.EmbedRequest(**{"agent_id": "agt_a", "texts": TEXTS, **fields})  # type: ignore[arg-type]


def vectors(answer: pb.EmbedResponse) -> list[list[float]]:
    return [list(vector.values) for vector in answer.vectors]


async def test_each_text_gets_a_vector_and_what_it_cost_is_told_and_counted(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    one = provider("first", first.base_url, embedding_model="near", usd_per_million=PRICES)
    async with serve_llm(one) as llm:
        answer = await llm.Embed(embed(labels=pb.Labels(purpose="memory")))
        [row] = (await llm.GetUsage(pb.GetUsageRequest(group_by=[pb.USAGE_GROUPING_MODEL]))).rows
    assert vectors(answer) == [[4, 4, 4], [9, 9, 9]]
    assert (answer.provider, answer.model) == ("first", "near")
    assert (answer.cost_usd, answer.usage) == ("0.00011", pb.Usage(prompt_tokens=11))
    assert first.calls == [{"model": "near", "input": TEXTS}]
    assert (row.model, row.cost_usd, row.usage.prompt_tokens) == ("near", "0.00011", 11)


async def test_how_long_vectors_are_can_be_asked_for(llm: LlmServiceStub, first: OpenAiServer) -> None:
    answer = await llm.Embed(embed(provider="first", model="near", dimensions=2))
    assert vectors(answer) == [[4, 4], [9, 9]]
    first.next.append(answers({"data": [{"embedding": [1, 2, 3]}] * 2}))
    told = await refusal(llm.Embed(embed(provider="first", dimensions=2)))
    assert (told.reason, told.message) == ("PROVIDER_REFUSED", "first: its vectors have 3 dimensions, and not 2")


async def test_vectors_are_in_the_order_of_the_texts_whatever_the_server_s_is(
    llm: LlmServiceStub, first: OpenAiServer
) -> None:
    rows = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    first.next.append(answers({"data": rows}))
    assert vectors(await llm.Embed(embed())) == [[1], [2]]


NONE = {
    "nothing": answers({"data": []}),
    "one too few": answers({"data": [{"embedding": [1.0]}]}),
    "two lengths": answers({"data": [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]}),
    "an empty one": answers({"data": [{"embedding": []}] * 2}),
    "a number that is none": answers({"data": [{"embedding": ["x"]}] * 2}),
    "one that is too large": answers({"data": [{"embedding": [1e300]}] * 2}),
    "no JSON": answers("<html>"),
    "a failure": answers({}, 503),
    "an error in a success": answers({"error": {"message": "out of memory"}}),
    "a rate limit": answers({}, 429),
    "a refusal": answers({"error": {"message": "no such model"}}, 404),
}


@pytest.mark.parametrize("fault", NONE)
async def test_what_is_no_vector_for_each_text_has_the_next_provider_asked(
    llm: LlmServiceStub, first: OpenAiServer, fault: str
) -> None:
    behaviour: Behaviour = NONE[fault]
    first.next.append(behaviour)
    answer = await llm.Embed(embed())
    assert answer.provider == "second"
    assert answer.attempts[0].reason != errors_pb.ERROR_REASON_UNSPECIFIED


async def test_a_provider_that_hangs_leaves_time_for_the_next(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    first.next.append(hangs)
    one = provider("first", first.base_url, timeout_seconds=0.5)
    async with serve_llm(one, provider("second", second.base_url)) as llm:
        assert (await llm.Embed(embed(), timeout=WAIT_SECONDS)).provider == "second"


async def test_what_is_refused_of_vectors_keeps_no_words_back(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(provider("first", first.base_url)) as llm:
        for _ in range(4):
            first.next.append(answers({"error": {"message": "no such model"}}, 404))
            assert await reason_of(llm.Embed(embed())) == "PROVIDER_REFUSED"
        prompt = pb.Prompt(input="rain")
        assert (await llm.Generate(pb.GenerateRequest(agent_id="agt_a", prompt=prompt))).candidates


async def test_a_provider_with_many_models_and_none_for_vectors_says_which_setting_to_make(
    serve_llm: ServeLlm,
) -> None:
    anthropic = provider("anthropic", "https://api.anthropic.example")
    async with serve_llm(anthropic) as llm:
        told = await refusal(llm.Embed(embed()))
    assert told.reason == "PROVIDER_REFUSED"
    assert "PUPPET_LLM_ANTHROPIC_EMBEDDING_MODEL" in told.message


async def test_vectors_are_held_to_budgets(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        await llm.SetBudget(pb.SetBudgetRequest(agent_id="agt_a", usd_per_day="0.00001"))
        told = await refusal(llm.Embed(embed()))
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED")
    assert first.calls == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"texts": []}, "texts"),
        ({"texts": ["rain", " "]}, "texts[1]"),
        ({"texts": ["rain"] * 101}, "texts"),
        ({"texts": ["x" * 32_001]}, "texts[0]"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 8_193}, "dimensions"),
        ({"model": "near"}, "provider"),
    ],
)
async def test_a_request_that_breaks_a_rule_names_the_field(
    llm: LlmServiceStub, fields: dict[str, object], wrong: str
) -> None:
    assert await fields_of(llm.Embed(embed(**fields))) == {wrong}


async def test_the_most_texts_with_the_longest_vectors_can_be_read(llm: LlmServiceStub) -> None:
    answer = await llm.Embed(embed(texts=["rain"] * 100, dimensions=8_192))
    assert [len(vector) for vector in vectors(answer)] == [8_192] * 100


async def test_the_fake_provider_puts_texts_with_words_in_common_near_each_other(serve_llm: ServeLlm) -> None:
    texts = ["the gulls are loud", "loud are the gulls", "a train to Leeds"]
    async with serve_llm(ProviderSettings(name="fake")) as llm:
        answer = await llm.Embed(embed(texts=texts, dimensions=32))
        again = await llm.Embed(embed(texts=texts, dimensions=32))
    assert answer == again
    one, same, other = vectors(answer)
    assert sum(a * b for a, b in zip(one, same, strict=True)) == pytest.approx(1, abs=1e-5)
    assert sum(a * b for a, b in zip(one, other, strict=True)) < 0.6


async def test_the_sandbox_s_engine_makes_vectors(serve_llm: ServeLlm, sandbox_url: str) -> None:  # noqa: F811
    local = read_provider("local").model_copy(update={"base_url": f"{sandbox_url}/v1"})
    async with serve_llm(local) as llm:
        answer = await llm.Embed(embed(texts=["the sea is calm", "the sea is quiet"]))
    assert [len(vector) for vector in vectors(answer)] == [576, 576]
    assert answer.usage.prompt_tokens > 0
