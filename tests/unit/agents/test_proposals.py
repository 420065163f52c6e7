"""Of several texts one is said, and what is recorded is of that one."""

from services.agents.domain.proposals import Words
from services.agents.domain.records import Grounds, MemoryUse, Recalled

TOLD = Recalled("mem_1", "The terrier let me pass.", 0.9, "self", MemoryUse.TOLD)
TEXTS = ("The terrier let me pass.", "The gate squeaks.")
WORDS = Words(agent_id="wren", texts=TEXTS, grounds=Grounds("calm", (TOLD,)))


def test_what_is_told_of_a_memory_is_known_of_the_first_text_only() -> None:
    assert WORDS.saying(TEXTS[0]).grounds.memories == (TOLD,)
    second = WORDS.saying(TEXTS[1])
    assert (second.texts, second.grounds.memories) == (TEXTS[1:], ())
