"""Placeholders of chat front ends."""

import pytest

from puppetctl.importing.macros import resolver


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("{{char}} knows {{user}}.", "Ann knows the other person."),
        ("{{User}}'s cat. <USER> sleeps.", "The other person's cat. The other person sleeps."),
        ("<BOT> and {{CHAR}}", "Ann and Ann"),
        ("{{random:red,blue}} or {{pick::a::b}}", "red or a"),
        ("{{original}}x{{// note}}{{setvar::a::1}}", "x"),
        ("{{random:{{char}},x}}", "Ann"),
        ("one{{newline}}two", "one\ntwo"),
        ("{{sub}} and {{poss}} hat", "they and their hat"),
        ("{{", "{{"),
    ],
)
def test_of_a_description(text: str, resolved: str) -> None:
    assert resolver("Ann")(text) == resolved


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("Hello, {{user}}!", "Hello!"),
        ("Hello {{user1}}, sit.", "Hello, sit."),
        ("I like {{user}} and {{user}}'s hat.", "I like you and your hat."),
        ("{{user}} came.", "You came."),
        ("I am {{char}}.", "I am Ann."),
    ],
)
def test_of_speech(text: str, resolved: str) -> None:
    assert resolver("Ann", is_speech=True)(text) == resolved


def test_a_name_that_is_a_placeholder_ends() -> None:
    assert "{{char}}" in resolver("{{char}}")("{{char}}")
