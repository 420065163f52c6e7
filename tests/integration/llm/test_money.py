"""What calls cost, over a real channel and with a provider that has prices."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import grpc
import pytest
from starlette.responses import Response

from puppet.llm.v1 import llm_errors_pb2 as errors_pb
from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import OpenAiServer, answers, breaks_off, hangs
from tests.support.refusals import fields_of, reason_of, refusal
from tests.support.waits import until

PRICES = (Decimal(10), Decimal(20), Decimal(1))
COST = Decimal("0.00017")
"""Eleven tokens read and three written."""


def generate(agent_id: str = "agt_a", **fields: object) -> pb.GenerateRequest:
    sampling = pb.Sampling(max_tokens=100)
    return pb.GenerateRequest(agent_id=agent_id, prompt=pb.Prompt(input="rain"), sampling=sampling, **fields)  # type: ignore[arg-type]


async def budget(llm: LlmServiceStub, agent_id: str = "") -> pb.Budget:
    return (await llm.GetBudget(pb.GetBudgetRequest(agent_id=agent_id))).budget


async def test_an_answer_says_what_it_cost_and_usage_adds_up(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        for purpose in ("post", "post", "reply"):
            answer = await llm.Generate(generate(labels=pb.Labels(purpose=purpose, workflow="wf-1")))
            assert Decimal(answer.cost_usd) == COST
        rows = (await llm.GetUsage(pb.GetUsageRequest(group_by=[pb.USAGE_GROUPING_PURPOSE]))).rows
        assert [(row.purpose, Decimal(row.cost_usd), row.attempt_count) for row in rows] == [
            ("post", 2 * COST, 2),
            ("reply", COST, 1),
        ]
        for scope in ("", "agt_a"):
            assert Decimal((await budget(llm, scope)).spent_usd) == 3 * COST
        assert (await budget(llm)).reserved_usd == "0"


async def test_cached_and_reasoning_tokens_are_told_and_priced(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    first.next.append(answers({"choices": [{"message": {"content": "fog"}, "finish_reason": "stop"}], "usage": usage}))
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        answer = await llm.Generate(generate())
    assert answer.usage == pb.Usage(prompt_tokens=10, completion_tokens=5, cached_tokens=8, reasoning_tokens=4)
    assert Decimal(answer.cost_usd) == Decimal("0.000128")


async def test_who_was_asked_before_is_told_with_its_reason(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    first.next.append(answers({"error": {"message": "slow down"}}, 429, {"retry-after": "7"}))
    one = provider("first", first.base_url, usd_per_million=PRICES)
    async with serve_llm(one, provider("second", second.base_url)) as llm:
        answer = await llm.Generate(generate())
        again = await llm.Generate(generate())
    reasons = [(attempt.provider, attempt.reason) for attempt in answer.attempts]
    limited = errors_pb.ERROR_REASON_PROVIDER_RATE_LIMITED
    assert reasons == [("first", limited), ("second", errors_pb.ERROR_REASON_UNSPECIFIED)]
    assert [attempt.reason for attempt in again.attempts] == [limited, errors_pb.ERROR_REASON_UNSPECIFIED]
    assert answer.cost_usd == "0"


FAULTS = {
    "429": (answers({}, 429), False),
    "503": (answers({}, 503), False),
    "401": (answers({}, 401), False),
    "no JSON": (answers("<html>"), True),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_of_a_failed_attempt_what_may_have_been_paid_for_counts_in_full(
    serve_llm: ServeLlm, first: OpenAiServer, fault: str
) -> None:
    behaviour, may_be_billed = FAULTS[fault]
    first.next.append(behaviour)
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        with pytest.raises(grpc.aio.AioRpcError):
            await llm.Generate(generate())
        [row] = (await llm.GetUsage(pb.GetUsageRequest())).rows
        assert (row.attempt_count, row.failed_count, row.estimated_count) == (1, 1, int(may_be_billed))
        assert (Decimal(row.cost_usd) > 0) is may_be_billed
        assert (await budget(llm)).reserved_usd == "0"


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_answer_tells_what_the_failures_before_it_may_have_cost(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer, fault: str
) -> None:
    first.next.append(FAULTS[fault][0])
    servers = {"first": first, "second": second}
    priced = [provider(name, server.base_url, usd_per_million=PRICES) for name, server in servers.items()]
    async with serve_llm(*priced) as llm:
        answer = await llm.Generate(generate())
        rows = (await llm.GetUsage(pb.GetUsageRequest())).rows
    assert [attempt.provider for attempt in answer.attempts] == ["first", "second"]
    assert Decimal(answer.cost_usd) == sum(Decimal(row.cost_usd) for row in rows)


async def test_half_a_stream_and_a_call_that_is_left_count_in_full(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(breaks_off())
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        request = pb.StreamGenerateRequest(agent_id="agt_a", prompt=pb.Prompt(input="rain"))
        with pytest.raises(grpc.aio.AioRpcError):
            [part async for part in llm.StreamGenerate(request)]
        asked = asyncio.Event()

        async def hangs_and_tells(body: dict[str, Any]) -> Response:
            asked.set()
            return await hangs(body)

        first.next.append(hangs_and_tells)
        call = llm.Generate(generate())
        await asked.wait()
        call.cancel()

        async def is_settled() -> bool:
            return (await budget(llm)).reserved_usd == "0"

        await until(is_settled)
        [row] = (await llm.GetUsage(pb.GetUsageRequest())).rows
        assert (row.failed_count, row.estimated_count) == (2, 2)


async def test_a_spent_budget_is_refused_until_the_day_turns_and_what_is_free_goes_on(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    one = provider("first", first.base_url, usd_per_million=PRICES)
    async with serve_llm(one, provider("second", second.base_url)) as llm:
        limits = pb.SetBudgetRequest(agent_id="agt_a", usd_per_day="0.0001")
        assert (await llm.SetBudget(limits)).budget.usd_per_day == "0.0001"
        answer = await llm.Generate(generate())
        assert answer.provider == "second"
        assert answer.attempts[0].reason == errors_pb.ERROR_REASON_BUDGET_EXHAUSTED
        refused = await refusal(llm.Generate(generate(provider="first")))
        assert (refused.reason, refused.code) == ("BUDGET_EXHAUSTED", grpc.StatusCode.RESOURCE_EXHAUSTED)
        left = (await budget(llm, "agt_a")).reset_time.seconds - time.time()
        assert refused.retry_after == pytest.approx(left, abs=60)
        assert first.calls == []
        assert (await llm.Generate(generate("agt_b", provider="first"))).provider == "first"


async def test_with_little_left_fewer_candidates_are_asked_for(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES, choices=16)) as llm:
        await llm.SetBudget(pb.SetBudgetRequest(agent_id="agt_a", usd_per_day="0.014"))
        answer = await llm.Generate(generate(candidate_count=8))
        assert 1 <= len(answer.candidates) < 8
        assert first.calls[0].get("n", 1) == len(answer.candidates)


async def test_a_repeated_request_is_paid_for_once_and_another_one_under_its_id_is_refused(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        both = await asyncio.gather(*(llm.Generate(generate(request_id="one")) for _ in range(2)))
        again = await llm.Generate(generate(request_id="one"))
        assert again == both[0] == both[1]
        assert len(first.calls) == 1
        assert Decimal((await budget(llm)).spent_usd) == COST
        assert await fields_of(llm.Generate(generate(request_id="one", candidate_count=2))) == {"request_id"}
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        assert await llm.Generate(generate(request_id="one")) == again
    assert len(first.calls) == 1


async def test_what_failed_is_asked_for_anew_under_its_id(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(answers({}, 503))
    async with serve_llm(provider("first", first.base_url)) as llm:
        assert await reason_of(llm.Generate(generate(request_id="one"))) == "PROVIDER_UNAVAILABLE"
        assert (await llm.Generate(generate(request_id="one"))).provider == "first"
    assert len(first.calls) == 2


async def test_usage_is_told_by_workflow(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        for workflow in ("wf-1", "wf-1", "wf-2"):
            await llm.Generate(generate(labels=pb.Labels(workflow=workflow)))
        rows = (await llm.GetUsage(pb.GetUsageRequest(group_by=[pb.USAGE_GROUPING_WORKFLOW]))).rows
    assert [(row.workflow, row.attempt_count) for row in rows] == [("wf-1", 2), ("wf-2", 1)]


async def test_an_identical_request_that_leaves_no_chance_costs_nothing_unless_the_cache_is_off(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    request = pb.GenerateRequest(prompt=pb.Prompt(input="rain"), sampling=pb.Sampling(temperature=0))
    one = provider("first", first.base_url, usd_per_million=PRICES)
    async with serve_llm(one, cache_mib=1) as llm:
        written, again = await llm.Generate(request), await llm.Generate(request)
        assert (written.is_cached, again.is_cached) == (False, True)
        assert again.candidates == written.candidates
        assert (again.cost_usd, again.usage, again.attempts) == ("0", pb.Usage(), written.attempts)
        assert Decimal((await budget(llm)).spent_usd) == COST
    async with serve_llm(one, cache_mib=0) as llm:
        assert [(await llm.Generate(request)).is_cached for _ in range(2)] == [False, False]
