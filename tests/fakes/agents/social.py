"""The social service as the agents service sees it."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.persona import XSecrets
from services.agents.domain.tasks import Mention
from services.agents.ports.neighbours import (
    Account,
    Capabilities,
    Refused,
    ReplyScope,
    SocialPost,
)
from services.agents.ports.stored import Post, Progress
from services.runtime.errors import Violation
from services.runtime.text.weight import TextLimit, WeightRange
from tests.fakes.agents.line import Line


class FakeSocial:
    """A network on which every post is published once for its request_id."""

    def __init__(self) -> None:
        self.line = Line("social")
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, XSecrets] = {}
        self.refused_keys: set[str] = set()
        self.posts: dict[str, tuple[str, str, str, Post]] = {}
        self.inbox: dict[str, list[Mention]] = {}
        self.deleted: set[str] = set()
        """The posts that are gone by the time that somebody answers them."""
        self.replies_left: int | None = None
        """How many replies the network's limit leaves; None when it isn't known."""
        self.text_limit = TextLimit(max_weight=280, default_weight=2, ranges=(WeightRange(0, 4351, 1),), emoji_weight=2)
        self.reply_scope = ReplyScope.MENTIONED
        self.capability_reads = 0
        """How often somebody has asked what an account may do."""
        self.looks_until_settled = 0
        self.held = 0
        """How many sends are taken, and answered with a limit that ends in a quarter of an hour."""
        self.withheld: Refused | None = None
        """What holds posts back until something is done about it."""
        self.conversation_reads = 0
        self.unreadable: Refused | None = None
        """Why conversations can't be read."""
        self.withdrawals = 0
        """How often a post was asked back, whether or not it could be had."""
        self.holding: set[str] = set()
        """The requests whose posts are held back."""
        self.blind: Refused | DependencyUnavailable | None = None
        """What every look for mentions is refused with."""
        self.looks = 0
        """How often somebody has looked for mentions."""
        self.sending: asyncio.Event | None = None
        """When set, a post is published, and its answer waits for this."""
        self.is_lively = False
        """Whether a reply mentions all other accounts."""
        self.joins_conversations = True
        """Whether a reply belongs to the conversation of what it answers, or begins one of its own."""
        self._ids = itertools.count(1)

    def published(self, account_id: str) -> list[str]:
        """Return what an account published, oldest first."""
        return [
            text
            for request_id, (account, text, _, post) in self.posts.items()
            if account == account_id and post.progress is not Progress.FAILED and request_id not in self.holding
        ]

    def settle(self) -> None:
        """Let every post settle that is under way."""
        self.looks_until_settled = 0
        for request_id, (*rest, post) in self.posts.items():
            self.posts[request_id] = (rest[0], rest[1], rest[2], replace(post, progress=Progress.SETTLED))

    def answers(self) -> list[tuple[str, str]]:
        """Return the replies, and the ids of the posts that they answer, oldest first."""
        return [(text, in_reply_to) for _, text, in_reply_to, _ in self.posts.values() if in_reply_to]

    def mention(
        self,
        agent_id: str,
        author: str,
        text: str,
        conversation_id: str = "",
        time: datetime | None = None,
        user_id: str = "",
        answers: str = "",
    ) -> str:
        """Let somebody mention an agent, perhaps in answer to a user id; the value is the post's id.

        Without a user id the handle makes one.
        """
        post_id = str(1000 + next(self._ids))
        self.inbox.setdefault(f"acc_{agent_id}", []).append(
            Mention(
                post_id,
                author,
                text,
                conversation_id or post_id,
                time or datetime.now(UTC),
                user_id or f"id-{author}",
                answers,
            )
        )
        return post_id

    def rename(self, agent_id: str, handle: str) -> str:
        """Let the network call an agent's account something else, and return that."""
        self.accounts[agent_id] = replace(self.accounts[agent_id], handle=handle, handle_time=datetime.now(UTC))
        return handle

    async def register(self, agent_id: str, secrets: XSecrets) -> Account:
        self.line.pass_through()
        if secrets.api_key in self.refused_keys:
            raise Refused("social", "CREDENTIALS_REFUSED", "CREDENTIALS_REFUSED: the network refused the credentials")
        self.secrets[agent_id] = secrets
        return self.accounts.setdefault(
            agent_id,
            Account(f"acc_{agent_id}", f"{agent_id}_handle", f"id-{agent_id}_handle", datetime.now(UTC)),
        )

    async def account_of(self, agent_id: str) -> Account | None:
        self.line.pass_through()
        return self.accounts.get(agent_id)

    async def capabilities(self, account_id: str) -> Capabilities:
        self.line.pass_through()
        self.capability_reads += 1
        return Capabilities(self.text_limit, self.reply_scope)

    async def publish(self, account_id: str, text: str, in_reply_to: str, request_id: str) -> Post:
        self.line.pass_through()
        if request_id not in self.posts:
            self._measure(text)
            self._share(in_reply_to)
            number = next(self._ids)
            progress = Progress.UNDER_WAY if self.looks_until_settled else Progress.SETTLED
            if in_reply_to in self.deleted:
                progress = Progress.FAILED
            post = Post(f"pst_{number}", progress, str(1000 + number), "")
            self.posts[request_id] = (account_id, text, in_reply_to, post)
            if self.is_lively and in_reply_to:
                self._mention_all(account_id, text, in_reply_to, post.network_post_id)
        if self.posts[request_id][3].progress is Progress.FAILED:
            return self.posts[request_id][3]
        if self.held or self.withheld:
            self.held = max(0, self.held - 1)
            self.holding.add(request_id)
            raise self.withheld or DependencyUnavailable("social", 900, "has to wait: the network's limit is used up")
        self.holding.discard(request_id)
        if self.sending is not None:
            await self.sending.wait()
        return self.posts[request_id][3]

    def _mention_all(self, account_id: str, text: str, in_reply_to: str, post_id: str) -> None:
        said = next(one for inbox in self.inbox.values() for one in inbox if one.network_post_id == in_reply_to)
        author = next(account for account in self.accounts.values() if account.id == account_id)
        conversation_id = said.conversation_id if self.joins_conversations else post_id
        for account in self.accounts.values():
            if account is not author:
                self.inbox.setdefault(account.id, []).append(
                    replace(
                        said,
                        network_post_id=post_id,
                        author_handle=author.handle,
                        author_user_id=author.user_id,
                        text=f"@{account.handle} {text}",
                        conversation_id=conversation_id,
                        in_reply_to_user_id=said.author_user_id,
                    )
                )

    def _measure(self, text: str) -> None:
        if (weight := self.text_limit.weigh(text)) > self.text_limit.max_weight:
            words = f"must have at most {self.text_limit.max_weight} characters, and has {weight}"
            raise Refused("social", "INVALID_REQUEST", f"INVALID_REQUEST: text: {words}", [Violation("text", words)])

    def _share(self, in_reply_to: str) -> None:
        if in_reply_to and self.replies_left is not None:
            if self.replies_left == 0:
                raise Refused("social", "REPLY_SHARE_USED_UP", "REPLY_SHARE_USED_UP: no replies are left today")
            self.replies_left -= 1

    async def post(self, post_id: str) -> Post:
        self.line.pass_through()
        key, found = next((key, item) for key, item in self.posts.items() if item[3].id == post_id)
        self.looks_until_settled = max(0, self.looks_until_settled - 1)
        if not self.looks_until_settled:
            self.posts[key] = found = (*found[:3], replace(found[3], progress=Progress.SETTLED))
        return found[3]

    async def withdraw(self, account_id: str, request_id: str) -> Post | None:
        self.line.pass_through()
        self.withdrawals += 1
        if request_id not in self.posts:
            return None
        *rest, post = self.posts[request_id]
        if request_id in self.holding:
            self.holding.discard(request_id)
            post = replace(post, progress=Progress.FAILED, reason="withdrawn before it was sent")
            self.posts[request_id] = (rest[0], rest[1], rest[2], post)
        return post

    async def delete_account(self, agent_id: str) -> None:
        self.line.pass_through()
        account = self.accounts.pop(agent_id, None)
        if account is not None:
            self.posts = {name: post for name, post in self.posts.items() if post[0] != account.id}

    async def withdraw_held(self, account_id: str) -> None:
        self.line.pass_through()
        for request_id in [name for name in self.holding if self.posts[name][0] == account_id]:
            await self.withdraw(account_id, request_id)

    async def conversation(
        self, account_id: str, network_post_id: str, conversation_id: str, limit: int
    ) -> list[SocialPost]:
        self.line.pass_through()
        self.conversation_reads += 1
        if self.unreadable is not None:
            raise self.unreadable
        said = [mention for inbox in self.inbox.values() for mention in inbox]
        posts = {
            mention.network_post_id: SocialPost(
                mention.network_post_id, mention.author_user_id, mention.text, mention.create_time
            )
            for mention in said
            if conversation_id in ("", mention.conversation_id)
        }
        users = {account.id: account.user_id for account in self.accounts.values()}
        answers = [
            SocialPost(post.network_post_id, users[account], text, posts[answered].create_time, answered)
            for account, text, answered, post in self.posts.values()
            if answered in posts
        ]
        return sorted((*posts.values(), *answers), key=lambda post: int(post.network_post_id))[-limit:]

    async def mentions(self, account_id: str, after: str) -> list[Mention]:
        self.line.pass_through()
        self.looks += 1
        if self.blind is not None:
            raise self.blind
        inbox = self.inbox.get(account_id, [])
        return [mention for mention in inbox if not after or int(mention.network_post_id) > int(after)]
