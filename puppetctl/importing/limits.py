"""What a persona may hold, in characters unless said otherwise.

The agents service refuses more (`services/agents/domain/persona`, compared by a test), or has no use for it.
"""

NAME = 100
DESCRIPTION = 2_000
PROSE = 4_000
SYSTEM_PROMPT = 16_000
ITEM = 1_000
MEMORY = 8_000
NOTES = 2_000
ENTRIES = 1_000
"""How many entries a list may have."""

PERSONA_BYTES = 2**20
"""Of the whole persona as it goes over the wire (`Agent.persona` in `puppet.agents.v1`)."""

PORTRAIT_ITEM = 300
PORTRAIT_LIST = 4_000
"""Of a list that stands in every prompt: of an entry, and of all entries together."""

EXAMPLE = 280
"""Of an example: longer ones teach a model to write what no network of short posts takes."""

PIECE = 1_000
"""Of a piece of knowledge: a search finds a memory by what all of it means, so a long one is found by nothing."""
