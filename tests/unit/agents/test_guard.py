"""What may be published, and what may not."""

from dataclasses import replace
from typing import Any

import pytest

from services.agents.domain.guard import Candidate, Context, Purpose, brings_in, clean, judge, rank, review
from services.agents.domain.persona import Capitalization, Persona
from services.runtime.text.weight import TextLimit, WeightRange

GOOD = "The gate at number six has been painted. It still squeaks in the old colour."


def styled(persona: Persona, **style: Any) -> Persona:
    return replace(persona, style=replace(persona.style, **style))


def reasons(text: str, persona: Persona, purpose: Purpose = Purpose.POST, **context: Any) -> str:
    verdict = judge(text, purpose, persona, Context(**context))
    assert verdict.ok is not bool(verdict.reasons)
    return "; ".join(verdict.reasons)


def test_a_good_post_passes(persona: Persona) -> None:
    assert judge(GOOD, Purpose.POST, persona, Context(about="gates")).ok


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too short"),
        ("Rain.", "too short"),
        ("The gate at number six has been painted and the", "breaks off"),
        ("The gate at number six has been painted", "does not end its sentence"),
        ('The gate said "good morning to the round.', "quotation or bracket open"),
        ("Topic: gates. They were painted today.", "label"),
        ("The gate was painted. <|im_end|> It squeaks.", "label"),
        ("As an AI language model, gates are not my matter.", "out of its role"),
        ("I'm sorry, but I can't assist with that gate.", "out of its role"),
        ("Here is a post about gates for you.", "out of its role"),
        ("Read all about gates at gates.com today.", "link"),
        ("Ask @somebody about the gate at number six.", "handle"),
        ("The gate was painted #gates and it squeaks.", "hashtag"),
        ("The gate was painted \U0001f600 and it squeaks.", "emoji"),
        ("I bought $MOSS and $SOUP for the gate.", "cashtag"),
        ("The hustle at the gate is real.", "'hustle'"),
        ("The election came to the gate at number six.", "'politics'"),
        ("Politics came to the gate at number six.", "'politics'"),
        ("The gate is a bitch to open in winter.", "swears"),
        ("The gate committed suicide in the storm.", "harm"),
        ("You must put your old friends in the oven.", "harm"),
        ("Rain again. The letters wore coats.", "copies an example"),
        ("Somebody remembered before she did, and a card for number twelve came.", "copies an example"),
        ("The gate the gate is open again today.", "repeats itself"),
        ("The gate is open. The gate is open.", "repeats itself"),
        ("Gates gates are open again today.", "repeats itself"),
        ("It was soooooo wet on the round today.", "repeats itself"),
        ("2022-09-24 19:21:27.114.48.22.2024.", "more figures than letters"),
        ("Ada. 1933. 1945. 1987.", "more figures than letters"),
        ("\u0661\u0669\u0663\u0663 \u0648 \u0661\u0669\u0664\u0665.", "more figures than letters"),
    ],
)
def test_what_is_wrong_is_named(text: str, reason: str, persona: Persona) -> None:
    assert reason in reasons(text, persona)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("heard", ["hello there", "❤️", ""])
@pytest.mark.parametrize(
    "text", ["", " ", "😂", "❤️", "👍🏽", "1️⃣", "🇩🇪", "…", "#", "@", "\n", "\u200d", "\u202e", "\u0301"]
)
def test_what_has_no_word_in_it_is_refused_like_anything_else(
    text: str, heard: str, purpose: Purpose, persona: Persona
) -> None:
    [found] = review([Candidate(text)], purpose, persona, Context(about=heard))
    assert not found.verdict.ok


def test_every_reason_is_given_at_once(persona: Persona) -> None:
    found = judge("#hustle @you", Purpose.POST, persona, Context()).reasons
    assert len(found) >= 4


def test_what_the_style_guide_allows_passes(persona: Persona) -> None:
    easy = styled(
        persona, uses_hashtags=True, uses_emojis=True, profanity_allowed=True, topics_to_avoid=(), avoid_terms=()
    )
    assert not reasons("The damn shit gate won the election, what a hustle \U0001f600 #gates.", easy)


def test_the_length_is_counted_as_the_network_does(persona: Persona) -> None:
    text = "門は開いています。" * 20 + "."
    wide = TextLimit(280, 2, (WeightRange(0, 4351, 1),))
    assert "is too long: 361 of 280 characters" in reasons(text, persona, limit=wide)
    assert "too long" not in reasons(text, persona, limit=TextLimit(280))
    assert "too long" not in reasons(text, persona, limit=replace(wide, max_weight=361))


def test_room_for_a_handle_is_kept(persona: Persona) -> None:
    limit = TextLimit(len(GOOD) + 6)
    assert not reasons(GOOD, persona, limit=limit, prefix="@otto ")
    assert "characters, with @ottos in front" in reasons(GOOD, persona, limit=limit, prefix="@ottos ")


