"""What a text is about, in several languages."""

import pytest

from services.agents.domain import meaning
from services.agents.domain.meaning import Terms, content, gist, shared, speaks_of, uses

EN, ES, DE, AR, HI, JA, TH, KO, UK = (
    frozenset((code,)) for code in ("en", "es", "de", "ar", "hi", "ja", "th", "ko", "uk")
)


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        (EN, ("trade", "trades", "traded", "trading")),
        (ES, ("gaviota", "gaviotas")),
        (DE, ("politik", "politiker", "politisch")),
        (AR, ("السياسة", "سياسة", "بالسياسة")),
    ],
)
def test_forms_of_a_word_share_a_stem(language: frozenset[str], forms: tuple[str, ...]) -> None:
    assert len({meaning.stem(form, language) for form in forms}) == 1


def test_words_with_meaning_are_what_counts() -> None:
    assert shared("What is it with the gates?", "He was painting a gate.", EN) == {meaning.stem("gate", EN)}
    assert content("It is what it is, and that was that.", EN) == frozenset()
    assert content("Lo que es, y no es de los que se van por las buenas.", ES).isdisjoint({"que", "los", "las", "por"})
    assert not shared("las gaviotas", "las olas", ES)


@pytest.mark.parametrize(
    ("language", "text", "memory"),
    [
        (JA, "あの冬は雪ばかりだった。", "初めての冬、九日間雪に閉じ込められた。"),
        (TH, "เมื่อคืนนกนางนวลขโมยปลา", "นกนางนวลตัวใหญ่ขโมยปลาทั้งตัว"),
        (ES, "Esa gaviota otra vez.", "La más grande de las gaviotas robó un pescado."),
        (HI, "वह समुद्री पक्षी फिर आया।", "पक्षी ने मंगलवार को मछली चुराई।"),
    ],
)
def test_a_memory_is_known_again_in_other_words_of_its_language(
    language: frozenset[str], text: str, memory: str
) -> None:
    assert shared(text, memory, language)


def test_a_gist_is_the_first_words_with_meaning() -> None:
    assert gist("I have delivered one letter for eleven years.", EN) == "delivered letter eleven years"


@pytest.mark.parametrize(
    ("language", "topic", "text"),
    [
        (EN, "politics", "The political weather is bad."),
        (DE, "Politik", "Die Politiker reden wieder."),
        (DE, "Politik", "Diese Parteipolitik ermüdet."),
        (ES, "política", "Los políticos hablan otra vez."),
        (AR, "السياسة", "لا أحب الكلام والسياسة في المساء."),
        (JA, "政治", "政治家がまた来た。"),
        (KO, "정치", "정치는 오늘도 시끄럽다."),
        (TH, "การเมือง", "วันนี้การเมืองวุ่นวาย"),
        (UK, "політика", "Нічого про політику."),
    ],
)
def test_a_topic_is_seen_in_the_forms_of_its_language(language: frozenset[str], topic: str, text: str) -> None:
    assert speaks_of(text, topic, language)


@pytest.mark.parametrize(
    ("language", "topic", "text"),
    [
        (EN, "Trump", "A trumpet plays in the fog."),
        (EN, "diet", "The soldier slept."),
        (DE, "Politik", "Der Nebel kam früh."),
        (JA, "ガス", "ベガスの夜は長い。"),
        (ES, "la guerra", "La niebla llegó temprano."),
    ],
)
def test_other_words_are_no_topic(language: frozenset[str], topic: str, text: str) -> None:
    assert not speaks_of(text, topic, language)


def test_a_term_of_several_words_stands_in_a_row() -> None:
    assert uses("He hustles hard every day.", "hustle hard", EN)
    assert not uses("Hard is how he hustles.", "hustle hard", EN)
    assert uses("ギャンブルは、楽しい。", "ギャンブル", JA)
    assert not uses("ギャンブラーは寝た。", "ギャンブル", JA)
    assert uses("soon \u2192 there", "\u2192", EN)


@pytest.mark.parametrize("language", [EN, DE, AR, JA, KO, TH, UK, frozenset({"pl"})])
def test_terms_that_are_looked_for_together_are_found_as_each_is_alone(language: frozenset[str]) -> None:
    terms = ("dark letters", "Briefe", "политика", "sztuczna inteligencja", "정치", "政治", "การเมือง", "!?", "السياسة")
    others = (
        "The darkest letter came.",
        "Ein Brief!?",
        "Про політику і политику.",
        "정치는 오늘도",
        "政治家",
        "Sztucznej.",
    )
    for text in (*others, *terms, ""):
        assert list(Terms(terms, language).used_in(text)) == [term for term in terms if uses(text, term, language)]
