"""`puppetctl up`: the whole suite on one machine, and what its characters do, live."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl import DATA_DIR
from puppetctl.characters.personas import PersonaFile, persona_files, read_personas
from puppetctl.characters.provision import (
    LAMPORTS_PER_SOL,
    Character,
    Prepared,
    Sandboxes,
    begin,
    others,
    prepare,
    told,
)
from puppetctl.checks.misspelt import misspelt
from puppetctl.clients import Clients, connected, cursor_before, proof_in, watch
from puppetctl.datadir import locked, sandbox_token, write_state
from puppetctl.local import model
from puppetctl.local.page import sign_in_link
from puppetctl.local.processes import Child, answers, running
from puppetctl.local.stopping import stopped_by_signal, unless
from puppetctl.local.until import Goals, counted_as
from puppetctl.suite import (
    GATEWAY,
    PRINCIPALS,
    SERVICES,
    Suite,
    SuiteError,
    made_again,
    plan_suite,
    read_ports,
    socket_of,
    target_setting,
)
from puppetctl.terminal.display import Display
from puppetctl.terminal.feed import Feed, notice
from puppetctl.terminal.words import counts, in_short, plain
from services.runtime.rpc.client import UNIX
from services.runtime.rpc.principals import PrincipalFiles

_APART_SECONDS = 2.0
"""Between the first starts of characters: about as long as a model on a small machine takes for a post."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `up` was asked for; without goals and a timeout it runs until it is stopped."""

    data_dir: Path
    personas: Path
    speed: float | None = None
    goals: Goals | None = None
    timeout_seconds: float | None = None
    is_plain: bool = False
    ports: str = ""
    explains: bool = False
    """Whether the feed shows all reasons, with scores and models."""
    has_gateway: bool = True
    model: str = ""
    """The sandbox's: a file, or the name of a packed one; empty: as the environment says."""


async def up(options: Options, environment: Mapping[str, str], console: Console) -> int:
    """Run the suite; returns the exit code: 1 when the goals were not reached. Raises SuiteError."""
    data_dir = options.data_dir.resolve()
    personas, refused = read_personas(persona_files(options.personas))
    ports = read_ports(options.ports, environment)
    environment = model.with_model(environment, options.model)
    suite = plan_suite(environment, data_dir, ports, options.speed, has_gateway=options.has_gateway)
    if options.model and not suite.address("sandbox.llm"):
        raise SuiteError("--model is of the sandbox's model, and PUPPET_LLM_PROVIDERS names others that write")
    if suite.address("sandbox.llm"):
        model.agree(environment)
    stopped = stopped_by_signal()
    with locked(data_dir) as lock:
        _prepare_principals(data_dir, (*SERVICES, GATEWAY) if options.has_gateway else SERVICES)
        run = _Run(options, suite, console, lock)
        with run.display:
            run.warn(misspelt(environment))
            run.refuse(refused)
            await run.prepare(environment)
            async with running(suite.programs, data_dir / "logs", run.tell, inherited=[lock]) as children:
                run.children = children
                await unless(stopped, run.live(personas, environment), options.timeout_seconds)
        return run.conclude(was_stopped=stopped.is_set())


def _prepare_principals(data_dir: Path, names: Sequence[str]) -> None:
    files = PrincipalFiles(data_dir / "auth")
    files.prepare(PRINCIPALS)
    if revoked := [name for name in files.revoked() if name in names]:
        ways = "; ".join(map(made_again, revoked))
        raise SuiteError(f"{', '.join(revoked)} was revoked, and the suite doesn't start without it: {ways}")


