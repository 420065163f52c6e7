"""What may be published: small repairs, a verdict on each candidate, and the order of those that pass."""

from services.agents.domain.guard.checks import KNOWN_TOPICS, brings_in
from services.agents.domain.guard.cleaning import clean
from services.agents.domain.guard.leaks import redacted
from services.agents.domain.guard.model import Candidate, Context, Purpose, Reviewed, Rule, Verdict
from services.agents.domain.guard.reviewing import judge, rank, review

__all__ = [
    "KNOWN_TOPICS",
    "Candidate",
    "Context",
    "Purpose",
    "Reviewed",
    "Rule",
    "Verdict",
    "brings_in",
    "clean",
    "judge",
    "rank",
    "redacted",
    "review",
]
