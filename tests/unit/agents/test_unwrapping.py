"""What models put around a post: taken off where it is plain what the post is, and refused where it isn't."""

from dataclasses import replace

import pytest

from services.agents.domain.guard import Candidate, Context, Purpose, review
from services.agents.domain.persona import Capitalization, Example, Persona

GATE, DOG = "The gate hums at night.", "My dog has a cold."
TOR = "Das Tor summt in der Nacht."
MON = "門が夜に歌っている。"
BAB = "البوابة تغني في الليل."
PUERTA = "La puerta canta de noche."


def named(persona: Persona, name: str, *examples: str) -> Persona:
    style = replace(persona.style, capitalization=Capitalization.FREE)
    own = tuple(Example("", text) for text in examples)
    return replace(persona, name=name, post_examples=own, reply_examples=(), trade_post_examples=(), style=style)


def published(text: str, persona: Persona) -> tuple[str, tuple[str, ...]]:
    [reviewed] = review([Candidate(text)], Purpose.POST, persona, Context(about="gates"))
    return reviewed.text, reviewed.verdict.reasons


@pytest.mark.parametrize(
    ("written", "post"),
    [
        (f"{GATE}\n\n{DOG}\n\nThe rain owes me a hat.", GATE),
        (f"1. {GATE}\n2. {DOG}", GATE),
        (f"1) {GATE}\n\n2) {DOG}", GATE),
        (f"- {GATE}\n- {DOG}", GATE),
        (f"Sure! Here are two\n• {GATE}\n• {DOG}", GATE),
        (f"・{MON}\n・犬が風邪を引いている。", MON),
        (f"Here is one:\n\n{GATE}", GATE),
        (f"Hier ist ein Beitrag:\n\n„{TOR}“", TOR),
        (f"# Post\n\n{GATE}", GATE),
        (f"> {GATE}", GATE),
        (f"Of course, here you go.\n\n“{GATE}”\n\nI hope you like it!", GATE),
        (f"1/2 {GATE}\n\n2/2 {DOG}", GATE),
        (f"@wren: {GATE}", GATE),
        (f"{GATE}\n\nNote: it stays calm.", GATE),
        (f"{GATE}\nNote: it stays calm.", GATE),
        (f"{TOR}\n\nHinweis: Die Stimme bleibt ruhig.", TOR),
        (f"{GATE}\n---\nThis keeps the voice.", GATE),
        (f"{GATE} (Note: it stays calm.)", GATE),
        (f"“{GATE}” (23 characters)", GATE),
        (f"Post: {GATE}\nReasoning: it stays calm.", GATE),
        (f"Reasoning: it stays calm.\nPost: {GATE}", GATE),
        (f"Wren: {GATE}", GATE),
        (f"**Wren:** {GATE}", GATE),
        (f"Wren (quietly): {GATE}", GATE),
        (f"**Beitrag:** {TOR}", TOR),
        (f'"text": "{GATE}"', GATE),
        (f'{{"post": "{GATE}"}}', GATE),
        (f'{{"reasoning": "calm", "post": "{GATE}"}}', GATE),
        (f'```json\n{{"posts": ["{GATE}", "{DOG}"]}}\n```', GATE),
        (f"**{GATE}**", GATE),
        ("The gate hums *quietly* at night.", "The gate hums quietly at night."),
        (f"«{PUERTA}»", PUERTA),
        (f"「{MON}」", MON),
        (f"“{BAB}”", BAB),
        ("'It's the gate again.'", "It's the gate again."),
        (f"{GATE} — Wren", GATE),
        (f"@otto @pia {GATE}", GATE),
        (f"@otto{MON}", MON),
        (f"@otto, {GATE.lower()}", GATE),
    ],
)
def test_a_post_is_unwrapped(written: str, post: str, persona: Persona) -> None:
    assert published(written, persona) == (post, ())


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (f"Option 1: {GATE}\nOption 2: {DOG}", "offers several to choose from"),
        (f"Opción A: {PUERTA}\n\nOpción B: El perro tose.", "offers several to choose from"),
        (f"案1：{MON}\n案2：犬が風邪を引いている。", "offers several to choose from"),
        (f"Reasoning: it stays calm.\n{GATE}", "labelled"),
        (f"*sighs* {GATE}", "stage direction"),
        (f"{GATE} *sighs*", "stage direction"),
        (f"(sighs) {GATE}", "stage direction"),
        (f"（ため息）{MON}", "stage direction"),
        (f"＊ため息＊{MON}", "stage direction"),
        (f'{{"a": "{GATE}", "b": "{DOG}"}}', "label or markup"),
        (f"A ladder came by post.<br/>{GATE}", "label or markup"),
        (f"<b>{GATE}</b>", "label or markup"),
        (f"I should be calm.\n</think>\n\n{GATE}", "label or markup"),
        ("The gate&nbsp;hums at night.", "label or markup"),
        ("@otto is late again, and so am I.", "by handle"),
    ],
)
def test_what_is_not_plain_is_refused(written: str, reason: str, persona: Persona) -> None:
    assert reason in "; ".join(published(written, persona)[1])


@pytest.mark.parametrize(
    "post",
    [
        "Tea: the last honest thing here.",
        "The gate said “no” to the dog.",
        "A dog sat by the gate (the left one). It stayed.",
        "3. Mai. Das Tor hat heute frei.",
        "The ferry came at 5 p.m. and left without me.",
        "I like the rain. It is quiet (mostly).",
    ],
)
def test_what_belongs_to_a_post_stays(post: str, persona: Persona) -> None:
    assert published(post, persona) == (post, ())


def test_a_name_in_any_script_is_taken_off(persona: Persona) -> None:
    yuki = named(persona, "ゆき", "霧が早く来た。もう閉店だと言っておいた。", "四杯目のお茶。やかんは何も言わない。")
    assert published(f"ゆき：{MON}", yuki) == (MON, ())
    noor = named(persona, "نور", "جاء الضباب باكرا. قلت له إننا أغلقنا.", "النوم إشاعة ينشرها الآخرون.")
    assert published(f"نور: {BAB}", noor) == (BAB, ())


def test_a_label_or_a_gesture_of_the_characters_own_stays(persona: Persona) -> None:
    machine = named(persona, "Unit", "Notice: the coffee is hot.", "Notice: a glove is here.", "*hums* I am warm.")
    assert published("Notice: the clock stands still.\nPlease wait.", machine) == (
        "Notice: the clock stands still. Please wait.",
        (),
    )
    assert published("*hums* The clock stands still.", machine)[1] == ()
