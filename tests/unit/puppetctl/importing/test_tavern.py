"""Character cards."""

import pytest

from tests.support.characters import card, imported, notes, targets


def test_a_card_of_the_second_version() -> None:
    assert imported(card()).persona == {
        "id": "ember",
        "name": "Ember",
        "description": "Write as Ember.",
        "personality": {
            "background": "Ember is a young dragon. Ember guards the other person's stove.",
            "traits": ["warm", "proud", "easily hurt"],
        },
        "reply_examples": [
            {"to": "Are you hungry?", "reply": "I could eat a log."},
            {"to": "hello", "reply": "You took your time!"},
            {"to": "hello", "reply": "Is it morning?"},
        ],
        "post_examples": ["Two."],
        "initial_memory": {
            "recent_events": ["The other person has lit the stove."],
            "knowledge_base": {"Hearth: coal": ["Coal is bread to dragons."]},
        },
        "behavior": {"interaction_patterns": {"reply_probability": 0.9}},
    }


def test_what_is_left_says_why() -> None:
    left = notes(imported(card()))
    assert left["data.creator_notes"] == "is for people who choose a card, and for no prompt"
    assert left["data.tags[0]"] == "is for people who choose a card, and for no prompt"
    assert left["data.post_history_instructions"].startswith("tells a chat's model")
    assert left["data.character_book.entries[1].content"] == "is switched off"
    assert left["data.extensions.fav"] == "is a setting of a chat's front end"


def test_a_card_of_the_first_version_has_its_fields_outside() -> None:
    done = imported(card(1))
    assert done.persona["personality"]["traits"] == ["warm", "proud", "easily hurt"]
    assert done.persona["reply_examples"][0]["reply"] == "I could eat a log."


def test_what_an_older_card_says_beside_a_newer_one_is_said_once() -> None:
    done = imported({**card(1, description="old"), **card(3), "avatar": "none", "chat": "x"})
    assert "old" not in str(done.persona)
    assert notes(done)["description"] == "is said in data, which counts"
    assert notes(done)["avatar"] == "is a picture"


def test_a_nickname_is_what_texts_call_the_character() -> None:
    done = imported(card(3, nickname="Em"))
    assert done.persona["name"] == "Ember"
    assert done.persona["personality"]["background"].startswith("Em is a young dragon.")
    assert targets(done)["data.nickname"] == "name"


def test_dialogues_in_a_description_are_examples_and_the_rest_is_the_background() -> None:
    text = '[Ember= "scales"]\n<START>\n{{user}}: Who are you?\n{{char}}: *bows* "Ember, of course."\n[Genre: hearth]'
    done = imported(card(description=text, mes_example=""))
    assert done.persona["personality"]["background"] == '[Ember= "scales"]\n[Genre: hearth]'
    assert done.persona["reply_examples"][0] == {"to": "Who are you?", "reply": "Ember, of course."}
    assert targets(done)["data.description"] == "personality.background, reply_examples[0]"


def test_a_description_that_no_field_holds_is_the_whole_prompt_with_all_that_stands_beside_it() -> None:
    note = {"depth_prompt": {"prompt": "Never cruel.", "depth": 4}}
    done = imported(card(description="She is hot. " * 500, extensions=note))
    prompt = done.persona["custom_system_prompt"]
    assert prompt.startswith("Write as Ember.\n\nShe is hot.")
    assert prompt.endswith("warm, proud, easily hurt\n\nNever cruel.")
    done = imported(card(description="She is hot. " * 5_000))
    assert len(done.persona["custom_system_prompt"]) <= 16_000
    assert "which is cut to" in next(row.note for row in done.rows if row.source == "data.description")


def test_a_note_at_a_depth_is_about_how_the_character_speaks() -> None:
    done = imported(
        card(
            personality="Loves to tell long stories to anybody who listens.",
            extensions={"depth_prompt": {"prompt": "Never cruel."}},
        )
    )
    style = done.persona["personality"]["speaking_style"]
    assert style == "Loves to tell long stories to anybody who listens. Never cruel."


@pytest.mark.parametrize(
    ("greeting", "reply"),
    [
        ("*She waves.* Hello there!", "Hello there!"),
        ("The door opens. “Come in,” she says, “and sit.”", "Come in, and sit."),
        ("「おはよう」と彼女は言った。", "おはよう"),
        ("Hi {{user}}, how are you?", "Hi, how are you?"),
        ('You see <b>her</b> ![her](a.png) at last. "Boo&excl;" she says.', "Boo!"),
        ("*Only smoke.*", ""),
        ("The cave is dark and long. " * 20, ""),
    ],
)
def test_of_a_greeting_only_the_words_are_taken(greeting: str, reply: str) -> None:
    done = imported(card(1, first_mes=greeting, mes_example=""))
    assert [one["reply"] for one in done.persona.get("reply_examples", [])] == ([reply] if reply else [])


def test_entries_of_a_lorebook_keep_their_source_and_come_in_pieces() -> None:
    long = "\n\n".join(f"Chapter {number} is about ash. " * 12 for number in range(5))
    book = {"entries": [{"keys": ["ash", "smoke"], "content": f"@@depth 4\n{long}", "enabled": True}]}
    done = imported(card(character_book=book))
    known = done.persona["initial_memory"]["knowledge_base"]
    assert list(known) == ["lorebook: ash"]
    assert len(known["lorebook: ash"]) == 2
    assert all(piece.startswith("Chapter") and len(piece) <= 1_000 for piece in known["lorebook: ash"])


def test_an_entry_that_is_a_dialogue_is_known_by_what_the_character_says_in_it() -> None:
    entry = {
        "keys": ["cave"],
        "comment": "",
        "content": '{{user}}: "What cave?"\n{{char}}: *points* "That one."',
        "enabled": True,
    }
    done = imported(card(character_book={"name": "World", "entries": {"0": entry}}))
    assert done.persona["initial_memory"]["knowledge_base"] == {"World: cave": ["That one."]}


def test_an_entry_that_says_itself_that_it_is_off_is_left() -> None:
    entry = {"keys": ["cave"], "content": "@@dont_activate\nA cave.", "enabled": True}
    done = imported(card(character_book={"entries": [entry]}))
    assert "knowledge_base" not in done.persona["initial_memory"]


def test_a_default_is_no_wish() -> None:
    done = imported(card(extensions={"talkativeness": "0.5"}))
    assert "behavior" not in done.persona
    assert notes(done)["data.extensions.talkativeness"] == "is what every card has that nobody set"


def test_of_what_is_taken_nothing_is_said_that_is_meant_for_what_is_left() -> None:
    taken = {row.source: row.note for row in imported(card()).rows if row.is_taken}
    assert taken["data.name"] == taken["data.description"] == taken["data.scenario"] == ""
    assert taken["data.character_book.entries[0].content"] == ""
