"""The gRPC classes of the agents service: check, convert, call, convert back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import grpc

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import agent_service_pb2_grpc as pb_grpc
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1 import draft_service_pb2_grpc as drafts_pb_grpc
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.agents.v1 import event_service_pb2_grpc as events_pb_grpc
from services.agents.domain.events import EventRecord
from services.agents.service import (
    Agents,
    Archive,
    Deletions,
    Drafts,
    Events,
    Explanations,
    Journal,
    Moods,
    Tail,
    Triggers,
)
from services.agents.wire import activities as log_wire
from services.agents.wire import agents as wire
from services.agents.wire import drafts as drafts_wire
from services.agents.wire import events as events_wire
from services.agents.wire import explanations as why_wire
from services.agents.wire import moods as mood_wire
from services.runtime.clock import Clock
from services.runtime.pages import Page, Paged
from services.runtime.protobuf import request_key
from services.runtime.rpc import identity
from services.runtime.rpc.answers import fill_from
from services.runtime.rpc.archives import exported, read_import
from services.runtime.rpc.boundary import patience
from services.runtime.rpc.limits import check, page_of

Context = grpc.aio.ServicerContext[Any, Any]

_AGENTS_AT_ONCE = 8
"""How many are read before it is known what they weigh: a persona may have a megabyte."""


class AgentServicer(pb_grpc.AgentServiceServicer):
    """Serves `puppet.agents.v1.AgentService`."""

    def __init__(
        self,
        agents: Agents,
        moods: Moods,
        triggers: Triggers,
        explanations: Explanations,
        journal: Journal,
        tail: Tail,
        deletions: Deletions,
        archive: Archive,
    ) -> None:
        self._agents = agents
        self._deletions = deletions
        self._archive = archive
        self._moods = moods
        self._triggers = triggers
        self._explanations = explanations
        self._journal = journal
        self._tail = tail

    async def CreateAgent(self, request: pb.CreateAgentRequest, context: Context) -> pb.CreateAgentResponse:
        """Create an agent."""
        persona = wire.read_new_persona(request)
        agent = await self._agents.create(persona, request_key(request), identity.name())
        return pb.CreateAgentResponse(agent=wire.write_agent(agent))

    async def BatchCreateAgents(
        self, request: pb.BatchCreateAgentsRequest, context: Context
    ) -> pb.BatchCreateAgentsResponse:
        """Create several agents, all or none."""
        # A hundred personas take a tenth of a second to read, and another one to write.
        personas = await asyncio.to_thread(wire.read_new_personas, request)
        agents = await self._agents.create_all(personas, request_key(request), identity.name())
        return await asyncio.to_thread(wire.write_batch, agents)

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        """Return one agent."""
        check(request)
        return pb.GetAgentResponse(agent=wire.write_agent(await self._agents.get(request.id)))

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        """List agents."""
        check(request)
        page = page_of(request, [], (str,))
        return await fill_from(
            pb.ListAgentsResponse(), page, self._agents.page, wire.write_agent, [], first=_AGENTS_AT_ONCE
        )

    async def UpdateAgent(self, request: pb.UpdateAgentRequest, context: Context) -> pb.UpdateAgentResponse:
        """Set fields of an agent."""
        persona = wire.read_changed_persona(request)
        given = request.agent
        key, by = request_key(request), identity.name()
        agent = await self._agents.update(given.id, persona, given.etag, key, by, allow_missing=request.allow_missing)
        return pb.UpdateAgentResponse(agent=wire.write_agent(agent))

    async def DeleteAgent(self, request: pb.DeleteAgentRequest, context: Context) -> pb.DeleteAgentResponse:
        """Delete an agent, and what it left at the other services."""
        check(request)
        deletion = await self._deletions.delete(
            request.id,
            request.etag,
            request_key(request),
            patience(),
            allow_missing=request.allow_missing,
            keeps_wallet=request.is_wallet_kept,
        )
        return wire.write_deletion(deletion)

    async def ExportAgent(
        self, request: pb.ExportAgentRequest, context: Context
    ) -> AsyncIterator[pb.ExportAgentResponse]:
        """Stream what this service has of an agent."""
        check(request)
        async for row in exported(pb.ExportAgentResponse, self._archive.export(request.agent_id)):
            yield row

    async def ImportAgent(
        self, requests: AsyncIterator[pb.ImportAgentRequest], context: Context
    ) -> pb.ImportAgentResponse:
        """Store what was exported."""
        given = await read_import(requests, "puppet.agents.v1.ImportAgent")
        count = await self._archive.import_all(given)
        return pb.ImportAgentResponse(row_count=count, is_repeated=not count)

    async def ListPersonaVersions(
        self, request: pb.ListPersonaVersionsRequest, context: Context
    ) -> pb.ListPersonaVersionsResponse:
        """List the versions of an agent's persona."""
        check(request)
        filters = [request.agent_id]
        page, read = page_of(request, filters, (int,)), partial(self._agents.versions, request.agent_id)
        return await fill_from(
            pb.ListPersonaVersionsResponse(), page, read, wire.write_version, filters, first=_AGENTS_AT_ONCE
        )

    async def RollbackPersona(self, request: pb.RollbackPersonaRequest, context: Context) -> pb.RollbackPersonaResponse:
        """Give an agent an earlier version of its persona."""
        check(request)
        key, by = request_key(request), identity.name()
        agent = await self._agents.roll_back(request.agent_id, request.version, request.etag, key, by)
        return pb.RollbackPersonaResponse(agent=wire.write_agent(agent))

    async def StartAgent(self, request: pb.StartAgentRequest, context: Context) -> pb.StartAgentResponse:
        """Start an agent's schedule."""
        check(request)
        agent = await self._agents.start(request.id, request_key(request))
        return pb.StartAgentResponse(agent=wire.write_agent(agent))

    async def StopAgent(self, request: pb.StopAgentRequest, context: Context) -> pb.StopAgentResponse:
        """Stop an agent's schedule."""
        check(request)
        agent = await self._agents.stop(request.id, request_key(request))
        return pb.StopAgentResponse(agent=wire.write_agent(agent))

    async def GetAgentStatus(self, request: pb.GetAgentStatusRequest, context: Context) -> pb.GetAgentStatusResponse:
        """Say what an agent is doing."""
        check(request)
        return wire.write_status(await self._agents.status(request.id))

    async def AdjustMood(self, request: pb.AdjustMoodRequest, context: Context) -> pb.AdjustMoodResponse:
        """Change how an agent feels."""
        change = mood_wire.read_change(request)
        mood = await self._moods.adjust(request.agent_id, change, request.reason, request_key(request))
        return pb.AdjustMoodResponse(mood=log_wire.write_mood(mood))

    async def GetMoodHistory(self, request: pb.GetMoodHistoryRequest, context: Context) -> pb.GetMoodHistoryResponse:
        """Say how an agent felt over time."""
        span = mood_wire.read_span(request)
        return mood_wire.write_history(await self._moods.history(request.agent_id, *span))

    async def TriggerPost(self, request: pb.TriggerPostRequest, context: Context) -> pb.TriggerPostResponse:
        """Make an agent post now."""
        check(request)
        key, by = request_key(request), identity.name()
        done = await self._triggers.post(request.agent_id, request.topic, key, by, patience())
        return wire.write_triggered(pb.TriggerPostResponse(), done)

    async def TriggerTrade(self, request: pb.TriggerTradeRequest, context: Context) -> pb.TriggerTradeResponse:
        """Make an agent consider a trade now."""
        check(request)
        done = await self._triggers.trade(request.agent_id, request_key(request), identity.name(), patience())
        return wire.write_triggered(pb.TriggerTradeResponse(), done)

    async def TriggerReply(self, request: pb.TriggerReplyRequest, context: Context) -> pb.TriggerReplyResponse:
        """Make an agent answer a post now."""
        post_id = why_wire.read_post_id(request)
        key, by = request_key(request), identity.name()
        done = await self._triggers.reply(request.agent_id, post_id, key, by, patience())
        return wire.write_triggered(pb.TriggerReplyResponse(), done)

    async def PreviewPrompt(self, request: pb.PreviewPromptRequest, context: Context) -> pb.PreviewPromptResponse:
        """Show what a model would be asked now."""
        behaviour, wanted = why_wire.read_wanted(request)
        return why_wire.write_preview(behaviour, await self._explanations.preview(behaviour, wanted))

    async def ExplainActivity(self, request: pb.ExplainActivityRequest, context: Context) -> pb.ExplainActivityResponse:
        """Explain something that an agent did."""
        check(request)
        return why_wire.write_explanation(await self._explanations.explain(request.id))

    async def ListActivity(self, request: pb.ListActivityRequest, context: Context) -> pb.ListActivityResponse:
        """List what agents did."""
        wanted = log_wire.read_activity_filter(request)
        filters = [wanted]
        page = page_of(request, filters, (int,))
        read = partial(self._journal.page, wanted)
        return await fill_from(pb.ListActivityResponse(), page, read, log_wire.write_activity, filters)

    async def WatchActivity(
        self, request: pb.WatchActivityRequest, context: Context
    ) -> AsyncIterator[pb.WatchActivityResponse]:
        """Stream what agents do."""
        after = log_wire.read_cursor(request)
        async for place, activity in self._tail.watch(request.agent_ids, after):
            written = log_wire.write_activity(activity) if activity else None
            yield pb.WatchActivityResponse(activity=written, cursor=str(place))


