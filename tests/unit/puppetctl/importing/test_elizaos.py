"""Characters of elizaOS."""

import pytest

from tests.support.characters import elizaos, imported, notes, targets


def test_each_field_goes_where_it_has_its_effect() -> None:
    done = imported(elizaos())
    assert done.persona == {
        "id": "wren_bird",
        "name": "Wren",
        "description": "Write as Wren, a small bird with large opinions.",
        "personality": {
            "background": "Nests in a drainpipe. sings before dawn.",
            "traits": ["bold", "tiny"],
            "interests": ["crumbs", "weather"],
            "speaking_style": "short lines. answers at once.",
        },
        "initial_memory": {
            "core_memories": ["once outstared a cat", "knows every crumb on the High Street"],
            "knowledge_base": {"knowledge": ["Seeds keep best when they are dry."]},
        },
        "style_guide": {"voice": "begins with the weather."},
        "post_examples": ["drizzle. excellent worms.", "the cat is late. suspicious."],
        "reply_examples": [{"to": "are you cold?", "reply": "I am round. It helps."}],
    }


def test_what_is_left_says_why() -> None:
    left = notes(imported(elizaos()))
    assert left == {
        "modelProvider": "which model writes is this suite's setting: llm_provider and llm_config",
        "clients[0]": "where a character lives is set by its accounts here",
        "plugins[0]": "is code of elizaOS",
        "settings.secrets.OPENAI_API_KEY": "is a secret, and is written nowhere",
        "settings.voice.model": "nobody speaks aloud here",
        "knowledge[1].path": "names a file or folder: put what it says into initial_memory.knowledge_base",
        "messageExamples[0][1].content.action": "says what a plugin does",
    }


def test_a_character_without_a_system_prompt_is_described_by_the_first_line_of_its_bio() -> None:
    character = elizaos()
    del character["system"]
    done = imported(character)
    assert done.persona["description"] == "Nests in a drainpipe"
    assert done.persona["personality"]["background"] == "sings before dawn."


def test_a_bio_may_be_one_text() -> None:
    assert imported(elizaos(bio="A bird.")).persona["personality"]["background"] == "A bird."


def test_a_long_system_prompt_goes_on_in_the_background() -> None:
    prompt = " ".join(f"Rule {number} is to sing." for number in range(150))
    done = imported(elizaos(system=prompt))
    assert len(done.persona["description"]) <= 2_000
    background = done.persona["personality"]["background"]
    assert f"{done.persona['description']} {background}".startswith(prompt)
    assert background.endswith("sings before dawn.")
    assert targets(done)["system"] == "description, personality.background"


def test_a_very_long_one_takes_the_place_of_the_whole_prompt() -> None:
    done = imported(elizaos(system=" ".join(f"Rule {number} is to sing." for number in range(400))))
    assert done.persona["custom_system_prompt"].startswith("Rule 0 is to sing.")
    assert "takes the place" in next(row.note for row in done.rows if row.source == "system")


def test_whoever_speaks_beside_the_users_is_the_character_though_the_file_has_a_longer_name() -> None:
    example = [[{"user": "{{user1}}", "content": {"text": "hi"}}, {"user": "trump", "content": {"text": "Great hi."}}]]
    done = imported(elizaos(name="Donald T", messageExamples=example))
    assert done.persona["reply_examples"] == [{"to": "hi", "reply": "Great hi."}]


def test_conversations_may_lie_in_groups() -> None:
    turns = [{"name": "{{name1}}", "content": {"text": "hi"}}, {"name": "Wren", "content": {"text": "Hi yourself."}}]
    done = imported(elizaos(messageExamples=[{"examples": turns}]))
    assert done.persona["reply_examples"] == [{"to": "hi", "reply": "Hi yourself."}]


def test_of_several_strangers_none_is_the_character() -> None:
    example = [[{"user": name, "content": {"text": f"I am {name}."}} for name in ("Ann", "Ben")]]
    done = imported(elizaos(messageExamples=example))
    assert "reply_examples" not in done.persona
    assert notes(done)["messageExamples[0][0].content.text"] == "is answered by nobody of ours"


def test_what_the_character_says_first_is_a_post() -> None:
    example = [[{"name": "Wren", "content": {"text": "Good morning, gutter."}}]]
    assert "Good morning, gutter." in imported(elizaos(messageExamples=example)).persona["post_examples"]


def test_a_temperature_is_taken_and_the_model_is_not() -> None:
    done = imported(elizaos(settings={"model": "gpt-4o", "modelConfig": {"temperature": 0.9, "maxOutputTokens": 80}}))
    assert done.persona["llm_config"] == {"temperature": 0.9}
    assert set(notes(done)) >= {"settings.model", "settings.modelConfig.maxOutputTokens"}


def test_knowledge_with_its_text_keeps_its_source() -> None:
    known = [{"id": "1", "path": "trees.md", "content": "Oaks are tall."}]
    done = imported(elizaos(knowledge=known))
    assert done.persona["initial_memory"]["knowledge_base"] == {"trees.md": ["Oaks are tall."]}


@pytest.mark.parametrize("value", [7, True, {"a": 1}, [1, [2]]])
def test_values_of_a_wrong_kind_are_left(value: object) -> None:
    done = imported(elizaos(topics=value, adjectives=value, lore=value, style=value, postExamples=value))
    assert "interests" not in done.persona["personality"]


def test_habits_are_read_from_the_examples() -> None:
    done = imported(elizaos(postExamples=["rain \U0001f327", "wet feet #worms", "all is well"]))
    assert done.persona["style_guide"]["formatting"] == {"uses_emojis": True, "uses_hashtags": True}
    assert len(done.inferred) == 2
    done = imported(elizaos(postExamples=["rain again", "wet feet", "all is well"], messageExamples=[]))
    assert done.persona["style_guide"]["formatting"] == {"capitalization": "lowercase"}


def test_a_long_example_is_cut_where_a_sentence_ends_or_left() -> None:
    long = "It rains. " * 40
    done = imported(elizaos(postExamples=[long, "x" * 300]))
    assert done.persona["post_examples"] == [("It rains. " * 28).strip()]
    assert "cut to 279 of 399" in next(row.note for row in done.rows if row.source == "postExamples[0]")
    assert "no sentence that ends" in notes(done)["postExamples[1]"]
