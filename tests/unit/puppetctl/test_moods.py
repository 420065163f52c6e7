"""A mood is shown as a curve."""

from google.protobuf.timestamp_pb2 import Timestamp

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.characters.moods import curve

USUAL = log_pb.Mood(valence=0.1, arousal=0.4, dominance=0.5, label="even")


def point(second: int, valence: float, *causes: str) -> pb.MoodPoint:
    mood = log_pb.Mood(valence=valence, arousal=0.5, dominance=1.0, label="relaxed")
    return pb.MoodPoint(time=Timestamp(seconds=second), mood=mood, causes=causes)


def test_each_side_of_a_mood_is_a_line_from_the_lowest_to_the_highest_bar() -> None:
    lines = [str(line) for line in curve([point(0, -1), point(60, 0, "got_reply", "replied"), point(120, 1)], USUAL)]
    assert lines == [
        "valence   ▁▅█  +1.00  usually +0.10",
        "arousal   ▅▅▅  +0.50  usually +0.40",
        "dominance ███  +1.00  usually +0.50",
        "00:00:00 to 00:02:00 UTC: relaxed, now relaxed",
        "moved last by: got reply, replied",
    ]


def test_a_curve_over_days_names_the_days() -> None:
    assert "1970-01-01 00:00 to 1970-01-03 00:00 UTC" in str(curve([point(0, 0), point(172_800, 0)], USUAL)[3])


def test_what_a_service_says_cannot_steer_the_terminal() -> None:
    [*_, last] = curve([point(0, 0, "bad\x1b[2J")], USUAL)
    assert "\x1b" not in str(last)


def test_without_a_point_it_is_said_that_nothing_is_known() -> None:
    assert [str(line) for line in curve([], USUAL)] == ["nothing is known of its mood in this time"]
