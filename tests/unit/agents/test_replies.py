"""How a mention moves the one who is mentioned."""

from dataclasses import replace
from datetime import UTC, datetime

from services.agents.behaviours.reply import feelings
from services.agents.domain.mood import SocialEvent
from services.agents.domain.persona import Persona
from services.agents.domain.tasks import Heard, Mention


def test_only_what_a_fellow_says_of_its_own_moves_the_mood(persona: Persona) -> None:
    mention = Mention("1", "otto", "hello", "1", datetime.now(UTC))
    fellow = Heard("mem_1", "otto", "Otto", is_fellow=True)
    assert feelings(mention, fellow, persona) == (SocialEvent.GOT_REPLY,)
    for heard in (replace(fellow, may_echo=True), replace(fellow, is_fellow=False)):
        assert feelings(mention, heard, persona) == ()