class DraftServicer(drafts_pb_grpc.DraftServiceServicer):
    """Serves `puppet.agents.v1.DraftService`."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    async def ListDrafts(self, request: drafts_pb.ListDraftsRequest, context: Context) -> drafts_pb.ListDraftsResponse:
        """List drafts."""
        wanted = drafts_wire.read_draft_filter(request)
        page = page_of(request, [wanted], (datetime, str))
        return await fill_from(
            drafts_pb.ListDraftsResponse(), page, partial(self._drafts.page, wanted), drafts_wire.write_draft, [wanted]
        )

    async def GetDraft(self, request: drafts_pb.GetDraftRequest, context: Context) -> drafts_pb.GetDraftResponse:
        """Return one draft."""
        check(request)
        return drafts_pb.GetDraftResponse(draft=drafts_wire.write_draft(await self._drafts.get(request.id)))

    async def ApproveDraft(
        self, request: drafts_pb.ApproveDraftRequest, context: Context
    ) -> drafts_pb.ApproveDraftResponse:
        """Let a draft be carried out."""
        check(request)
        draft = await self._drafts.approve(request.id, request.etag, request_key(request), identity.name())
        return drafts_pb.ApproveDraftResponse(draft=drafts_wire.write_draft(draft))

    async def EditDraft(self, request: drafts_pb.EditDraftRequest, context: Context) -> drafts_pb.EditDraftResponse:
        """Change a draft's text."""
        check(request)
        draft = await self._drafts.edit(request.id, request.text, request.etag, request_key(request))
        return drafts_pb.EditDraftResponse(draft=drafts_wire.write_draft(draft))

    async def RejectDraft(
        self, request: drafts_pb.RejectDraftRequest, context: Context
    ) -> drafts_pb.RejectDraftResponse:
        """Let nothing come of a draft."""
        check(request)
        key, by = request_key(request), identity.name()
        draft = await self._drafts.reject(request.id, request.comment, request.etag, key, by)
        return drafts_pb.RejectDraftResponse(draft=drafts_wire.write_draft(draft))


