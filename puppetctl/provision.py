"""Brings characters to life: accounts and money from the sandbox, where there is one, then the agent itself."""

import asyncio
import contextlib
import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import field_mask_pb2, json_format, struct_pb2

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import web
from puppetctl.clients import Clients, find_agent, in_words, list_agents
from puppetctl.suite import SuiteError

LAMPORTS_PER_SOL = 1_000_000_000

_CREDENTIALS = {
    "apiKey": "api_key",
    "apiKeySecret": "api_key_secret",
    "accessToken": "access_token",
    "accessTokenSecret": "access_token_secret",
}
_HANDLE_LENGTH = 15
_LOW_LAMPORTS = LAMPORTS_PER_SOL // 2
_FUNDS_LAMPORTS = 2 * LAMPORTS_PER_SOL
_FUNDED_WITHIN_SECONDS = 10.0
_REDACTED = "[redacted]"

# Creating an agent stores all its memories and asks the network about its account.
_CREATE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """Where the sandboxes are, as `host:port`; None for a third party that is real, where nothing is provisioned."""

    x: str | None = None
    solana: str | None = None
    x_token: str = ""
    """What opens the X sandbox's own routes."""


@dataclass(frozen=True, slots=True)
class Character:
    """A character as it was found or made."""

    id: str
    name: str
    change: str
    """`created`, `updated` or `unchanged`; `there already` for one whose persona wasn't given."""
    handle: str
    """Empty for one without an account."""
    lamports: int | None
    """None for one without a wallet."""
    unknown_fields: tuple[str, ...]


