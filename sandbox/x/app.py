"""Puts the X sandbox together."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.faults import FaultBoard
from sandbox.server import build_app
from sandbox.x.accounts import Accounts
from sandbox.x.admin import Admin
from sandbox.x.database import Clock, Database
from sandbox.x.gate import Gate, Handler
from sandbox.x.limits import Limiter
from sandbox.x.oauth import Authenticator
from sandbox.x.posts import Posts
from sandbox.x.problems import problem
from sandbox.x.refusals import REFUSALS
from sandbox.x.settings import XSettings
from sandbox.x.tweets import Tweets
from sandbox.x.usage import Usage
from sandbox.x.users import Users
from sandbox.x.views import Views


def build_x_app(settings: XSettings, clock: Clock = time.time) -> Starlette:
    """Return the application; it opens `x.sqlite3` in the data directory at once, and closes it when it stops."""
    database = Database(settings.data_dir / "x.sqlite3", clock)
    accounts = Accounts(database)
    posts = Posts(database, accounts)
    views = Views(accounts, posts)
    board, usage = FaultBoard(REFUSALS), Usage()
    limiter = Limiter(enforced=settings.rate_limits, multiplier=settings.rate_limit_multiplier, clock=clock)
    gate = Gate(accounts, Authenticator(accounts, clock), limiter, board, usage)
    endpoints = _endpoints(Tweets(accounts, posts, views, board, settings.max_weight), Users(accounts, posts, views))
    routes = [gate.route(endpoint, handler) for endpoint, handler in endpoints.items()]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            database.close()

    app = build_app(settings, [*Admin(accounts, posts, usage).routes(), *routes], board, lifespan)
    app.add_exception_handler(HTTPException, _problem_page)
    return app


def _endpoints(tweets: Tweets, users: Users) -> dict[str, Handler]:
    """Return what handles each endpoint; fixed paths stand before those with a parameter in the same place."""
    return {
        "POST /2/tweets": tweets.create,
        "GET /2/tweets": tweets.get_many,
        "GET /2/tweets/search/recent": tweets.search,
        "GET /2/tweets/{id}": tweets.get,
        "DELETE /2/tweets/{id}": tweets.delete,
        "GET /2/users/me": users.me,
        "GET /2/users/by": users.by_usernames,
        "GET /2/users/by/username/{username}": users.by_username,
        "GET /2/users/{id}": users.get,
        "GET /2/users/{id}/tweets": users.tweets,
        "GET /2/users/{id}/mentions": users.mentions,
        "POST /2/users/{id}/likes": users.like,
        "DELETE /2/users/{id}/likes/{tweet_id}": users.unlike,
        "POST /2/users/{id}/retweets": users.repost,
        "DELETE /2/users/{id}/retweets/{tweet_id}": users.take_back_repost,
    }


async def _problem_page(_request: Request, error: Exception) -> JSONResponse:
    """Answer an unknown path or method as X does."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    title = {404: "Not Found", 405: "Method Not Allowed"}.get(status, "Error")
    return JSONResponse(problem(status, title).body, status)
