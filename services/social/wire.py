"""Between protobuf and domain; every request is checked here, all its violations at once."""

from puppet.social.v1 import social_service_pb2 as pb
from services.runtime.checks import Checks
from services.runtime.protobuf import write_duration, write_time
from services.runtime.rpc.limits import RequestChecks, check
from services.runtime.text.fingerprints import MAX_SIGNS, unfolds_too_far
from services.social.domain.accounts import Account, Credentials, NetworkName
from services.social.domain.capabilities import Capabilities, PostQuota, ReplyScope
from services.social.domain.network import Cause, Conversation, ConversationPost, Mention
from services.social.domain.posts import Post, PostState

_NETWORK_NUMBERS = {name: pb.Network.Value(f"NETWORK_{name.name}") for name in NetworkName}
_STATES = {pb.PostState.Value(f"POST_STATE_{state.name}"): state for state in PostState}
_STATE_NUMBERS = {state: number for number, state in _STATES.items()}
_CAUSE_NUMBERS = {cause: pb.PostStateCause.Value(f"POST_STATE_CAUSE_{cause.name}") for cause in Cause}
_SCOPE_NUMBERS = {scope: pb.ReplyScope.Value(f"REPLY_SCOPE_{scope.name}") for scope in ReplyScope}


def read_credentials(request: pb.RegisterAccountRequest) -> Credentials:
    """Return the credentials of an account to register."""
    check(request)
    given = request.x
    return Credentials(
        api_key=given.api_key,
        api_key_secret=given.api_key_secret,
        access_token=given.access_token,
        access_token_secret=given.access_token_secret,
    )


def check_new_post(request: pb.CreatePostRequest) -> None:
    """Check a post to publish."""
    with RequestChecks(request) as checks:
        if unfolds_too_far(request.text):
            checks.refuse("text", f"must have at most {MAX_SIGNS} characters in its normal form (NFKC)")
        _network_id(checks, "in_reply_to_network_post_id", request.in_reply_to_network_post_id)


def read_states(request: pb.ListPostsRequest) -> tuple[PostState, ...]:
    """Return the states that are wanted."""
    check(request)
    return tuple(_STATES[number] for number in request.states)


def check_mentions(request: pb.ListMentionsRequest) -> None:
    """Check which mentions are wanted."""
    with RequestChecks(request) as checks:
        _network_id(checks, "after_network_post_id", request.after_network_post_id)


def check_conversation(request: pb.GetConversationRequest) -> None:
    """Check which conversation is wanted."""
    with RequestChecks(request) as checks:
        for field in ("network_post_id", "network_conversation_id"):
            _network_id(checks, field, getattr(request, field))


def write_account(account: Account) -> pb.Account:
    """Return an account as it goes over the wire, without its credentials."""
    return pb.Account(
        id=account.id,
        agent_id=account.agent_id,
        network=_NETWORK_NUMBERS[account.network],
        handle=account.handle,
        network_user_id=account.network_user_id,
        create_time=write_time(account.create_time),
        handle_time=write_time(account.handle_time),
    )


def write_capabilities(capabilities: Capabilities, quota: PostQuota) -> pb.Capabilities:
    """Return capabilities, and the quota that belongs to them, as they go over the wire."""
    limit = capabilities.text_limit
    return pb.Capabilities(
        can_post=capabilities.can_post,
        reply_scope=_SCOPE_NUMBERS[capabilities.reply_scope],
        can_quote=capabilities.can_quote,
        can_like=capabilities.can_like,
        can_repost=capabilities.can_repost,
        text_limit=pb.TextLimit(
            max_weight=limit.max_weight,
            default_weight=limit.default_weight,
            ranges=[pb.WeightRange(first=one.first, last=one.last, weight=one.weight) for one in limit.ranges],
            url_weight=limit.url_weight,
            emoji_weight=limit.emoji_weight,
        ),
        can_follow=capabilities.can_follow,
        can_thread=capabilities.can_thread,
        can_attach_media=capabilities.can_attach_media,
        can_edit=capabilities.can_edit,
        can_delete=capabilities.can_delete,
        post_quota=pb.PostQuota(
            window=write_duration(quota.window), max_posts=quota.max_posts, max_replies=quota.max_replies
        ),
    )


def write_post(post: Post) -> pb.Post:
    """Return a post as it goes over the wire."""
    return pb.Post(
        id=post.id,
        account_id=post.account_id,
        text=post.text,
        in_reply_to_network_post_id=post.in_reply_to,
        state=_STATE_NUMBERS[post.state],
        network_post_id=post.network_post_id or "",
        state_reason=post.state_reason,
        create_time=write_time(post.create_time),
        finish_time=write_time(post.finish_time),
        request_id=post.request_id,
        state_cause=_CAUSE_NUMBERS[post.state_cause] if post.state_cause else pb.POST_STATE_CAUSE_UNSPECIFIED,
        due_time=write_time(post.due_time),
    )


def write_mention(mention: Mention) -> pb.Mention:
    """Return a mention as it goes over the wire."""
    return pb.Mention(
        network_post_id=mention.network_post_id,
        author_network_user_id=mention.author_user_id,
        author_handle=mention.author_handle,
        text=mention.text,
        network_conversation_id=mention.conversation_id,
        in_reply_to_network_post_id=mention.in_reply_to,
        create_time=write_time(mention.create_time),
        in_reply_to_network_user_id=mention.in_reply_to_user_id,
    )


def write_conversation(conversation: Conversation) -> pb.GetConversationResponse:
    """Return a conversation as it goes over the wire."""
    return pb.GetConversationResponse(
        posts=[_write_conversation_post(post) for post in conversation.posts],
        call_count=conversation.calls,
        read_post_count=conversation.posts_read,
        read_user_count=conversation.users_read,
    )


def _write_conversation_post(post: ConversationPost) -> pb.ConversationPost:
    return pb.ConversationPost(
        network_post_id=post.network_post_id,
        author_network_user_id=post.author_user_id,
        author_handle=post.author_handle,
        text=post.text,
        in_reply_to_network_post_id=post.in_reply_to,
        create_time=write_time(post.create_time),
    )


def _network_id(checks: Checks, field: str, value: str) -> None:
    if value.strip() and not (value.isascii() and value.isdigit()):
        checks.refuse(field, "must be digits")
