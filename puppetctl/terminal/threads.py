"""Who answers whom among activities of the log. Pure."""

from collections.abc import Iterable, Iterator

from puppet.agents.v1 import activity_pb2 as log_pb


def said_id(activity: log_pb.Activity) -> str:
    """Return the network's id of what was posted or replied; empty for anything else."""
    return activity.post.network_post_id or activity.reply.network_post_id


def threaded(activities: Iterable[log_pb.Activity]) -> Iterator[tuple[log_pb.Activity, int]]:
    """Yield activities, oldest first, each reply behind the one that it answers, with how deep it stands below that.

    What answers nothing among them stands where its time has put it, at depth 0.
    """
    given = list(activities)
    places = {said_id(activity): place for place, activity in enumerate(given) if said_id(activity)}
    answers: dict[int, list[int]] = {}
    roots = []
    for place, activity in enumerate(given):
        parent = places.get(activity.reply.in_reply_to_network_post_id)
        # One that is said to answer itself, or something later, would never be shown.
        if parent is not None and parent < place:
            answers.setdefault(parent, []).append(place)
        else:
            roots.append(place)
    waiting = [(place, 0) for place in reversed(roots)]
    while waiting:
        place, depth = waiting.pop()
        yield given[place], depth
        waiting += [(answer, depth + 1) for answer in reversed(answers.get(place, ()))]