def read_personas(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read persona files. Raises SuiteError, which names the file and the line."""
    personas = []
    for path in paths:
        try:
            persona = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SuiteError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SuiteError(f"{path}: is not UTF-8 text") from None
        except json.JSONDecodeError as error:
            raise SuiteError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}") from None
        if not isinstance(persona, dict) or not all(isinstance(persona.get(name), str) for name in ("id", "name")):
            raise SuiteError(f"{path}: is not a persona: it needs an `id` and a `name`, and all else is optional")
        personas.append(persona)
    _refuse_twins("id", [persona["id"] for persona in personas], paths)
    _refuse_twins("account name", [handle_of(persona["id"]) for persona in personas], paths)
    return personas


def persona_files(folder: Path) -> list[Path]:
    """Return the persona files of a folder, by name. Raises SuiteError when there are none."""
    if not (found := sorted(folder.glob("*.json"))):
        raise SuiteError(f"{folder}: no persona files (*.json) are there")
    return found


def handle_of(persona_id: str) -> str:
    """Return the account name that a persona gets at the sandbox: up to 15 letters, digits and underscores."""
    handle = re.sub(r"\W", "_", persona_id, flags=re.ASCII)
    if len(handle) <= _HANDLE_LENGTH:
        return handle
    return f"{handle[:10]}_{hashlib.sha256(persona_id.encode()).hexdigest()[:4]}"


async def bring_to_life(
    clients: Clients, personas: Sequence[Mapping[str, Any]], sandboxes: Sandboxes, *, update: bool = False
) -> list[Character]:
    """Create the agents, or update those that differ from their files (or all, with `update`), then start them.

    Raises SuiteError, which names the character; repeating it completes what was left undone.
    """

    async def prepare(persona: Mapping[str, Any]) -> Character:
        try:
            return await _prepare(clients, persona, sandboxes, update=update)
        except grpc.aio.AioRpcError as error:
            raise SuiteError(f"{persona['id']}: {in_words(error)}") from None
        except web.WebError as error:
            raise SuiteError(f"{persona['id']}: {error}") from None

    cast = await asyncio.gather(*map(prepare, personas))
    # Only now, when each has its money and can meet all the others.
    for character, persona in zip(cast, personas, strict=True):
        if persona.get("is_active", True):
            await clients.agents.StartAgent(agents_pb.StartAgentRequest(id=character.id))
    return cast


async def others(clients: Clients, cast: Sequence[Character]) -> list[Character]:
    """Return the characters that are there beside these, as they are. Raises grpc's errors."""
    known = {character.id for character in cast}
    return [await _found(clients, agent) for agent in await list_agents(clients) if agent.id not in known]


async def _found(clients: Clients, agent: agents_pb.Agent) -> Character:
    change = "there already" if agent.is_active else "there already, and stopped"
    handle = await _handle(clients, agent.account_id) if agent.account_id else ""
    lamports = None
    # Nothing is done for them, so what their chain doesn't tell is no reason not to start.
    with contextlib.suppress(grpc.aio.AioRpcError):
        lamports = await _lamports(clients, agent.wallet_id) if agent.wallet_id else None
    return Character(agent.id, agent.name, change, handle, lamports, ())


async def _prepare(clients: Clients, persona: Mapping[str, Any], sandboxes: Sandboxes, *, update: bool) -> Character:
    agent = await find_agent(clients, persona["id"])
    known = await _account(clients, agent.account_id) if agent and agent.account_id else social_pb.Account()
    wanted = await _with_account(persona, sandboxes, known.network_user_id)
    # Whether it is running is no part of who it is; it is started when everything is there.
    wanted.pop("is_active", None)
    is_known = agent is not None and not has_own_secrets(persona) and _is_same(_persona_of(agent), wanted)
    change = "unchanged"
    if agent is None:
        creation = agents_pb.CreateAgentRequest(persona=_struct(wanted))
        agent, change = (await clients.agents.CreateAgent(creation, timeout=_CREATE_SECONDS)).agent, "created"
    elif update or not is_known:
        # An update that was asked for goes out in any case: it renews what the services have made of the persona.
        request = agents_pb.UpdateAgentRequest(
            agent=agents_pb.Agent(id=agent.id, persona=_struct(wanted), etag=agent.etag),
            update_mask=field_mask_pb2.FieldMask(paths=["persona"]),
        )
        agent = (await clients.agents.UpdateAgent(request, timeout=_CREATE_SECONDS)).agent
        change = "unchanged" if is_known else "updated"
    lamports = await _fund(clients, agent.wallet_id, sandboxes.solana) if agent.wallet_id else None
    handle = await _handle(clients, agent.account_id) if agent.account_id else ""
    return Character(agent.id, agent.name, change, handle, lamports, tuple(agent.unknown_fields))


def _persona_of(agent: agents_pb.Agent) -> dict[str, Any]:
    return json_format.MessageToDict(agent.persona)


def has_own_secrets(persona: Mapping[str, Any]) -> bool:
    """Tell whether the file holds secrets: what is stored is redacted, so a change of theirs can't be seen."""
    return bool(_section(persona, "solana_integration").get("private_key")) or _has_credentials(persona)


def _is_same(stored: Any, given: Any) -> bool:
    if stored == _REDACTED:
        return given is not None and given not in ("", [], {})
    if isinstance(stored, dict) and isinstance(given, dict):
        return stored.keys() == given.keys() and all(_is_same(stored[name], given[name]) for name in stored)
    if isinstance(stored, list) and isinstance(given, list):
        return len(stored) == len(given) and all(map(_is_same, stored, given))
    return bool(stored == given)


def _struct(persona: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(persona), struct_pb2.Struct())


def _section(persona: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = persona.get(name)
    return section if isinstance(section, dict) else {}


def _has_credentials(persona: Mapping[str, Any]) -> bool:
    return any(_section(persona, "twitter_credentials").get(name) for name in _CREDENTIALS)


def _refuse_twins(what: str, names: Sequence[str], paths: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for name, path in zip(names, paths, strict=True):
        if (other := first.setdefault(name.lower(), path)) is not path:
            raise SuiteError(f"{path} and {other} have the same {what} {name!r}: give one of them another id")


async def _with_account(persona: Mapping[str, Any], sandboxes: Sandboxes, user_id: str) -> dict[str, Any]:
    """Return a copy whose credentials are those of an account at the sandbox, unless it has its own.

    It is the account with this user id there, whatever that is called by now, or else one with the character's name.
    """
    equipped = copy.deepcopy(dict(persona))
    if sandboxes.x is None or _has_credentials(persona):
        return equipped
    accounts = f"http://{sandboxes.x}/_sandbox/accounts"
    there = (await web.get(accounts, sandboxes.x_token))["accounts"] if user_id else []
    username = next((one["username"] for one in there if one["id"] == user_id), handle_of(persona["id"]))
    keys = await web.post(accounts, {"username": username, "name": persona["name"][:50]}, sandboxes.x_token)
    equipped["twitter_credentials"] = {name: keys[key] for name, key in _CREDENTIALS.items()}
    return equipped


async def _fund(clients: Clients, wallet_id: str, sandbox: str | None) -> int:
    """Return how many lamports a wallet has; at the sandbox, after filling it up when there are few."""
    lamports = await _lamports(clients, wallet_id)
    if sandbox is None or lamports >= _LOW_LAMPORTS:
        return lamports
    wallet = (await clients.trading.GetWallet(trading_pb.GetWalletRequest(id=wallet_id))).wallet
    call = {"jsonrpc": "2.0", "id": 1, "method": "requestAirdrop", "params": [wallet.address, _FUNDS_LAMPORTS]}
    answer = await web.post(f"http://{sandbox}/", call)
    if "error" in answer:
        raise SuiteError(f"the sandbox gives no SOL to {wallet.address}: {answer['error'].get('message')}")
    try:
        async with asyncio.timeout(_FUNDED_WITHIN_SECONDS):
            while True:
                if (funded := await _lamports(clients, wallet_id)) > lamports:
                    return funded
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SuiteError(f"the sandbox's SOL did not arrive at {wallet.address}") from None


async def _lamports(clients: Clients, wallet_id: str) -> int:
    answer = await clients.trading.GetBalances(trading_pb.GetBalancesRequest(wallet_id=wallet_id))
    return answer.balances[0].amount if answer.balances else 0


async def _account(clients: Clients, account_id: str) -> social_pb.Account:
    return (await clients.social.GetAccount(social_pb.GetAccountRequest(id=account_id))).account


async def _handle(clients: Clients, account_id: str) -> str:
    return (await _account(clients, account_id)).handle
