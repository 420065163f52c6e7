"""The four other services as the agents service sees them, in memory: they outlive a restart of the service."""

from dataclasses import dataclass, field

from tests.fakes.agents.lease import FakeLease
from tests.fakes.agents.llm import FakeLlm
from tests.fakes.agents.memory import FakeMemory
from tests.fakes.agents.social import FakeSocial
from tests.fakes.agents.trading import MOSS, FakeTrading

__all__ = ["MOSS", "FakeLease", "FakeLlm", "FakeMemory", "FakeSocial", "FakeTrading", "World"]


@dataclass
class World:
    """All four."""

    memory: FakeMemory = field(default_factory=FakeMemory)
    llm: FakeLlm = field(default_factory=FakeLlm)
    social: FakeSocial = field(default_factory=FakeSocial)
    trading: FakeTrading = field(default_factory=FakeTrading)
