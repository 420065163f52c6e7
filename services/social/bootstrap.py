"""Wires the social service."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1 import social_service_pb2_grpc as pb_grpc
from services.runtime.background import repeating
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.rpc.server import Lifecycle, Mounted, Opener
from services.runtime.sealing import open_keystore
from services.runtime.sql import SqlStore
from services.runtime.tidying import TIDY_SECONDS, Tidying
from services.social.adapters.sql import SqlRecords
from services.social.adapters.vault import KeystoreVault
from services.social.adapters.x import open_network
from services.social.domain.limits import Quota
from services.social.domain.posts import Timing
from services.social.service.accounts import Accounts
from services.social.service.archive import Archive
from services.social.service.gate import Gate
from services.social.service.limits import Limits
from services.social.service.outbox import Outbox
from services.social.service.posts import Posts
from services.social.service.reading import Reading
from services.social.servicer import SocialServicer
from services.social.settings import SocialSettings

_SWEEP_SECONDS = 1.0


def opener(settings: SocialSettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        database = Database(settings.sql_url("social"))
        try:
            await database.migrate(Path(__file__).with_name("migrations"))
            store, clock = SqlStore(database, SqlRecords), SystemClock()
            async with (
                open_keystore("social", settings, database) as keystore,
                open_network(settings.x_base_url, settings.x_timeout_seconds, clock, settings.x_tier) as network,
            ):
                vault = KeystoreVault(keystore)
                quota = Quota(settings.posts_a_day, settings.reserved_share)
                limits = Limits(store, vault, network, clock, quota)
                outbox = Outbox(store, vault, network, limits, clock, _timing(settings), lifecycle.draining)
                accounts = Accounts(store, vault, network, limits, clock)
                posts = Posts(store, network, Gate(store, vault), outbox, clock, limits)
                reading = Reading(accounts, network, limits, clock)
                archive = Archive(store, keystore, clock, _timing(settings))
                servicer = SocialServicer(accounts, posts, reading, archive)
                tidying = Tidying(store, clock, timedelta(days=settings.request_days))
                async with (
                    outbox.open(),
                    repeating("outbox", _SWEEP_SECONDS, outbox.sweep),
                    repeating("tidying", TIDY_SECONDS, tidying.tidy),
                ):
                    service = pb.DESCRIPTOR.services_by_name["SocialService"]
                    added = pb_grpc.add_SocialServiceServicer_to_server
                    yield [Mounted(service, added, servicer, accounts.agent_of)]
        finally:
            await database.close()

    return open_service


def _timing(settings: SocialSettings) -> Timing:
    # Twice the time-out: as much again for a slow commit before the request leaves.
    return Timing(
        lease=timedelta(seconds=2 * settings.x_timeout_seconds),
        visibility=timedelta(seconds=settings.visibility_seconds),
    )