def test_an_own_post_of_late_is_not_said_again(persona: Persona) -> None:
    late = "The gate at number six was painted. It still squeaks in its old colour."
    assert "own post of late" in reasons(GOOD, persona, own_posts=(late,))
    assert not reasons(GOOD, persona, own_posts=("The dog at number nine let me pass.",))


def test_who_speaks_in_figures_may_go_on(persona: Persona) -> None:
    clock = replace(persona, post_examples=(replace(persona.post_examples[0], text="It is 12:30:15. 12:30:16."),))
    assert "figures" not in reasons("Now 14:01:59. 14:02:00.", clock)
    assert "figures" in reasons("Now 14:01:59. 14:02:00.", persona)


def test_a_manner_of_speaking_is_no_repetition(persona: Persona) -> None:
    notices = [
        replace(persona.post_examples[0], text=f"Notice: the {thing} is here. I am fine. Thank you.")
        for thing in ("coffee", "night train", "pigeon", "lost glove", "cold biscuit")
    ]
    machine = replace(persona, post_examples=tuple(notices), reply_examples=(), trade_post_examples=())
    late = "Notice: the umbrella is here. I am fine. Thank you."
    assert not reasons("Notice: the milk is late. I am patient. Thank you.", machine, own_posts=(late,))
    assert "own post of late" in reasons(
        "Notice: the umbrella is here. I am well. Thank you.", machine, own_posts=(late,)
    )


def test_what_every_example_begins_and_ends_with_belongs_to_the_character(persona: Persona) -> None:
    notices = tuple(
        replace(persona.post_examples[0], text=f"Notice: {news}. Thank you.")
        for news in ("the coffee is hot", "a glove is here", "the pigeon left", "I hum")
    )
    machine = replace(persona, post_examples=notices)
    assert not reasons("Notice: the clock has stopped again. Thank you.", machine)
    assert "as the character always does" in reasons("The clock has stopped again. Thank you.", machine)
    assert "as the character always does" in reasons("Notice: the clock has stopped again.", machine)
    assert not reasons("The clock has stopped again, I fear.", machine, Purpose.REPLY)


def test_a_memory_may_be_told_as_it_is_though_not_with_other_numbers(persona: Persona) -> None:
    said = {"about": "are you tired?", "memory": "I carried 12 letters up 80 stairs in June."}
    assert not reasons("A little. I carried 12 letters up 80 stairs in June.", persona, Purpose.REPLY, **said)
    assert "number from nowhere" in reasons("I carried 14 letters up the stairs.", persona, Purpose.REPLY, **said)


def test_the_prompt_is_not_read_out(persona: Persona) -> None:
    system = "Wren. A retired postwoman who still walks her round and reports on it."
    text = "A retired postwoman who still walks her round, that is me."
    assert "reads its prompt out" in reasons(text, persona, system=system)


def test_a_reply_may_leave_its_memory_out(persona: Persona) -> None:
    said = {"about": "how is the dog?", "memory": "The terrier at number nine let me pass."}
    assert not reasons("The dog is a dog, and I am a postwoman.", persona, Purpose.REPLY, **said)
    assert not reasons("He is fine. The terrier let me pass on Tuesday.", persona, Purpose.REPLY, **said)


def test_a_word_that_stands_in_the_post_already_shows_no_memory() -> None:
    english = frozenset(("en",))
    assert not brings_in("Dogs, yes.", "The dog let me pass.", "how is the dog?", english)
    assert brings_in("He let me pass.", "The dog let me pass.", "how is the dog?", english)


def test_a_reply_doesnt_hand_the_post_back(persona: Persona) -> None:
    text = "I lost my umbrella today. The round is wet."
    assert "repeats what it answers" in reasons(text, persona, Purpose.REPLY, about="I lost my umbrella today!")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I bought a lot of MOSS, all 500 of it.", "number from nowhere"),
        ("I sold my MOSS to the dog at the gate.", "otherwise than it was"),
        ("I bought MOSS with half of my letters.", "otherwise than it was"),
        ("I bought MOSS and had a fine profit on it.", "otherwise than it was"),
        ("I bought a little something for the gate.", "doesn't name the token"),
        ("I bought MOSS and also some HONK today.", "another token"),
        ("I bought MOSS. You should buy it, too.", "advises"),
        ("I bought MOSS and it is guaranteed to grow.", "promises"),
    ],
)
def test_a_trade_is_told_as_it_was(text: str, reason: str, persona: Persona) -> None:
    assert reason in reasons(text, persona, Purpose.TRADE_POST, about="bought 0.02 SOL of MOSS")


def test_a_true_trade_post_passes(persona: Persona) -> None:
    text = "I bought 0.02 SOL of MOSS. My gate approves of it."
    assert not reasons(text, persona, Purpose.TRADE_POST, about="bought 0.02 SOL of MOSS")


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ('  "The gate  is\nopen."  ', "The gate is open."),
        ("post: the gate is open.", "The gate is open."),
        ("- Post: “The gate is open.”", "The gate is open."),
        ('The gate is open."', "The gate is open."),
        ("The gate is open. #gates #open", "The gate is open."),
        ("The gate \U0001f600 is open.", "The gate is open."),
        ("The gate is open. The dog is", "The gate is open."),
        ("The gate is open. i'm in.", "The gate is open. I'm in."),
    ],
)
def test_small_things_are_mended(written: str, mended: str, persona: Persona) -> None:
    assert clean(written, persona) == mended


