"""Lists of models through the wire."""

from puppet.llm.v1 import llm_errors_pb2 as errors_pb
from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from tests.integration.llm.conftest import KEY, ServeLlm, provider
from tests.integration.llm.openai_server import OpenAiServer, answers, hangs
from tests.support.refusals import reason_of


async def test_a_provider_that_fails_is_named_with_its_error(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(answers({"error": {"message": KEY}}, 401))
    listed = await llm.ListModels(pb.ListModelsRequest())
    [failure] = listed.failures
    reason = errors_pb.ERROR_REASON_PROVIDER_REFUSED
    assert failure == pb.ProviderFailure(provider="first", reason=reason, message="first: refused the key (HTTP 401)")
    assert list(listed.models) == [
        pb.Model(provider="second", name="large"),
        pb.Model(provider="second", name="small", is_default=True),
    ]


async def test_a_provider_that_hangs_is_named_with_its_error_within_the_deadline(
    llm: LlmServiceStub, first: OpenAiServer
) -> None:
    first.next.append(hangs)
    listed = await llm.ListModels(pb.ListModelsRequest(), timeout=6)
    [failure] = listed.failures
    reason = errors_pb.ERROR_REASON_PROVIDER_UNAVAILABLE
    assert failure == pb.ProviderFailure(provider="first", reason=reason, message="first: did not answer in time")
    assert len(listed.models) == 2


async def test_the_only_model_of_a_server_is_its_default(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.model_names = ["only"]
    async with serve_llm(provider("local", first.base_url, model="")) as llm:
        listed = await llm.ListModels(pb.ListModelsRequest(provider="local"))
    assert list(listed.models) == [pb.Model(provider="local", name="only", is_default=True)]


async def test_pages_show_every_model_once(llm: LlmServiceStub) -> None:
    names, token = [], ""
    while True:
        page = await llm.ListModels(pb.ListModelsRequest(page_size=3, page_token=token))
        names += [(model.provider, model.name) for model in page.models]
        token = page.next_page_token
        if not token:
            break
    assert names == [("first", "large"), ("first", "small"), ("second", "large"), ("second", "small")]


async def test_a_name_that_no_provider_has_is_not_found(llm: LlmServiceStub) -> None:
    assert await reason_of(llm.ListModels(pb.ListModelsRequest(provider="third"))) == "PROVIDER_NOT_FOUND"
