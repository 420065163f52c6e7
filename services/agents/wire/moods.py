"""Moods on the wire."""

from datetime import datetime

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.service.moods import History, Levels, Push
from services.agents.wire.activities import write_mood
from services.runtime.protobuf import read_optional_time, write_time
from services.runtime.rpc.limits import RequestChecks, check, size_of


def read_change(request: pb.AdjustMoodRequest) -> Levels | Push:
    """Return how a mood is to change."""
    with RequestChecks(request) as checks:
        if request.WhichOneof("change") == "levels" and not request.levels.ListFields():
            checks.refuse("levels", "must have valence, arousal or dominance")
    if request.WhichOneof("change") == "push":
        return Push(request.push.valence, request.push.arousal, request.push.dominance)
    levels = request.levels
    return Levels(
        levels.valence if levels.HasField("valence") else None,
        levels.arousal if levels.HasField("arousal") else None,
        levels.dominance if levels.HasField("dominance") else None,
    )


def read_span(request: pb.GetMoodHistoryRequest) -> tuple[datetime | None, datetime | None, int]:
    """Return from when until when a history is wanted, and in how many points."""
    check(request)
    start, end = read_optional_time(request, "start_time"), read_optional_time(request, "end_time")
    return start, end, size_of(request, "max_points")


def write_history(history: History) -> pb.GetMoodHistoryResponse:
    """Return a history as it goes over the wire."""
    points = [
        pb.MoodPoint(time=write_time(felt.time), mood=write_mood(felt.mood), causes=felt.causes)
        for felt in history.points
    ]
    return pb.GetMoodHistoryResponse(points=points, usual=write_mood(history.usual))