class EventServicer(events_pb_grpc.EventServiceServicer):
    """Serves `puppet.agents.v1.EventService`."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def PublishEvent(
        self, request: events_pb.PublishEventRequest, context: Context
    ) -> events_pb.PublishEventResponse:
        """Publish an event."""
        now, is_operator = self._clock.now(), identity.is_operator()
        event = events_wire.read_event(request, identity.name(), now, is_operator=is_operator)
        stored = await self._events.publish(event, request.event.agent_ids, request_key(request))
        return events_pb.PublishEventResponse(event=await self._written(stored))

    async def GetEvent(self, request: events_pb.GetEventRequest, context: Context) -> events_pb.GetEventResponse:
        """Return one event."""
        check(request)
        return events_pb.GetEventResponse(event=await self._written(await self._events.get(request.id)))

    async def ListEvents(self, request: events_pb.ListEventsRequest, context: Context) -> events_pb.ListEventsResponse:
        """List events."""
        wanted = events_wire.read_event_filter(request)
        filters = [wanted]
        page = page_of(request, filters, (str,))

        async def read(page: Page) -> Paged[events_pb.Event]:
            found = await self._events.page(wanted, page)
            targets = await self._events.targets([event.id for event in found.rows])
            return found.turned([events_wire.write_event(event, targets[event.id]) for event in found.rows])

        return await fill_from(events_pb.ListEventsResponse(), page, read, lambda event: event, filters)

    async def CancelEvent(
        self, request: events_pb.CancelEventRequest, context: Context
    ) -> events_pb.CancelEventResponse:
        """Cancel an event."""
        check(request)
        event = await self._events.cancel(request.id, request_key(request))
        return events_pb.CancelEventResponse(event=await self._written(event))

    async def _written(self, event: EventRecord) -> events_pb.Event:
        return events_wire.write_event(event, (await self._events.targets([event.id]))[event.id])
