"""The sandbox's own routes: make and rename accounts, post as one, watch posts and usage, set tier and vocabulary."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.x.accounts import Accounts, Tier, User
from sandbox.x.fields import Vocabulary
from sandbox.x.gate import load_json
from sandbox.x.posts import NewPost, Post, Posts
from sandbox.x.usage import Usage
from sandbox.x.views import timestamp

_USERNAME = r"^[A-Za-z0-9_]{1,15}$"


class _NewAccount(BaseModel, extra="forbid"):
    username: str = Field(pattern=_USERNAME)
    name: str = Field(min_length=1, max_length=50)
    description: str = Field(default="", max_length=160)


class _NewName(BaseModel, extra="forbid"):
    username: str = Field(pattern=_USERNAME)


class _Said(BaseModel, extra="forbid"):
    username: str = Field(pattern=_USERNAME)
    text: str = Field(min_length=1, max_length=4000)
    reply_to: int | None = Field(default=None, ge=1, lt=2**63)


class _TierChoice(BaseModel, extra="forbid"):
    tier: Tier


class _VocabularyChoice(BaseModel, extra="forbid"):
    vocabulary: Vocabulary


class _After(BaseModel, extra="forbid"):
    after_id: int = Field(default=0, ge=0, lt=2**63)
    limit: int = Field(default=1000, ge=1, le=1000)


class Admin:
    """Handles `/_sandbox`; nothing here exists on X, and nothing here is limited."""

    def __init__(self, accounts: Accounts, posts: Posts, usage: Usage) -> None:
        self._accounts = accounts
        self._posts = posts
        self._usage = usage

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/_sandbox/accounts", self._list_accounts, methods=["GET"]),
            Route("/_sandbox/accounts", self._create_account, methods=["POST"]),
            Route("/_sandbox/accounts/{id:int}", self._rename_account, methods=["PATCH"]),
            Route("/_sandbox/posts", self._list_posts, methods=["GET"]),
            Route("/_sandbox/posts", self._create_post, methods=["POST"]),
            Route("/_sandbox/tier", self._get_tier, methods=["GET"]),
            Route("/_sandbox/tier", self._set_tier, methods=["POST"]),
            Route("/_sandbox/vocabulary", self._get_vocabulary, methods=["GET"]),
            Route("/_sandbox/vocabulary", self._set_vocabulary, methods=["POST"]),
            Route("/_sandbox/usage", self._get_usage, methods=["GET"]),
        ]

    async def _list_accounts(self, _request: Request) -> JSONResponse:
        users = self._accounts.everyone()
        return JSONResponse({"accounts": [_named(user) for user in users]})

    async def _create_account(self, request: Request) -> JSONResponse:
        try:
            new = _NewAccount.model_validate(load_json(await request.body()))
        except ValueError as error:
            return _bad_request(error)
        user, made = self._accounts.create(new.username, new.name, new.description)
        account = {
            "id": str(user.id),
            "username": user.username,
            "name": user.name,
            "description": user.description,
            **asdict(self._accounts.keys(user)),
        }
        return JSONResponse(account, 201 if made else 200)

    async def _rename_account(self, request: Request) -> JSONResponse:
        try:
            new = _NewName.model_validate(load_json(await request.body()))
        except ValueError as error:
            return _bad_request(error)
        user = self._accounts.get(request.path_params["id"])
        if user is None:
            return _refusal(404, "id", "no account has this id")
        renamed = self._accounts.rename(user, new.username)
        if renamed is None:
            return _refusal(409, "username", "another account has this username")
        return JSONResponse(_named(renamed))

    async def _list_posts(self, request: Request) -> JSONResponse:
        try:
            after = _After.model_validate(dict(request.query_params))
        except ValueError as error:
            return _bad_request(error)
        posts = self._posts.oldest_after(after.after_id, after.limit)
        return JSONResponse({"posts": [self._watched(post) for post in posts]})

    async def _create_post(self, request: Request) -> JSONResponse:
        """Publish a post, or a reply, as any account: what somebody says who is played by whoever runs this sandbox."""
        try:
            said = _Said.model_validate(load_json(await request.body()))
        except ValueError as error:
            return _bad_request(error)
        author = self._accounts.by_username(said.username)
        if author is None:
            return _refusal(404, "username", "no account has this username")
        parent = self._posts.target(said.reply_to) if said.reply_to is not None else None
        if parent is None and said.reply_to is not None:
            return _refusal(404, "reply_to", "no visible post has this id")
        return JSONResponse(self._watched(self._posts.create(author, NewPost(said.text, parent))), 201)

    async def _get_tier(self, _request: Request) -> JSONResponse:
        return JSONResponse({"tier": self._accounts.tier.value})

    async def _set_tier(self, request: Request) -> JSONResponse:
        try:
            choice = _TierChoice.model_validate(load_json(await request.body()))
        except ValueError as error:
            return _bad_request(error)
        self._accounts.tier = choice.tier
        return JSONResponse({"tier": choice.tier.value})

    async def _get_vocabulary(self, _request: Request) -> JSONResponse:
        return JSONResponse({"vocabulary": self._accounts.vocabulary.value})

    async def _set_vocabulary(self, request: Request) -> JSONResponse:
        try:
            choice = _VocabularyChoice.model_validate(load_json(await request.body()))
        except ValueError as error:
            return _bad_request(error)
        self._accounts.vocabulary = choice.vocabulary
        return JSONResponse({"vocabulary": choice.vocabulary.value})

    async def _get_usage(self, _request: Request) -> JSONResponse:
        return JSONResponse(self._usage.totals())

    def _watched(self, post: Post) -> dict[str, Any]:
        """Return a post for people who watch: its text as written, with nothing linked or escaped."""
        author = self._accounts.get(post.author_id)
        links = {"reply_to": post.reply_to, "quoted": post.quoted, "reposted": post.reposted}
        return {
            "id": str(post.id),
            "author_id": str(post.author_id),
            "username": author.username if author else "",
            "name": author.name if author else "",
            "text": post.text,
            "created_at": timestamp(post.created_ms),
            "conversation_id": str(post.conversation_id),
            **{name: str(i) if i is not None else None for name, i in links.items()},
            "likes": post.likes,
            "replies": post.replies,
            "reposts": post.reposts,
            "quotes": post.quotes,
        }


def _named(user: User) -> dict[str, str]:
    return {"id": str(user.id), "username": user.username, "name": user.name}


def _refusal(status: int, field: str, message: str) -> JSONResponse:
    return JSONResponse({"errors": [{"field": field, "message": message}]}, status)


def _bad_request(error: ValueError) -> JSONResponse:
    if isinstance(error, ValidationError):
        errors = [
            {"field": ".".join(str(part) for part in fault["loc"]) or "body", "message": fault["msg"]}
            for fault in error.errors()
        ]
    else:
        errors = [{"field": "body", "message": f"not valid JSON: {error}"}]
    return JSONResponse({"errors": errors}, 400)
