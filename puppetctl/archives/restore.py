"""`puppetctl restore`: gives each service what it owns of the characters in a file."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from rich.text import Text

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import DATA_DIR
from puppetctl.archives import file
from puppetctl.archives.backup import LONG_SECONDS
from puppetctl.archives.file import ACCOUNT, AGENT, BUDGET, MEMORIES, RELATIONSHIPS, WALLET, Character, Reader
from puppetctl.archives.secrets import Derivation, ask
from puppetctl.clients import Clients, find_agent, in_words, opened
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from puppetctl.terminal.progress import steps

_SEALED = {ACCOUNT: "posts nothing", WALLET: "trades nothing"}
_WITH = "an archive of `puppetctl backup --secrets`"
_MEMORIES_AT_ONCE, _BYTES_AT_ONCE = 20_000, 64 * 2**20


@dataclass(frozen=True, slots=True)
class Options:
    """Which characters of an archive are wanted, all when none is named, and what of them."""

    agent_ids: Sequence[str] = ()
    starts: bool = False
    with_secrets: bool = True


async def restore(path: Path, options: Options, data_dir: Path = DATA_DIR) -> int:
    """Bring back what an archive has. Raises SuiteError, when anything of it is damaged before anything is written."""
    with file.reading(path) as archive:
        characters, key = _wanted(archive, options), _key(archive, options, os.environ)
        async with opened(data_dir) as clients:
            here = [await _here(clients, archive, character) for character in characters]
            others = [words for _, words in here if words]
            if others and (options.agent_ids or len(others) == len(characters)):
                raise SuiteError(f"{others[0]}, and nothing was changed")
            with steps("restoring", len(characters)) as bar:
                for character, (is_known, words) in zip(characters, here, strict=True):
                    bar.say(f"restoring {character.id}")
                    if words:
                        open_console().print(Text(f"{words}, and left as it is"), soft_wrap=True)
                    else:
                        if not is_known:
                            await _restore(clients, archive, character, key)
                        await _tell(clients, character, options, is_known=is_known)
                        if not is_known and not key:
                            _tell_of_secrets(character)
                    bar.done()
    return 0


def _wanted(archive: Reader, options: Options) -> list[Character]:
    found = {character.id: character for character in archive.manifest.characters}
    if missing := [agent_id for agent_id in options.agent_ids if agent_id not in found]:
        raise SuiteError(f"the archive has no {missing[0]!r}; it has {', '.join(found) or 'nobody'}")
    return [found[agent_id] for agent_id in dict.fromkeys(options.agent_ids)] or list(found.values())


def _key(archive: Reader, options: Options, environment: Mapping[str, str]) -> str:
    if archive.manifest.secrets is None or not options.with_secrets:
        return ""
    return Derivation.of(archive.manifest.secrets).opened(ask(environment, is_new=False))


async def _here(clients: Clients, archive: Reader, character: Character) -> tuple[bool, str]:
    """Tell whether a character was restored from this archive before; words, when it is another one that is here."""
    if await find_agent(clients, character.id) is None:
        return False, ""
    try:
        answer = await clients.agents.ImportAgent(_agent(archive, character), timeout=LONG_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise
        return False, f"{character.id!r} is here already ({in_words(error)})"
    return answer.is_repeated, ""


async def _restore(clients: Clients, archive: Reader, character: Character, key: str) -> None:
    """Import what there is; the agent itself comes last, so that whatever was cut off can be repeated."""

    def rows(section: str, kind: type[Any], **fields: Any) -> Iterator[Any]:
        return _rows(archive, character, section, kind, **fields)

    sections = character.sections
    if BUDGET in sections:
        for line in archive.lines(sections[BUDGET]):
            await clients.llm.SetBudget(json_format.Parse(line, llm_pb.SetBudgetRequest()))
    if sections[ACCOUNT].lines:
        account = rows(ACCOUNT, social_pb.ImportAccountRequest, sealing_key=key)
        await clients.social.ImportAccount(account, timeout=LONG_SECONDS)
    if sections[WALLET].lines:
        wallet = rows(WALLET, trading_pb.ImportWalletRequest, sealing_key=key)
        await clients.trading.ImportWallet(wallet, timeout=LONG_SECONDS)
    if sections[RELATIONSHIPS].lines:
        relationships = rows(RELATIONSHIPS, relationship_pb.ImportRelationshipsRequest)
        await clients.relationships.ImportRelationships(relationships, timeout=LONG_SECONDS)
    for some in _memories(archive, character):
        await clients.memory.ImportMemories(iter(some), timeout=LONG_SECONDS)
    await clients.agents.ImportAgent(_agent(archive, character), timeout=LONG_SECONDS)


def _agent(archive: Reader, character: Character) -> Iterator[pb.ImportAgentRequest]:
    return _rows(archive, character, AGENT, pb.ImportAgentRequest)


def _rows(archive: Reader, character: Character, section: str, kind: type[Any], **fields: Any) -> Iterator[Any]:
    """Yield the messages of an import; to repeat one is to have it once."""
    first = {"agent_id": character.id, "request_id": f"restore/{archive.manifest.id}/{character.id}", **fields}
    for line in archive.lines(character.sections[section]):
        yield kind(**json.loads(line), **first)
        first = {}


def _memories(archive: Reader, character: Character) -> Iterator[list[memory_pb.ImportMemoriesRequest]]:
    """Yield the memories in parts; the messages of one memory stay together."""
    some: list[memory_pb.ImportMemoriesRequest] = []
    size = 0
    for line in archive.lines(character.sections[MEMORIES]):
        read = json_format.Parse(line, memory_pb.ExportMemoriesResponse())
        is_next = not some or some[-1].memory.id != read.memory.id
        if is_next and (len(some) >= _MEMORIES_AT_ONCE or size > _BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        size += len(line)
        agent_id = "" if some else character.id
        some.append(memory_pb.ImportMemoriesRequest(agent_id=agent_id, memory=read.memory, history=read.history))
    if some:
        yield some


async def _tell(clients: Clients, character: Character, options: Options, *, is_known: bool) -> None:
    words = "was restored from this archive before: nothing was changed" if is_known else "restored"
    if options.starts:
        await clients.agents.StartAgent(pb.StartAgentRequest(id=character.id))
        words += ", and started"
    elif not is_known:
        words += f", and stopped: once it lives nowhere else, `puppetctl start {character.id}`"
    open_console().print(Text(f"{character.id}: {words}"), soft_wrap=True)


def _tell_of_secrets(character: Character) -> None:
    """Say what a character can't do that came without its secrets, and how it gets them."""
    lacking = [words for section, words in _SEALED.items() if character.sections[section].lines]
    if lacking:
        remedy = f"`puppetctl apply FILE` of a persona with them, or {_WITH}"
        words = f"{character.id}: {' and '.join(lacking)} without its secrets: {remedy}"
        open_console().print(Text(words), soft_wrap=True)
