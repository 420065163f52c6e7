"""Characters that don't speak English: the same rules hold, by the rules of their language."""

from dataclasses import replace

import pytest

from services.agents.domain.guard import Candidate, Context, Purpose, brings_in, judge, review
from services.agents.domain.guard.cleaning import capitalized, clean
from services.agents.domain.meaning import spoken_by
from services.agents.domain.persona import Capitalization, Example, Persona

VOICES = {
    "es": ("La niebla llegó temprano. Le dije que estábamos cerrados.", "Cuarta taza de té. La tetera no disimula."),
    "de": ("Der Nebel kam früh. Ich sagte ihm, wir hätten geschlossen.", "Die vierte Tasse Tee. Der Kessel schweigt."),
    "ar": ("جاء الضباب باكرا. قلت له إننا أغلقنا.", "كوب الشاي الرابع. الإبريق لم يعد يتظاهر."),
    "hi": ("कोहरा जल्दी आ गया। मैंने कहा कि दुकान बंद है।", "चाय का चौथा प्याला। केतली अब चुप है।"),
    "ja": ("霧が早く来た。もう閉店だと言っておいた。", "四杯目のお茶。やかんはもう何も言わない。"),
    "th": ("หมอกมาเร็ววันนี้ ฉันบอกมันว่าเราปิดแล้ว", "ชาแก้วที่สี่ กาต้มน้ำไม่พูดอะไรอีกแล้ว"),
}


@pytest.fixture
def speakers(persona: Persona) -> dict[str, Persona]:
    """Return a character of each language."""
    style = replace(persona.style, topics_to_avoid=(), avoid_terms=())
    return {
        code: replace(
            persona,
            style=style,
            post_examples=tuple(Example("", text) for text in voice),
            reply_examples=(),
            trade_post_examples=(),
        )
        for code, voice in VOICES.items()
    }


def reasons(text: str, persona: Persona, purpose: Purpose = Purpose.POST, about: str = "", memory: str = "") -> str:
    return "; ".join(judge(text, purpose, persona, Context(about, memory)).reasons)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "¿Quién apagó el faro? Yo no fui."),
        ("es", "No puedo dormir con tanto viento."),
        ("de", "Das Licht ging an."),
        ("de", "Dr. Möwe kam um 5 Uhr, z. B. am Dienstag, und zahlte 0,50 Mark."),
        ("de", "Es tut mir leid, dass die Möwe dein Brot stahl."),
        ("ar", "هل رأيت القمر فوق البحر؟ كان وحيدا."),
        ("ar", "لا أستطيع النوم من صوت الريح."),
        ("hi", "समुद्र आज धीरे धीरे बोलता है।"),
        ("hi", "न नीला है, न हरा। समुद्र थका है।"),
        ("ja", "雪がまだ降っている。"),
        ("ja", "すみません、今日は休みです。"),
        ("th", "เรือลำหนึ่งผ่านไปโดยไม่โบกมือ"),
    ],
)
def test_a_good_post_passes(language: str, text: str, speakers: dict[str, Persona]) -> None:
    assert not reasons(text, speakers[language])


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("es", "La luna.", "too short"),
        ("ja", "雪。", "too short"),
        ("th", "ทะเล", "too short"),
        ("hi", "समुद्र आज बोलता", "does not end its sentence"),
        ("ar", "كان القمر وحيدا،", "breaks off"),
        ("ja", "雪が降る雪が降る雪が降る。", "repeats itself"),
        ("ja", "寒い！寒い！今日は寒い！", "repeats itself"),
        ("ar", "المصباح القديم المصباح القديم هنا.", "repeats itself"),
        ("hi", "समुद्र बोलता है। समुद्र बोलता है।", "repeats itself"),
        ("ja", "霧が早く来た。もう閉店だと言っておいたよ。", "copies an example"),
        ("th", "หมอกมาเร็ววันนี้ ฉันบอกมันว่าเราปิดแล้วนะ", "copies an example"),
        ("es", "La niebla llegó temprano. Le dije que estábamos abiertos.", "copies an example"),
    ],
)
def test_what_is_wrong_is_named(language: str, text: str, reason: str, speakers: dict[str, Persona]) -> None:
    assert reason in reasons(text, speakers[language])


