"""Accounts, posts and mentions, at the social service."""

from datetime import UTC

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.agents.adapters.calls import calling
from services.agents.domain.persona import XSecrets
from services.agents.domain.tasks import Mention
from services.agents.ports.neighbours import Account, Capabilities, Refused, ReplyScope, SocialPost
from services.agents.ports.stored import Post, Progress
from services.runtime.clock import Clock
from services.runtime.protobuf import read_time
from services.runtime.text.weight import TextLimit, WeightRange

_PROGRESS = {pb.POST_STATE_SETTLED: Progress.SETTLED, pb.POST_STATE_FAILED: Progress.FAILED}
_SCOPES = {pb.REPLY_SCOPE_NONE: ReplyScope.NONE, pb.REPLY_SCOPE_ALL: ReplyScope.ALL}
_PAGE = 100
_MAX_HELD = 500
_MAX_PAGES = 5


class SocialClient:
    """Speaks to the social service."""

    def __init__(self, social: SocialServiceStub, clock: Clock) -> None:
        self._social = social
        self._clock = clock

    async def register(self, agent_id: str, secrets: XSecrets) -> Account:
        """Register an agent's account, or replace the credentials of the one it has."""
        request = pb.RegisterAccountRequest(
            agent_id=agent_id,
            x=pb.XCredentials(
                api_key=secrets.api_key,
                api_key_secret=secrets.api_key_secret,
                access_token=secrets.access_token,
                access_token_secret=secrets.access_token_secret,
            ),
        )
        with calling("social"):
            answer = await self._social.RegisterAccount(request)
        return _account(answer.account)

    async def account_of(self, agent_id: str) -> Account | None:
        """Return the account that an agent has."""
        with calling("social"):
            answer = await self._social.ListAccounts(pb.ListAccountsRequest(agent_id=agent_id, page_size=1))
        return _account(answer.accounts[0]) if answer.accounts else None

    async def capabilities(self, account_id: str) -> Capabilities:
        """Return what the network lets an account do."""
        request = pb.GetCapabilitiesRequest(account_id=account_id)
        with calling("social"):
            told = (await self._social.GetCapabilities(request)).capabilities
        return Capabilities(_text_limit(told.text_limit), _SCOPES.get(told.reply_scope, ReplyScope.MENTIONED))

    async def publish(self, account_id: str, text: str, in_reply_to: str, request_id: str) -> Post:
        """Publish a post once for every request_id; `in_reply_to` is empty for a post of its own."""
        request = pb.CreatePostRequest(
            account_id=account_id, text=text, in_reply_to_network_post_id=in_reply_to, request_id=request_id
        )
        with calling("social"):
            return _post((await self._social.CreatePost(request)).post)

    async def post(self, post_id: str) -> Post:
        """Return a post as it is now."""
        with calling("social"):
            return _post((await self._social.GetPost(pb.GetPostRequest(id=post_id))).post)

    async def withdraw(self, account_id: str, request_id: str) -> Post | None:
        """Take back what was to be published for this request_id, unless it was sent, and return it as it is then."""
        request = pb.WithdrawPostRequest(account_id=account_id, create_request_id=request_id)
        try:
            with calling("social"):
                return _post((await self._social.WithdrawPost(request)).post)
        except Refused as refused:
            if refused.reason != "POST_NOT_FOUND":
                raise
            return None

    async def delete_account(self, agent_id: str) -> None:
        """Delete the account that an agent has, if any, with its outbox."""
        with calling("social"):
            await self._social.DeleteAccount(pb.DeleteAccountRequest(agent_id=agent_id))

    async def withdraw_held(self, account_id: str) -> None:
        """Take back everything of an account that is held back."""
        request = pb.ListPostsRequest(account_id=account_id, states=[pb.POST_STATE_CLAIMED], page_size=_MAX_HELD)
        with calling("social"):
            # What was taken back isn't listed any more.
            while held := (await self._social.ListPosts(request)).posts:
                for post in held:
                    await self._social.WithdrawPost(pb.WithdrawPostRequest(account_id=account_id, id=post.id))

    async def conversation(
        self, account_id: str, network_post_id: str, conversation_id: str, limit: int
    ) -> list[SocialPost]:
        """Return posts of the conversation that a post is part of, oldest first."""
        request = pb.GetConversationRequest(
            account_id=account_id,
            network_post_id=network_post_id,
            network_conversation_id=conversation_id,
            max_posts=limit,
        )
        with calling("social"):
            answer = await self._social.GetConversation(request)
        return [
            SocialPost(
                post.network_post_id,
                post.author_network_user_id,
                post.text,
                post.create_time.ToDatetime(tzinfo=UTC),
                post.in_reply_to_network_post_id,
            )
            for post in answer.posts
        ]

    async def mentions(self, account_id: str, after: str) -> list[Mention]:
        """Return the mentions after the one with this network id, or the latest when it is empty; oldest first."""
        found: list[Mention] = []
        token = ""
        for _ in range(_MAX_PAGES):
            request = pb.ListMentionsRequest(
                account_id=account_id, after_network_post_id=after, page_size=_PAGE, page_token=token
            )
            with calling("social"):
                answer = await self._social.ListMentions(request)
            found += map(self._mention, answer.mentions)
            token = answer.next_page_token
            if not token:
                break
        return found

    def _mention(self, mention: pb.Mention) -> Mention:
        return Mention(
            network_post_id=mention.network_post_id,
            author_handle=mention.author_handle,
            text=mention.text,
            conversation_id=mention.network_conversation_id or mention.network_post_id,
            create_time=read_time(mention, "create_time", self._clock.now()),
            author_user_id=mention.author_network_user_id,
            in_reply_to_user_id=mention.in_reply_to_network_user_id,
        )


def _text_limit(limit: pb.TextLimit) -> TextLimit:
    return TextLimit(
        max_weight=limit.max_weight,
        default_weight=limit.default_weight,
        ranges=tuple(WeightRange(one.first, one.last, one.weight) for one in limit.ranges),
        url_weight=limit.url_weight,
        emoji_weight=limit.emoji_weight,
    )


def _account(account: pb.Account) -> Account:
    registered = account.create_time.ToDatetime(tzinfo=UTC)
    return Account(account.id, account.handle, account.network_user_id, read_time(account, "handle_time", registered))


def _post(post: pb.Post) -> Post:
    progress = _PROGRESS.get(post.state, Progress.UNDER_WAY)
    if post.state == pb.POST_STATE_OUTCOME_UNKNOWN and not post.HasField("due_time"):
        progress = Progress.UNDECIDED
    return Post(post.id, progress, post.network_post_id, post.state_reason)
