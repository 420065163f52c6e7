"""Brings characters to life: accounts and money from the sandbox, where there is one, then the agent itself."""

import asyncio
import contextlib
import copy
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf import field_mask_pb2, json_format

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import web
from puppetctl.characters.creating import CREATE_SECONDS, create_all
from puppetctl.characters.personas import PersonaFile, struct_of
from puppetctl.clients import Clients, find_agent, in_words, list_agents
from puppetctl.knowledge.storing import keep_knowledge
from puppetctl.suite import SuiteError
from puppetctl.terminal.words import told_of
from services.runtime.given_accounts import CREDENTIALS, credentials_of, handle_of
from services.runtime.rpc.status import Remote
from services.runtime.waiting import poll

LAMPORTS_PER_SOL = 1_000_000_000

T = TypeVar("T")
_LOW_LAMPORTS = LAMPORTS_PER_SOL // 2
_FUNDS_LAMPORTS = 2 * LAMPORTS_PER_SOL
_FUNDED_WITHIN_SECONDS = 10.0
_REDACTED = "[redacted]"
_CREATED = "created"


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
    notices: tuple[str, ...] = ()
    """What of its persona isn't done as it stands there."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The characters that live now, and what keeps the others from it, by their files."""

    characters: list[Character]
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Characters that are there with all that they need, and aren't started yet."""

    characters: list[Character]
    files: Mapping[str, PersonaFile]
    """By id, what they were made from."""
    refused: list[str]


async def provision(
    clients: Clients, files: Sequence[PersonaFile], sandboxes: Sandboxes, *, update: bool = False
) -> Provisioned:
    """Create the agents, or update those that differ from their files (or all, with `update`), then start them.

    One whose file says `is_active: false` is stopped; one that was stopped is started again only with `update`. What
    is wrong with one costs that character; repeating it completes what was left undone.
    """
    prepared = await prepare(clients, files, sandboxes, update=update)
    begun = [character async for character in begin(clients, prepared, update=update)]
    # Only when all have begun: what is made of a file takes the longer the more of them there are.
    return Provisioned(await asyncio.gather(*(told(clients, character) for character in begun)), prepared.refused)


async def prepare(
    clients: Clients, files: Sequence[PersonaFile], sandboxes: Sandboxes, *, update: bool = False
) -> Prepared:
    """Create or update the agents, as `provision` does, and start none."""
    refused: list[str] = []

    async def one(file: PersonaFile, does: Callable[[], Awaitable[T]]) -> T | None:
        return await _unless_refused(file, does, sandboxes, refused)

    looked_up = await asyncio.gather(*(one(file, partial(_wanted, clients, file.persona, sandboxes)) for file in files))
    wishes = {file.id: wish for file, wish in zip(files, looked_up, strict=True) if wish is not None}
    made = await create_all(clients, {name: wish.persona for name, wish in wishes.items() if wish.agent is None})
    prepared = await asyncio.gather(
        *(
            one(file, partial(_prepared, clients, file, wishes[file.id], made.get(file.id), sandboxes, update=update))
            for file in files
            if file.id in wishes
        )
    )
    characters = [character for character in prepared if character is not None]
    return Prepared(characters, {file.id: file for file in files}, refused)


async def begin(
    clients: Clients, prepared: Prepared, *, update: bool = False, apart_seconds: float = 0.0
) -> AsyncGenerator[Character, None]:
    """Start characters, and yield each as it was started; what keeps one from it is added to the `refused`.

    That is done when each has its money and can meet all the others. One that has never lived before lets the next one
    wait so many seconds, so that it has its first words written before all of them want a model at once.
    """
    for character in prepared.characters:
        file = prepared.files[character.id]
        does = partial(_started, clients, character, file.persona, update=update)
        if (begun := await _unless_refused(file, does, Sandboxes(), prepared.refused)) is None:
            continue
        yield begun
        if begun.change.startswith(_CREATED) and character is not prepared.characters[-1]:
            await asyncio.sleep(apart_seconds)


async def _unless_refused(
    file: PersonaFile, does: Callable[[], Awaitable[T]], sandboxes: Sandboxes, refused: list[str]
) -> T | None:
    """Return what is done about a file; where that is refused, None, and in words why."""
    try:
        return await does()
    except grpc.aio.AioRpcError as error:
        refused.append(f"{file.path}: {file.id}: {in_words(error)}{_explained(error, file, sandboxes)}")
    except (SuiteError, web.WebError) as error:
        refused.append(f"{file.path}: {file.id}: {error}")
    return None


async def _started(clients: Clients, character: Character, persona: Mapping[str, Any], *, update: bool) -> Character:
    """Start a character unless its file says otherwise."""
    agent = (await clients.agents.GetAgent(agents_pb.GetAgentRequest(id=character.id))).agent
    change = character.change
    if persona.get("is_active") is not False:
        if agent.HasField("stop_time") and not update:
            change = f"{change}, is stopped: `puppetctl start {agent.id}` starts it"
        else:
            await clients.agents.StartAgent(agents_pb.StartAgentRequest(id=agent.id))
    return replace(character, change=change)


