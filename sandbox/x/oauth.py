"""Who calls: OAuth 1.0a signatures are computed again and compared, bearer tokens are looked up."""

import hmac
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature
from starlette.requests import Request

from sandbox.x.accounts import Accounts, User
from sandbox.x.database import Clock
from sandbox.x.problems import Problem, unauthorized

MAX_SKEW_SECONDS = 5 * 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and whether it called with its app's bearer token only."""

    user: User
    app_only: bool


class Authenticator:
    """Finds the caller of a request; nonces are remembered while their timestamp is valid, until a restart."""

    def __init__(self, accounts: Accounts, clock: Clock = time.time) -> None:
        self._accounts = accounts
        self._clock = clock
        self._nonces: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def authenticate(self, request: Request) -> Caller:
        """Return the caller, or raise the 401 that X answers; why is logged, since X doesn't tell."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if user := self._accounts.by_bearer_token(credentials.strip()):
                return Caller(user, app_only=True)
            raise _refused("unknown bearer token")
        if scheme.lower() == "oauth":
            return Caller(self._signer(request), app_only=False)
        raise _refused("no OAuth or Bearer authorization")

    def _signer(self, request: Request) -> User:
        try:
            given = signature.collect_parameters(
                uri_query=request.scope["query_string"].decode("ascii"),
                headers={"Authorization": request.headers["authorization"]},
                exclude_oauth_signature=False,
            )
        except ValueError as error:
            raise _refused(f"malformed parameters: {error}") from error
        protocol = [(name, value) for name, value in given if name.startswith("oauth_")]
        oauth = dict(protocol)
        if len(oauth) != len(protocol):
            raise _refused("a protocol parameter is given twice")
        user = self._accounts.by_access_token(oauth.get("oauth_token", ""))
        if user is None:
            raise _refused("unknown access token")
        keys = self._accounts.keys(user)
        if oauth.get("oauth_consumer_key") != keys.api_key:
            raise _refused("the consumer key isn't of this access token's app")
        if oauth.get("oauth_signature_method") != "HMAC-SHA1" or oauth.get("oauth_version", "1.0") != "1.0":
            raise _refused("the signature method isn't HMAC-SHA1, or the version isn't 1.0")
        signed = [(name, value) for name, value in given if name != "oauth_signature"]
        base = signature.signature_base_string(
            request.method,  # type: ignore[arg-type]  # any method, whatever its stub says
            signature.base_string_uri(_uri(request)),
            signature.normalize_parameters(signed),  # type: ignore[arg-type]  # a list, whatever its stub says
        )
        signer = Client(keys.api_key, keys.api_key_secret, keys.access_token, keys.access_token_secret)
        expected: str = signature.sign_hmac_sha1_with_client(base, signer)
        if not hmac.compare_digest(expected.encode(), oauth.get("oauth_signature", "").encode()):
            raise _refused("wrong signature")
        self._check_fresh(oauth)
        return user

    def _check_fresh(self, oauth: dict[str, str]) -> None:
        stamp, nonce = oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", "")
        now = self._clock()
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11) or not nonce:
            raise _refused("the timestamp or the nonce is missing")
        if abs(now - int(stamp)) > MAX_SKEW_SECONDS:
            raise _refused("the timestamp is more than five minutes off")
        while self._nonces and next(iter(self._nonces.values())) < now:
            self._nonces.popitem(last=False)
        key = (oauth["oauth_token"], stamp, nonce)
        if key in self._nonces:
            raise _refused("the nonce was used before")
        # A stamp up to five minutes ahead stays valid for ten.
        self._nonces[key] = now + 2 * MAX_SKEW_SECONDS


def _uri(request: Request) -> str:
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}{path.decode('ascii')}"


def _refused(reason: str) -> Problem:
    _log.info("authentication refused: %s", reason)
    return unauthorized()
