"""`puppetctl drafts`: what waits for a person, at the agents service."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from rich.padding import Padding
from rich.text import Text

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1 import draft_service_pb2 as pb
from puppetctl.clients import opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_line
from puppetctl.terminal.reasons import in_short
from puppetctl.terminal.words import plain
from services.runtime.ids import new_id
from services.runtime.waiting import poll

_PAGE_SIZE = 100
_CARRIED_OUT_SECONDS = 30.0
_POLL_SECONDS = 0.2
_STATES = {number: name.removeprefix("DRAFT_STATE_").lower() for name, number in pb.DraftState.items()}
_OPEN = (pb.DRAFT_STATE_WAITING, pb.DRAFT_STATE_APPROVED)


async def list_drafts(agent_ids: Sequence[str], data_dir: Path, *, is_every: bool, as_json: bool = False) -> int:
    """Show drafts, newest first."""
    request = pb.ListDraftsRequest(
        agent_ids=agent_ids, states=() if is_every else (pb.DRAFT_STATE_WAITING,), page_size=_PAGE_SIZE
    )
    console, feed, is_empty = open_console(), Feed(), True
    async with opened(data_dir) as clients:
        while True:
            page = await clients.drafts.ListDrafts(request)
            for draft in page.drafts:
                if as_json:
                    print_line(draft)
                    continue
                who = feed.name(draft.agent_id, draft.agent_name)
                console.print(
                    Text.assemble(who, f" proposes a {draft.behaviour.replace('_', ' ')}  ", (draft.id, "dim"))
                )
                console.print(Padding(_what(draft), (0, 0, 1, 2)))
                is_empty = False
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    if is_empty and not as_json:
        console.print("nothing waits for anybody")
    return 0


async def approve(draft_id: str, data_dir: Path) -> int:
    """Approve a draft, and show what came of it; the exit code is 1 when nothing did."""
    async with opened(data_dir) as clients:
        seen = (await clients.drafts.GetDraft(pb.GetDraftRequest(id=draft_id))).draft
        request = pb.ApproveDraftRequest(id=draft_id, etag=seen.etag, request_id=new_id("req"))
        await clients.drafts.ApproveDraft(request)

        async def look() -> pb.Draft:
            return (await clients.drafts.GetDraft(pb.GetDraftRequest(id=draft_id))).draft

        draft = await poll(
            look,
            lambda draft: draft.state not in _OPEN,
            timeout_seconds=_CARRIED_OUT_SECONDS,
            poll_seconds=_POLL_SECONDS,
        )
        log = agents_pb.ListActivityRequest(workflow_ids=[draft.workflow_id], page_size=1)
        console, feed = open_console(), Feed()
        for activity in (await clients.agents.ListActivity(log)).activities:
            console.print(feed.entry(activity))
    if draft.state == pb.DRAFT_STATE_APPROVED:
        console.print("it is approved, and being carried out", style="yellow")
    return 0 if draft.state != pb.DRAFT_STATE_FAILED else 1


async def edit(draft_id: str, text: str, data_dir: Path) -> int:
    """Change a draft's text."""
    async with opened(data_dir) as clients:
        request = pb.EditDraftRequest(id=draft_id, text=text, request_id=new_id("req"))
        draft = (await clients.drafts.EditDraft(request)).draft
    open_console().print(_what(draft))
    return 0


async def reject(draft_id: str, comment: str, data_dir: Path) -> int:
    """Reject a draft."""
    async with opened(data_dir) as clients:
        request = pb.RejectDraftRequest(id=draft_id, comment=comment, request_id=new_id("req"))
        await clients.drafts.RejectDraft(request)
    open_console().print("rejected: nothing comes of it")
    return 0


def _what(draft: pb.Draft) -> Text:
    """Return what would be done, to whom, why, and until when."""
    parts = []
    if draft.HasField("reply"):
        parts.append((f"to {plain(draft.reply.to_name)}: “{plain(draft.reply.mention_text)}”\n", "dim italic"))
    parts += [(plain(draft.summary), ""), (f"\n{in_short(draft.reason)}", "dim")]
    time = draft.expire_time.ToDatetime(tzinfo=UTC).astimezone()
    until = f"until {time:%Y-%m-%d %H:%M %Z}" if draft.state == pb.DRAFT_STATE_WAITING else _STATES[draft.state]
    return Text.assemble(*parts, (f"\n{until}", "yellow"))
