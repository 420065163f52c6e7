"""The use cases of the agents service, and what its workflows do."""

from services.agents.service.agents import Agents
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Cast
from services.agents.service.conversing import Conversations
from services.agents.service.effects import Effects
from services.agents.service.hearing import Hearing
from services.agents.service.journal import Journal
from services.agents.service.posting import Posting
from services.agents.service.provisioning import Provisioning
from services.agents.service.redacting import redact_stored
from services.agents.service.replying import Limits, Replying
from services.agents.service.reserving import Reservations
from services.agents.service.scheduler import Scheduler
from services.agents.service.screening import Screener
from services.agents.service.tail import Tail
from services.agents.service.tidying import Tidying
from services.agents.service.tokens import Tokens
from services.agents.service.trading import Dealing
from services.agents.service.workflows import Flows
from services.agents.service.writing import Writer

__all__ = [
    "Agents",
    "Cast",
    "Conversations",
    "Dealing",
    "Effects",
    "Flows",
    "Hearing",
    "Journal",
    "Limits",
    "NetworkCapabilities",
    "Posting",
    "Provisioning",
    "Replying",
    "Reservations",
    "Scheduler",
    "Screener",
    "Tail",
    "Tidying",
    "Tokens",
    "Writer",
    "redact_stored",
]
