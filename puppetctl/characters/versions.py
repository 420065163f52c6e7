"""The versions of a character's persona, in words."""

from collections.abc import AsyncIterator

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.clients import Clients
from puppetctl.terminal.words import plain

_MAX_FIELDS = 5


async def kept(clients: Clients, agent_id: str) -> AsyncIterator[pb.PersonaVersion]:
    """Yield each version that is kept, newest first. Raises grpc's errors."""
    request = pb.ListPersonaVersionsRequest(agent_id=agent_id, page_size=100)
    while True:
        page = await clients.agents.ListPersonaVersions(request)
        for version in page.versions:
            yield version
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def in_words(version: pb.PersonaVersion) -> str:
    """Return a version in a line: its number, when, by whom, and what has changed."""
    time = version.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S UTC")
    by = f" by {version.principal}" if version.principal else ""
    return plain(f"{version.number:>4}  {time}{by}  {_changes(list(version.changed_fields))}".rstrip())


def _changes(fields: list[str]) -> str:
    more = len(fields) - _MAX_FIELDS
    return ", ".join(fields[:_MAX_FIELDS]) + (f" and {more} more" if more > 0 else "")
