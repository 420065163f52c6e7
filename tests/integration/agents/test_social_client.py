"""The adapter that speaks to the social service, with a small server in its place."""

import grpc
import pytest

from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.agents.adapters.social_client import SocialClient
from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused
from services.agents.ports.stored import Progress
from services.runtime import errors
from services.runtime.text.weight import TextLimit, WeightRange
from tests.fakes.clock import FixedClock
from tests.integration.agents.answering import Answers, answering

CLOCK = FixedClock()
SOCIAL = social_pb.DESCRIPTOR.services_by_name["SocialService"]


async def test_what_an_account_may_do_comes_with_the_weights_that_its_network_counts_by() -> None:
    limit = social_pb.TextLimit(
        max_weight=280,
        default_weight=2,
        ranges=[social_pb.WeightRange(first=0, last=4351, weight=1)],
        url_weight=23,
        emoji_weight=2,
    )
    told = social_pb.GetCapabilitiesResponse(capabilities=social_pb.Capabilities(text_limit=limit))
    async with answering(SOCIAL, {"GetCapabilities": lambda _: told}) as channel:
        found = await SocialClient(SocialServiceStub(channel), CLOCK).capabilities("acc_1")
    assert found.text_limit == TextLimit(280, 2, (WeightRange(0, 4351, 1),), 23, 2)


async def test_a_post_settles_with_its_id_on_the_network() -> None:
    post = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_OUTCOME_UNKNOWN)
    post.due_time.GetCurrentTime()
    settled = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_SETTLED, network_post_id="77")
    answers: Answers = {
        "CreatePost": lambda _: social_pb.CreatePostResponse(post=post),
        "GetPost": lambda _: social_pb.GetPostResponse(post=settled),
    }
    async with answering(SOCIAL, answers) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        sent = await social.publish("acc_1", "hello", "", "req_1")
        assert (sent.progress, sent.network_post_id) == (Progress.UNDER_WAY, "")
        seen = await social.post(sent.id)
        assert (seen.progress, seen.network_post_id) == (Progress.SETTLED, "77")


async def test_a_post_that_nobody_looks_for_any_more_is_undecided() -> None:
    post = social_pb.Post(id="pst_1", state=social_pb.POST_STATE_OUTCOME_UNKNOWN)
    async with answering(SOCIAL, {"GetPost": lambda _: social_pb.GetPostResponse(post=post)}) as channel:
        seen = await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")
    assert seen.progress is Progress.UNDECIDED


async def test_a_post_is_withdrawn_by_the_name_of_its_request_and_may_never_have_been_taken() -> None:
    def withdraw(request: social_pb.WithdrawPostRequest) -> social_pb.WithdrawPostResponse:
        if request.create_request_id == "req_2":
            raise PostGone("no post")
        post = social_pb.Post(id=f"pst of {request.create_request_id}", state=social_pb.POST_STATE_FAILED)
        return social_pb.WithdrawPostResponse(post=post)

    async with answering(SOCIAL, {"WithdrawPost": withdraw}) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        taken = await social.withdraw("acc_1", "req_1")
        assert taken is not None
        assert (taken.id, taken.progress) == ("pst of req_1", Progress.FAILED)
        assert await social.withdraw("acc_1", "req_2") is None


async def test_everything_that_is_held_is_withdrawn_page_by_page() -> None:
    held = [f"pst_{number}" for number in range(3)]

    def some(request: social_pb.ListPostsRequest) -> social_pb.ListPostsResponse:
        assert list(request.states) == [social_pb.POST_STATE_CLAIMED]
        return social_pb.ListPostsResponse(posts=[social_pb.Post(id=post_id) for post_id in held[:2]])

    def withdraw(request: social_pb.WithdrawPostRequest) -> social_pb.WithdrawPostResponse:
        held.remove(request.id)
        return social_pb.WithdrawPostResponse()

    async with answering(SOCIAL, {"ListPosts": some, "WithdrawPost": withdraw}) as channel:
        await SocialClient(SocialServiceStub(channel), CLOCK).withdraw_held("acc_1")
    assert held == []


class LimitReached(errors.Exhausted):
    """A limit of the network, as the social service tells of it."""

    reason = "NETWORK_RATE_LIMITED"


class CreditsGone(errors.Exhausted):
    """What lasts longer than anybody waits."""

    reason = "CREDITS_USED_UP"


class PostGone(errors.NotFound):
    """There is no such post."""

    reason = "POST_NOT_FOUND"


async def test_what_another_service_has_to_wait_for_is_told_in_its_words() -> None:
    def limited(_request: object) -> social_pb.GetPostResponse:
        raise LimitReached("the network's rate limit is used up", 90.0, "acc_1")

    def out_of_credits(_request: object) -> social_pb.CreatePostResponse:
        raise CreditsGone("the credits at the network are used up", 3600.0, "acc_1")

    async with answering(SOCIAL, {"GetPost": limited, "CreatePost": out_of_credits}) as channel:
        social = SocialClient(SocialServiceStub(channel), CLOCK)
        with pytest.raises(DependencyUnavailable, match="rate limit is used up"):
            await social.post("pst_1")
        with pytest.raises(Refused, match="credits at the network") as refused:
            await social.publish("acc_1", "hello", "", "req_1")
    assert refused.value.reason == "CREDITS_USED_UP"


async def test_every_page_of_mentions_is_read() -> None:
    def mentions(request: social_pb.ListMentionsRequest) -> social_pb.ListMentionsResponse:
        number = 2 if request.page_token else 1
        mention = social_pb.Mention(
            network_post_id=f"{request.after_network_post_id}{number}",
            author_handle="a",
            in_reply_to_network_user_id="12",
        )
        return social_pb.ListMentionsResponse(mentions=[mention], next_page_token="" if number == 2 else "more")

    async with answering(SOCIAL, {"ListMentions": mentions}) as channel:
        found = await SocialClient(SocialServiceStub(channel), CLOCK).mentions("acc_1", "7")
    # A post that starts a conversation gives it its id.
    assert [(mention.network_post_id, mention.conversation_id) for mention in found] == [("71", "71"), ("72", "72")]
    assert {mention.in_reply_to_user_id for mention in found} == {"12"}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (errors.Unavailable("down", 3.0), DependencyUnavailable),
        (errors.Exhausted("slow down", 90.0, "acc_1"), DependencyUnavailable),
        (errors.WrongState("no"), Refused),
        (errors.InvalidRequest([errors.Violation("text", "is required")]), Refused),
    ],
)
async def test_what_may_pass_is_told_from_what_will_not(
    refusal: errors.PuppetError, expected: type[errors.PuppetError]
) -> None:
    def refuse(_request: object) -> social_pb.GetPostResponse:
        raise refusal

    async with answering(SOCIAL, {"GetPost": refuse}) as channel:
        with pytest.raises(expected) as raised:
            await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")
    if isinstance(refusal, errors.RetryLater):
        assert isinstance(raised.value, errors.RetryLater)
        assert raised.value.retry_after == refusal.retry_after
    else:
        assert raised.value.reason == refusal.reason


async def test_a_service_that_is_not_there_may_come_back() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(DependencyUnavailable):
            await SocialClient(SocialServiceStub(channel), CLOCK).post("pst_1")