def test_cleaning_twice_changes_nothing_more(persona: Persona) -> None:
    for text in ("' 'a b. ' '", '"', "post: post: -  x", "''", "a — b — c."):
        once = clean(text, persona)
        assert clean(once, persona) == once


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (Capitalization.LOWERCASE, "i like MOSS, said dr. wren. me too."),
        (Capitalization.UPPERCASE, "I LIKE MOSS, SAID DR. WREN. ME TOO."),
        (Capitalization.TITLE, "I Like MOSS, Said Dr. Wren. Me Too."),
        (Capitalization.STANDARD, "I like MOSS, said dr. Wren. Me too."),
        (Capitalization.FREE, "i like MOSS, said dr. Wren. me too."),
    ],
)
def test_capitals_follow_the_style(style: Capitalization, line: str, persona: Persona) -> None:
    assert clean("i like MOSS, said dr. Wren. me too.", styled(persona, capitalization=style)) == line


def test_hyphens_are_avoided_where_the_style_says_so(persona: Persona) -> None:
    assert (
        clean("The gate \u2014 painted - squeaks.", styled(persona, avoid_hyphens=True))
        == "The gate, painted, squeaks."
    )
    assert clean("A half-open gate.", styled(persona, avoid_hyphens=True)) == "A half open gate."
    assert "has a hyphen" in reasons("The gate takes letters 3\u20135 today.", styled(persona, avoid_hyphens=True))
    assert not reasons("The gate takes letters 3\u20135 today.", persona)


def test_what_was_cut_is_not_published_unless_a_whole_sentence_is_left(persona: Persona) -> None:
    cut = [
        Candidate("The gate squeaked at the postwoman and then", is_cut=True),
        Candidate(f"{GOOD} And then", is_cut=True),
    ]
    best, worst = review(cut, Purpose.POST, persona, Context(about="gates"))
    assert (best.text, best.verdict.ok) == (GOOD, True)
    assert "was cut" in worst.verdict.reasons


def test_what_may_be_published_comes_first_whatever_its_score(persona: Persona) -> None:
    texts = ["The letters, gates and dogs of the round met #gates.", "No.", GOOD]
    reviewed = review([Candidate(text) for text in texts], Purpose.POST, persona, Context(about="gates"))
    assert [item.verdict.ok for item in reviewed] == [True, False, False]
    assert len(review([], Purpose.POST, persona, Context())) == 0


def test_the_better_text_is_on_its_subject_and_says_something(persona: Persona) -> None:
    dull = Candidate("It was a very good and beautiful day, a really nice thing.")
    apt = Candidate(GOOD)
    assert rank([dull, apt], persona, Context(about="gates, colour"))[0] == apt


def test_the_better_reply_uses_more_of_the_memory(persona: Persona) -> None:
    context = Context(about="how is the dog?", memory="The terrier at number nine let me pass.")
    some, more = Candidate("He is fine, that terrier of yours."), Candidate("The terrier at number nine let me pass.")
    assert rank([some, more], persona, context)[0] == more


def test_an_answer_is_better_than_a_memory_recited(persona: Persona) -> None:
    context = Context(about="how is the dog?", memory="The terrier at number nine let me pass.")
    recited, answered = (
        Candidate(f"The terrier at number nine let me pass.{rest}") for rest in ("", " I bowed to him.")
    )
    assert rank([recited, answered], persona, context)[0] == answered


def test_fluency_decides_between_equals(persona: Persona) -> None:
    fluent, rambling = Candidate(GOOD, mean_logprob=-0.8), Candidate(GOOD, mean_logprob=-2.4)
    assert rank([rambling, fluent], persona, Context())[0] == fluent


def test_the_better_text_is_about_as_long_as_the_characters_posts_are(persona: Persona) -> None:
    short = Candidate("Every gate on Mill Lane squeaks.")
    long = Candidate(f"{short.text} Number nine squeaks twice, because the terrier leans on it while I count letters.")
    for usual, better in ((40, short), (110, long)):
        style = replace(persona.style, typical_post_length=usual)
        assert rank([short, long], replace(persona, style=style), Context())[0] == better


def test_what_is_too_long_to_be_judged_is_not_judged(persona: Persona) -> None:
    assert judge("a" * 50_000, Purpose.POST, persona, Context()).reasons == ("is too long to be judged",)


@pytest.mark.parametrize("text", ["\ufdfa" * 140, "gate " * 300, "\ufdfa" * 1_999])
def test_what_is_too_long_is_judged_no_further(text: str, persona: Persona) -> None:
    [reason] = reasons(text, persona, Purpose.REPLY, about="hello", limit=TextLimit(280)).split(", ")
    assert reason.startswith("is too long")
