"""The use cases of the agents service."""

from services.agents.service.agents import Agents
from services.agents.service.alerts import Alerts
from services.agents.service.allowance import Allowance, Calls
from services.agents.service.archive import Archive
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Cast, Character
from services.agents.service.conversing import Conversations
from services.agents.service.creating import Creation
from services.agents.service.deleting import Deletions
from services.agents.service.drafts import Drafts
from services.agents.service.effects import Effects
from services.agents.service.events import NOTICE, Events
from services.agents.service.explaining import Explanations
from services.agents.service.governors import Cooldown, Governors, Limits
from services.agents.service.hearing import Hearing
from services.agents.service.inbox import REPLY, Inbox
from services.agents.service.journal import Entry, Journal
from services.agents.service.models import Models
from services.agents.service.moods import Moods
from services.agents.service.noticing import Noticing
from services.agents.service.outbox import Outbox
from services.agents.service.planning import Planner
from services.agents.service.prompts import Prompts
from services.agents.service.provisioning import Provisioning
from services.agents.service.publishing import Publisher
from services.agents.service.redacting import redact_stored
from services.agents.service.relating import Relations
from services.agents.service.replica import LeasedLlm, Replica
from services.agents.service.reserving import Reservations
from services.agents.service.screening import Screener
from services.agents.service.settling import settled
from services.agents.service.tail import Tail
from services.agents.service.tidying import Tidying
from services.agents.service.tokens import Tokens
from services.agents.service.triggering import Triggers
from services.agents.service.writing import Choice, Writer

__all__ = [
    "NOTICE",
    "REPLY",
    "Agents",
    "Alerts",
    "Allowance",
    "Archive",
    "Calls",
    "Cast",
    "Character",
    "Choice",
    "Conversations",
    "Cooldown",
    "Creation",
    "Deletions",
    "Drafts",
    "Effects",
    "Entry",
    "Events",
    "Explanations",
    "Governors",
    "Hearing",
    "Inbox",
    "Journal",
    "LeasedLlm",
    "Limits",
    "Models",
    "Moods",
    "NetworkCapabilities",
    "Noticing",
    "Outbox",
    "Planner",
    "Prompts",
    "Provisioning",
    "Publisher",
    "Relations",
    "Replica",
    "Reservations",
    "Screener",
    "Tail",
    "Tidying",
    "Tokens",
    "Triggers",
    "Writer",
    "redact_stored",
    "settled",
]
