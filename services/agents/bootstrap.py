"""Wires the agents service."""

import contextlib
import os
import signal
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import agent_service_pb2_grpc as pb_grpc
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1 import draft_service_pb2_grpc as drafts_pb_grpc
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.agents.v1 import event_service_pb2_grpc as events_pb_grpc
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.agents.adapters.dbos import DbosWorkflows
from services.agents.adapters.llm_client import LlmClient
from services.agents.adapters.memory_client import MemoryClient
from services.agents.adapters.opening import FeedsWhenAsked
from services.agents.adapters.social_client import SocialClient
from services.agents.adapters.sql import SqlRecords
from services.agents.adapters.sql_leases import SqlLeases
from services.agents.adapters.trading_client import TradingClient
from services.agents.behaviours import Parts, Registry
from services.agents.engine import Engine
from services.agents.ports.neighbours import LlmPort, MemoryPort, SocialPort, TradingPort
from services.agents.ports.webhooks import WebhookPort
from services.agents.scheduler import Scheduler
from services.agents.service import (
    Agents,
    Alerts,
    Allowance,
    Archive,
    Cast,
    Conversations,
    Cooldown,
    Creation,
    Deletions,
    Drafts,
    Effects,
    Events,
    Explanations,
    Governors,
    Hearing,
    Inbox,
    Journal,
    LeasedLlm,
    Limits,
    Models,
    Moods,
    NetworkCapabilities,
    Noticing,
    Outbox,
    Planner,
    Prompts,
    Provisioning,
    Publisher,
    Relations,
    Replica,
    Reservations,
    Screener,
    Tail,
    Tidying,
    Tokens,
    Triggers,
    Writer,
    redact_stored,
)
from services.agents.service.replica import RENEW_SECONDS, STRAYS_SECONDS
from services.agents.servicer import AgentServicer, DraftServicer, EventServicer
from services.agents.settings import AgentsSettings
from services.runtime.background import repeating
from services.runtime.clock import Clock, SystemClock
from services.runtime.db import Database
from services.runtime.rpc.client import connect
from services.runtime.rpc.dependencies import watching
from services.runtime.rpc.server import Lifecycle, Mounted, Opener, proof_of
from services.runtime.session_lock import SessionLock, held
from services.runtime.settings import SettingsError
from services.runtime.sql import SqlStore
from services.runtime.tidying import TIDY_SECONDS

_MEND_SECONDS = 60.0
_EXPIRE_SECONDS = 10.0
_DELIVER_SECONDS = 1.0
_ALERT_SECONDS = 30.0
_BOUND_SECONDS = 300.0
_DELETE_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0
"""How long a start waits for the process before it on an SQLite file to be gone."""