class _Run:
    """One run of the suite: what it shows, and what it has counted."""

    def __init__(self, options: Options, suite: Suite, console: Console, lock: int) -> None:
        self.children: list[Child] = []
        self._options = options
        self._suite = suite
        self._console = console
        self._lock = lock
        self._feed = Feed(explains=options.explains)
        self._began = time.monotonic()
        self._kinds: Counter[int] = Counter()
        self._counted: Counter[str] = Counter()
        self._known: list[Character] = []
        self.display = Display(console, self._status, is_plain=options.is_plain)

    async def prepare(self, environment: Mapping[str, str]) -> None:
        """Fetch the sandbox's model where there is none yet. Raises SuiteError."""
        await model.prepare(environment, self._suite, lambda words: self.display.show(Text(plain(words), "dim")))

    def warn(self, sentences: Sequence[str]) -> None:
        """Show what hinders nothing, and isn't meant so."""
        for words in sentences:
            self.display.show(Text(plain(words), "yellow"))

    def refuse(self, personas: Sequence[str]) -> None:
        """Show what keeps characters from coming to life; the others do without them."""
        for words in personas:
            self.display.show(Text("\n".join(map(plain, words.splitlines())), "red"))

    async def live(self, personas: Sequence[PersonaFile], environment: Mapping[str, str]) -> None:
        """Start everything, then show what the characters do until the goals are reached."""
        began = datetime.now(UTC)
        self._save_state()
        self.display.show(f"[dim]Starting {len(self.children)} processes[/]")
        await asyncio.gather(*map(self._wait_healthy, self.children), *map(answers, self._suite.replaced.items()))
        self._save_state()
        self.display.show(_processes(self.children))
        for name, target in self._suite.replaced.items():
            self.display.show(Text(f"{name} is the one at {target}, by {target_setting(name)}"))
        where = {child.program.name: child.program.address for child in self.children}
        # Through the folder that is ours, and not through ports that somebody else might have taken meanwhile.
        where |= {name: f"{UNIX}{path}" for name in SERVICES if (path := socket_of(name, self._options.data_dir))}
        where |= self._suite.replaced
        token = sandbox_token("sandbox.x", self._options.data_dir, environment)
        sandboxes = Sandboxes(self._suite.address("sandbox.x"), self._suite.address("sandbox.solana"), token)
        async with connected(where, proof_in(environment, self._options.data_dir)) as clients:
            cursor = await cursor_before(clients, began)
            prepared = await prepare(clients, personas, sandboxes)
            self._known = prepared.characters + await others(clients, prepared.characters)
            self.display.show(_characters(self._known, self._feed))
            self.refuse(prepared.refused)
            self._show_page(environment)
            waking = asyncio.create_task(self._wake(clients, prepared, environment))
            try:
                await self._follow(clients, cursor)
            finally:
                waking.cancel()
                # What it couldn't do is a fault of ours, and not to be lost.
                with contextlib.suppress(asyncio.CancelledError):
                    await waking

    async def _wake(self, clients: Clients, prepared: Prepared, environment: Mapping[str, str]) -> None:
        """Start the characters one after the other, and show what can be done then, and what is to be told of each."""
        known = len(prepared.refused)
        begun = [character async for character in begin(clients, prepared, apart_seconds=_APART_SECONDS)]
        self.refuse(prepared.refused[known:])
        # Only now that all of it can be done; whoever has never lived may have spoken before.
        self.display.show(f"[dim]{self._suite_in_words()}[/]\n")
        for line in self._what_next():
            self.display.show(line)
        if self._suite.address("sandbox.llm") and (better := model.better(environment)):
            self.display.show(f"[dim]{better}[/]\n")
        before = {character.id: character.change for character in prepared.characters}
        for character in await asyncio.gather(*(told(clients, one) for one in begun)):
            # What stands in the table above isn't said again: `is stopped` follows the name then.
            change = character.change.removeprefix(before[character.id]).removeprefix(", ")
            if words := "; ".join(filter(None, (change, *in_short(character.notices)))):
                self.display.show(notice(datetime.now().astimezone(), character.name, words))

    def tell(self, program: str, words: str) -> None:
        """Show what became of a program."""
        self._save_state()
        self.display.show(notice(datetime.now().astimezone(), program, words))

    def conclude(self, *, was_stopped: bool) -> int:
        """Say how it ended, and return the exit code."""
        seconds = time.monotonic() - self._began
        self._console.print(f"\n[dim]Stopped after {seconds:.0f} s: {counts(self._kinds)}.[/]")
        if self._options.goals is None:
            return 0
        if missing := self._options.goals.missing(self._counted):
            ending = "stopped" if was_stopped else "out of time"
            self._console.print(f"[red]{ending}, and not all was seen: {', '.join(missing)}[/]")
            return 1
        self._console.print("[green]all was seen that --until asked for[/]")
        return 0

    async def _wait_healthy(self, child: Child) -> None:
        await child.wait_healthy()
        self.display.refresh()

    async def _follow(self, clients: Clients, cursor: str) -> None:
        goals = self._options.goals
        if goals is not None and not goals.missing(self._counted):
            return
        async for activity in watch(clients, cursor):
            self._kinds[activity.kind] += 1
            self._counted.update(counted_as(activity))
            # That they were created and started stands in the table above.
            if activity.kind != log_pb.ACTIVITY_KIND_LIFECYCLE:
                self.display.show(self._feed.entry(activity))
            if goals is not None and not goals.missing(self._counted):
                return

    def _show_page(self, environment: Mapping[str, str]) -> None:
        """Show where the page is, with what opens it signed in."""
        credential = proof_in(environment, self._options.data_dir).credential
        if (address := self._suite.address(GATEWAY)) and credential is not None:
            self.display.show(
                "[dim]The page, by this link for ten minutes and once; `puppetctl open` makes another:[/]"
            )
            self.display.show(Text(f"{sign_in_link(address, credential)}\n"), is_whole=True)

    def _save_state(self) -> None:
        programs = {child.program.name: {"address": child.program.address, "pid": child.pid} for child in self.children}
        others = {name: {"address": target, "pid": 0} for name, target in self._suite.replaced.items()}
        write_state(self._lock, {"programs": programs | others})

    def _status(self) -> str:
        waiting = [child.program.name for child in self.children if child.healthy_after is None]
        if waiting or not self.children:
            return f"starting: {', '.join(waiting)}"
        if not self._known:
            return "waking the characters"
        return f"{counts(self._kinds)} · {self._suite.speed:g} times as fast as life · Ctrl-C stops"

    def _what_next(self) -> list[Text]:
        """Return what to try from another terminal."""
        who = self._known[0].id if self._known else "ID"
        tries = ({"puppetctl open": "the page, signed in"} if self._suite.address(GATEWAY) else {}) | {
            f"puppetctl post {who}": "it posts now",
            f"puppetctl chat {who}": "talk to it",
            "puppetctl new": "a character of your own",
            "puppetctl history --why": "what was done, with all reasons",
        }
        is_usual = self._options.data_dir.resolve() == DATA_DIR.resolve()
        where = "" if is_usual else f", each with --data {self._options.data_dir}"
        width = max(map(len, tries))
        lines = [Text.assemble("  ", (f"{what:<{width}}", "bold"), f"  {why}") for what, why in tries.items()]
        return [Text(f"Try, from another terminal{where}:"), *lines, Text("")]

    def _suite_in_words(self) -> str:
        live = ", ".join(self._suite.live)
        kind = f"Live: {live}." if live else "Everything outside is a sandbox: nothing leaves this machine."
        if self._suite.replaced:
            kind = f"{f'Live: {live}. ' if live else ''}What {', '.join(self._suite.replaced)} does is not known here."
        return f"{kind}\nTime runs {self._suite.speed:g} times as fast as life. Data and logs: {self._options.data_dir}"


def _processes(children: Sequence[Child]) -> Table:
    table = Table("process", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("port", "pid", "healthy after"):
        table.add_column(title, justify="right")
    for child in sorted(children, key=lambda child: child.healthy_after or 0):
        row = (child.program.name, child.program.port, child.pid, f"{child.healthy_after:.1f} s")
        table.add_row(*map(str, row))
    return table


def _characters(characters: Sequence[Character], feed: Feed) -> Table:
    table = Table("character", "account", "wallet", "", box=SIMPLE_HEAD, pad_edge=False)
    for character in characters:
        wallet = "" if character.lamports is None else f"{character.lamports / LAMPORTS_PER_SOL:.3f} SOL"
        handle = f"@{character.handle}" if character.handle else "none"
        table.add_row(
            feed.name(character.id, character.name),
            handle,
            wallet,
            plain("; ".join((character.change, *in_short(character.notices)))),
        )
    return table