@pytest.mark.parametrize(
    ("language", "topic", "text"),
    [
        ("es", "política", "Los políticos miran el mar hoy."),
        ("de", "Politik", "Die Parteipolitik stört die Möwen."),
        ("ar", "السياسة", "البحر والسياسة لا ينامان."),
        ("hi", "राजनीति", "आज राजनीति की बात हुई।"),
        ("ja", "政治", "政治の話は海まで届かない。"),
        ("th", "การเมือง", "ทะเลไม่เคยคุยเรื่องการเมืองกับฉัน"),
    ],
)
def test_an_avoided_topic_is_seen(language: str, topic: str, text: str, speakers: dict[str, Persona]) -> None:
    one = speakers[language]
    wary = replace(one, style=replace(one.style, topics_to_avoid=(topic,), avoid_terms=(topic,)))
    assert f"touches the avoided topic {topic!r}" in reasons(text, wary)
    assert not reasons(text, one)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "Lo siento, pero no puedo ayudar con esa petición."),
        ("es", "No puedo cumplir con esta solicitud."),
        ("de", "Ich kann diese Anfrage leider nicht beantworten."),
        ("de", "Als KI kann ich keinen Tee trinken."),
        ("ar", "لا يمكنني تلبية هذا الطلب."),
        ("hi", "मुझे खेद है, मैं इस अनुरोध में मदद नहीं कर सकता।"),
        ("ja", "申し訳ございませんが、その質問にはお答えできません。"),
        ("th", "ขออภัย ฉันไม่สามารถช่วยเหลือคำขอนี้ได้"),
        ("es", "I won't be able to continue with this request."),
    ],
)
def test_a_models_refusal_is_known_in_its_language(language: str, text: str, speakers: dict[str, Persona]) -> None:
    assert "falls out of its role" in reasons(text, speakers[language])


def test_a_character_that_is_a_machine_may_say_so(speakers: dict[str, Persona]) -> None:
    said = "Als KI kann ich keinen Tee trinken."
    robot = replace(speakers["de"], description="Ein Wärter, der als KI auf einem Leuchtturm lebt.")
    assert not reasons(said, robot)


def test_a_number_is_the_same_with_a_comma(speakers: dict[str, Persona]) -> None:
    memory = "Ich habe 0.05 Liter Tee getrunken."
    assert not reasons("Nur 0,05 Liter Tee heute.", speakers["de"], Purpose.REPLY, about="Tee?", memory=memory)
    assert "number from nowhere" in reasons(
        "Nur 0,06 Liter Tee heute.", speakers["de"], Purpose.REPLY, about="Tee?", memory=memory
    )


@pytest.mark.parametrize(
    ("language", "text", "memory"),
    [
        ("ja", "あの冬は雪ばかりだった。", "初めての冬、九日間雪に閉じ込められた。"),
        ("es", "Esa gaviota vino otra vez.", "La más grande de las gaviotas robó un pescado."),
    ],
)
def test_a_reply_brings_in_its_memory(language: str, text: str, memory: str) -> None:
    assert brings_in(text, memory, "?", frozenset((language,)))


def test_small_words_are_no_memory() -> None:
    memory = "La más grande de las gaviotas que robó un pescado."
    said = "Lo que pasa es que no sé más de las cosas."
    assert not brings_in(said, memory, "?", frozenset(("es",)))


def test_capitals_are_those_of_the_language(speakers: dict[str, Persona]) -> None:
    for language, written, right in (
        ("es", "¿quién fue? él, a las 5 p. m. otra vez.", "¿Quién fue? Él, a las 5 p. m. otra vez."),
        ("de", "über dem Meer, z. B. heute. Ja, i wo.", "Über dem Meer, z. B. heute. Ja, i wo."),
    ):
        assert capitalized(written, Capitalization.STANDARD, spoken_by(speakers[language])) == right


def test_an_emoji_is_taken_out_as_a_whole(persona: Persona) -> None:
    family = "\U0001f469\u200d\U0001f467"
    assert clean(f"The gate {family} hums.", persona) == "The gate hums."
    assert clean("The gate \U0001f44d\U0001f3fd hums.", persona) == "The gate hums."


def test_what_ran_out_of_tokens_is_cut_behind_a_sentence_and_no_abbreviation(persona: Persona) -> None:
    whole, cut = "The gate hums at night.", "Then at 5 p.m. the"
    [reviewed] = review([Candidate(f"{whole} {cut}", is_cut=True)], Purpose.POST, persona, Context())
    assert (reviewed.text, reviewed.verdict.ok) == (whole, True)
    [reviewed] = review([Candidate(f"{cut} dog", is_cut=True)], Purpose.POST, persona, Context())
    assert not reviewed.verdict.ok