def opener(settings: AgentsSettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        targets: dict[type, str] = {
            MemoryServiceStub: settings.memory_target,
            RelationshipServiceStub: settings.memory_target,
            LlmServiceStub: settings.llm_target,
            SocialServiceStub: settings.social_target,
            TradingServiceStub: settings.trading_target,
        }
        clock = SystemClock()
        async with connect(targets, proof_of("agents", settings)) as stubs:
            ports = (
                MemoryClient(stubs[MemoryServiceStub], stubs[RelationshipServiceStub]),
                LlmClient(stubs[LlmServiceStub]),
                SocialClient(stubs[SocialServiceStub], clock),
                TradingClient(stubs[TradingServiceStub]),
            )
            async with (
                watching(stubs.channels, lifecycle.health),
                served(settings, lifecycle, clock, *ports) as mounted,
            ):
                yield mounted

    return open_service


@contextlib.asynccontextmanager
async def served(
    settings: AgentsSettings,
    lifecycle: Lifecycle,
    clock: Clock,
    memory: MemoryPort,
    llm: LlmPort,
    social: SocialPort,
    trading: TradingPort,
) -> AsyncIterator[Sequence[Mounted]]:
    """Open the service over these four; its schedule and its workflows run until the block ends."""
    database = Database(settings.sql_url("agents"))
    # Of its own, so that a lease is renewed however many wait for the others' connections.
    lease_database = database if database.is_sqlite else Database(settings.sql_url("agents"))
    try:
        await database.migrate(Path(__file__).with_name("migrations"))
        store = SqlStore(database, SqlRecords)
        if await redact_stored(store):
            await database.scrub()
        name = settings.executor_id or socket.gethostname()
        replica = Replica(SqlLeases(lease_database), name, is_alone=database.is_sqlite, on_lost=_end_process)
        llm = LeasedLlm(llm, replica)
        workflows = DbosWorkflows(settings.dbos_url(), replica, settings.patience_seconds)
        cast = Cast(store, clock, settings.speed)
        tail = Tail(store, lifecycle.draining)
        journal = Journal(store, cast, clock, tail)
        falls_back = settings.unknown_provider == "fallback"
        capabilities = NetworkCapabilities(social, clock)
        publisher = Publisher(cast, Effects(store), social, trading, capabilities, settings.settle_seconds)
        parts = _parts(settings, store, cast, journal, publisher, capabilities, clock, memory, llm, social, trading)
        behaviours = Registry.of(parts)
        webhook = webhook_of(settings)
        outbox = Outbox(store, webhook, settings.public_url, clock)
        kept_drafts = timedelta(hours=settings.draft_hours)
        drafts = Drafts(store, journal, outbox, behaviours.objections, clock, kept_drafts)
        engine = Engine(behaviours, cast, drafts, Noticing(cast, memory, journal), publisher, journal)
        provisioning = Provisioning(memory, social, trading, llm, falls_back=falls_back)
        creation = Creation(store, journal, provisioning, behaviours, clock, settings.speed)
        agents = Agents(store, cast, journal, provisioning, creation, behaviours, workflows, clock, settings.speed)
        triggers = Triggers(store, journal, behaviours, workflows, social, capabilities)
        explanations = Explanations(store, behaviours)
        scheduler = Scheduler(store, cast, behaviours, workflows, Cooldown(store), clock, settings.speed)
        feeds = FeedsWhenAsked(allows_http=settings.feed_http, allows_private=settings.feed_private_addresses)
        events = Events(store, cast, feeds, clock, settings.speed)
        kept, mention_age = timedelta(days=settings.request_days), timedelta(hours=settings.mention_age_hours)
        activities_kept = timedelta(days=settings.activity_days) if settings.activity_days else None
        tidying = Tidying(store, cast, kept, mention_age, activities_kept)
        alerts = Alerts(store, cast, outbox, settings.model_calls_a_day_for_strangers, settings.speed)
        ended_kept = timedelta(days=settings.workflow_days)
        deletions = Deletions(store, journal, parts.inbox, alerts, memory, social, trading, workflows, clock)
        archive = Archive(store, journal, clock)
        moods = Moods(store, cast, journal, settings.speed)
        await scheduler.mend()
        async with (
            _presence(replica.replica_id, database) as is_present,
            replica.joined(is_present),
            workflows.running(engine.handlers()),
            repeating("renewing the lease", RENEW_SECONDS, replica.renew),
            repeating("adopting workflows", RENEW_SECONDS, lambda: replica.adopt(workflows)),
            repeating("adopting strays", STRAYS_SECONDS, lambda: replica.adopt_strays(workflows)),
            tail.following(),
            scheduler.running(),
            deletions.running(),
            repeating("schedule", settings.poll_seconds, scheduler.poll),
            repeating("events", settings.poll_seconds, events.poll),
            repeating("feeds", settings.poll_seconds, events.poll_feeds),
            repeating("mending", _MEND_SECONDS, scheduler.mend),
            repeating("deletions", _DELETE_SECONDS, deletions.poll),
            repeating("expiring drafts", _EXPIRE_SECONDS, drafts.expire),
            repeating("forgetting workflows", TIDY_SECONDS, lambda: workflows.forget(clock.now() - ended_kept)),
            repeating("tidying", TIDY_SECONDS, tidying.tidy),
            _telling(outbox, alerts) if webhook else contextlib.nullcontext(),
        ):
            yield [
                Mounted(
                    pb.DESCRIPTOR.services_by_name["AgentService"],
                    pb_grpc.add_AgentServiceServicer_to_server,
                    AgentServicer(agents, moods, triggers, explanations, journal, tail, deletions, archive),
                    explanations.agent_of,
                ),
                Mounted(
                    drafts_pb.DESCRIPTOR.services_by_name["DraftService"],
                    drafts_pb_grpc.add_DraftServiceServicer_to_server,
                    DraftServicer(drafts),
                    drafts.agent_of,
                ),
                Mounted(
                    events_pb.DESCRIPTOR.services_by_name["EventService"],
                    events_pb_grpc.add_EventServiceServicer_to_server,
                    EventServicer(events, clock),
                ),
            ]
    finally:
        await lease_database.close()
        await database.close()


def webhook_of(settings: AgentsSettings) -> WebhookPort | None:
    """Return where messages to a person go; None where they go nowhere."""
    url = settings.webhook_url.get_secret_value()
    if not url:
        return None
    # Its client takes megabytes, which a service without a webhook has no use for.
    from services.agents.adapters.webhooks import HttpWebhook

    return HttpWebhook(url, settings.webhook_keys())


@contextlib.asynccontextmanager
async def _telling(outbox: Outbox, alerts: Alerts) -> AsyncIterator[None]:
    """Send messages to a person, and look for what they should be told of, until the block ends."""
    async with (
        repeating("messages", _DELIVER_SECONDS, outbox.deliver),
        repeating("alerts", _ALERT_SECONDS, alerts.look),
        repeating("bounding messages", _BOUND_SECONDS, outbox.bound),
    ):
        yield


def _parts(
    settings: AgentsSettings,
    store: SqlStore[SqlRecords],
    cast: Cast,
    journal: Journal,
    publisher: Publisher,
    capabilities: NetworkCapabilities,
    clock: Clock,
    memory: MemoryPort,
    llm: LlmPort,
    social: SocialPort,
    trading: TradingPort,
) -> Parts:
    """Return what behaviours are made from."""
    limits = _limits(settings)
    screener = Screener(llm, settings.screen_provider, settings.screen_model) if settings.screen_provider else None
    falls_back = settings.unknown_provider == "fallback"
    reservations = Reservations(store, clock)
    allowance = Allowance(store, cast, limits.calls_for_strangers, limits.strangers_at_once)
    governors = Governors(store, cast, allowance, limits)
    hearing = Hearing(store, cast, memory, social)
    models = Models(llm, clock)
    return Parts(
        cast=cast,
        memory=memory,
        social=social,
        trading=trading,
        writer=Writer(llm, models, Prompts(store, clock), reservations, capabilities, screener, falls_back=falls_back),
        reservations=reservations,
        effects=Effects(store),
        publisher=publisher,
        inbox=Inbox(store, cast, social, hearing, governors, journal, settings.speed, settings.patience_seconds),
        hearing=hearing,
        governors=governors,
        allowance=allowance,
        conversations=Conversations(store, cast, social, models, settings.conversation_posts),
        models=models,
        planner=Planner(store, cast),
        relations=Relations(store, cast, memory, settings.speed),
        tokens=Tokens(trading, clock),
        clock=clock,
        timeout_seconds=settings.settle_seconds,
    )


@contextlib.asynccontextmanager
async def _presence(replica_id: str, database: Database) -> AsyncIterator[Callable[[str], bool]]:
    """Hold what shows that a replica is present; the value says of another whether it is, too.

    Raises SettingsError when another process runs on the same SQLite file.
    """
    number = 0 if database.is_sqlite else _number(replica_id)
    async with contextlib.AsyncExitStack() as stack:
        try:
            lock = held(database, SessionLock("replica", number), _PATIENCE_SECONDS)
            numbers = await stack.enter_async_context(lock)
        except TimeoutError:
            raise SettingsError(
                f"another agents service runs on {database.path}: several at once need Postgres"
            ) from None
        yield lambda other: not database.is_sqlite and _number(other) in numbers


def _number(replica_id: str) -> int:
    return zlib.crc32(replica_id.encode()) - 2**31


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _limits(settings: AgentsSettings) -> Limits:
    return Limits(
        to_one=settings.replies_a_day_to_one,
        to_fellows=settings.replies_a_day_to_characters,
        to_strangers=settings.replies_a_day_to_strangers,
        calls_for_strangers=settings.model_calls_a_day_for_strangers,
        strangers_at_once=settings.strangers_at_once,
        age=timedelta(hours=settings.mention_age_hours),
    )