async def told(clients: Clients, character: Character) -> Character:
    """Return a character with what its service makes of its file; that it isn't told is no reason not to live."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        status = await clients.agents.GetAgentStatus(agents_pb.GetAgentStatusRequest(id=character.id))
        return replace(character, notices=told_of(status.notices))
    return character


def _explained(error: grpc.aio.AioRpcError, file: PersonaFile, sandboxes: Sandboxes) -> str:
    """Return what a secret that is refused has to do with the sandbox, which takes its own and no real ones."""
    fields = {violation.field for violation in Remote(error).violations}
    said = []
    if sandboxes.x and "persona.twitter_credentials" in fields and _has_credentials(file.persona):
        said.append(
            f"X is the sandbox here, and knows only accounts of its own: leave twitter_credentials out, and {file.id} "
            "gets one; credentials of the real X go with PUPPET_SOCIAL_X_BASE_URL"
        )
    if sandboxes.solana and "persona.solana_integration.private_key" in fields:
        said.append(f"leave private_key out, and {file.id} gets a wallet of its own")
    return "".join(f"\n  {words}" for words in said)


async def others(clients: Clients, characters: Sequence[Character]) -> list[Character]:
    """Return the characters that are there beside these, as they are. Raises grpc's errors."""
    known = {character.id for character in characters}
    return [await _found(clients, agent) for agent in await list_agents(clients) if agent.id not in known]


async def _found(clients: Clients, agent: agents_pb.Agent) -> Character:
    change = "there already" if agent.is_active else "there already, and stopped"
    handle = await _handle(clients, agent.account_id) if agent.account_id else ""
    lamports = None
    # Nothing is done for them, so what their chain doesn't tell is no reason not to start.
    with contextlib.suppress(grpc.aio.AioRpcError):
        lamports = await _lamports(clients, agent.wallet_id) if agent.wallet_id else None
    return Character(agent.id, agent.name, change, handle, lamports)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What an agent is to be, as it was found (None: not yet there), and what was done about it before."""

    agent: agents_pb.Agent | None
    persona: dict[str, Any]
    end: str
    has_own_secrets: bool


async def _wanted(clients: Clients, persona: Mapping[str, Any], sandboxes: Sandboxes) -> _Wish:
    agent, end = await find_agent(clients, persona["id"]), ""
    if agent and agent.is_active and persona.get("is_active") is False:
        # Before anything that may fail.
        agent, end = (await clients.agents.StopAgent(agents_pb.StopAgentRequest(id=agent.id))).agent, ", and stopped"
    known = await _account(clients, agent.account_id) if agent and agent.account_id else social_pb.Account()
    wanted = await _with_account(persona, sandboxes, known.network_user_id)
    # Whether it is running is no part of who it is; it is started when everything is there.
    wanted.pop("is_active", None)
    return _Wish(agent, wanted, end, has_own_secrets(persona))


async def _prepared(
    clients: Clients,
    file: PersonaFile,
    wish: _Wish,
    made: agents_pb.Agent | grpc.aio.AioRpcError | None,
    sandboxes: Sandboxes,
    *,
    update: bool,
) -> Character:
    """Return a character with its money; what was `made` for it is the new agent, or why there is none."""
    if isinstance(made, grpc.aio.AioRpcError):
        raise made
    agent, wanted, change = wish.agent or made, wish.persona, "unchanged"
    if agent is None:
        raise SuiteError("it was neither found nor created")
    is_known = not wish.has_own_secrets and _is_same(_persona_of(agent), wanted)
    if made is not None:
        change = _CREATED
    elif update or not is_known:
        # An update that was asked for goes out in any case: it renews what the services have made of the persona.
        request = agents_pb.UpdateAgentRequest(
            agent=agents_pb.Agent(id=agent.id, persona=struct_of(wanted), etag=agent.etag),
            update_mask=field_mask_pb2.FieldMask(paths=["persona"]),
        )
        agent = (await clients.agents.UpdateAgent(request, timeout=CREATE_SECONDS)).agent
        change = "unchanged" if is_known else "updated"
    change += await _informed(clients, file)
    lamports = await _fund(clients, agent.wallet_id, sandboxes.solana) if agent.wallet_id else None
    handle = await _handle(clients, agent.account_id) if agent.account_id else ""
    return Character(agent.id, agent.name, change + wish.end, handle, lamports)


async def _informed(clients: Clients, file: PersonaFile) -> str:
    """Let a character know what its files say, and return in words what is new of that."""
    try:
        added, removed = await keep_knowledge(clients, file.id, file.knowledge)
    except grpc.aio.AioRpcError:
        if file.knowledge:
            raise
        # One that names no files, and may never have, is as it should be.
        return ""
    told = (f"{added} new from its files" if added else "", f"{removed} gone" if removed else "")
    words = " and ".join(filter(None, told))
    return f", with {words}" if words else ""


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


def _section(persona: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = persona.get(name)
    return section if isinstance(section, dict) else {}


def _has_credentials(persona: Mapping[str, Any]) -> bool:
    return any(_section(persona, "twitter_credentials").get(name) for name in CREDENTIALS)


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
    equipped["twitter_credentials"] = await credentials_of(accounts, sandboxes.x_token, username, persona["name"])
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
    funded = await poll(
        partial(_lamports, clients, wallet_id),
        lambda found: found > lamports,
        timeout_seconds=_FUNDED_WITHIN_SECONDS,
        poll_seconds=0.1,
    )
    if funded <= lamports:
        raise SuiteError(f"the sandbox's SOL did not arrive at {wallet.address}")
    return funded


async def _lamports(clients: Clients, wallet_id: str) -> int:
    answer = await clients.trading.GetBalances(trading_pb.GetBalancesRequest(wallet_id=wallet_id))
    return answer.balances[0].amount if answer.balances else 0


async def _account(clients: Clients, account_id: str) -> social_pb.Account:
    return (await clients.social.GetAccount(social_pb.GetAccountRequest(id=account_id))).account


async def _handle(clients: Clients, account_id: str) -> str:
    return (await _account(clients, account_id)).handle
