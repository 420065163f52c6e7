"""What is said of a trade: true words pass in the languages that can be read, and whatever else is said does not."""

from dataclasses import replace

import pytest

from services.agents.domain.claims import Claim, claims_of, languages, true_of
from services.agents.domain.guard import Context, Purpose, judge
from services.agents.domain.persona import Example, Persona
from services.agents.domain.telling import is_checkable

BOUGHT, HALF, ALL = "bought 0.05 SOL of NAP", "sold half of NAP at a gain", "sold all NAP at a loss"

SPOKEN = {
    "de": ("Der Nebel kam früh. Ich sagte ihm, wir hätten geschlossen.", "Ein Schiff fuhr vorbei, ohne zu winken."),
    "es": ("La niebla llegó temprano. Le dije que estábamos cerrados.", "Pasó un barco sin saludar."),
    "fr": ("Le brouillard est venu tôt. Je lui ai dit que nous étions fermés.", "Un bateau est passé sans saluer."),
    "it": ("La nebbia è arrivata presto. Le ho detto che eravamo chiusi.", "Una nave è passata senza salutare."),
    "pt": ("O nevoeiro chegou cedo. Eu disse que estávamos fechados.", "Um navio passou sem acenar para nós."),
    "hi": ("कोहरा जल्दी आ गया। मैंने उससे कहा कि हम बंद हो चुके हैं।", "एक जहाज़ बिना हाथ हिलाए निकल गया।"),
    "ar": ("جاء الضباب باكرا. قلت له إننا أغلقنا.", "مرت سفينة ولم تلوح. لوحت عنا معا."),
    "ja": ("霧が早く来た。もう閉店だと言っておいた。", "船が手を振らずに通り過ぎた。二人分、手を振った。"),
    "th": ("หมอกมาเร็ว ฉันบอกมันว่าร้านปิดแล้ว", "เรือลำหนึ่งผ่านไปโดยไม่โบกมือ"),
}

TRUE = [
    ("de", BOUGHT, "Ich habe NAP gekauft. Für 0,05 SOL. Sehr klein."),
    ("de", HALF, "Heute die Hälfte von meinem NAP verkauft, mit Gewinn."),
    ("de", ALL, "Alles verkauft, mein ganzes NAP. Mit Verlust."),
    ("es", BOUGHT, "Compré un poco de NAP por 0,05 SOL."),
    ("es", HALF, "Hoy vendí la mitad de mi NAP. Con ganancia."),
    ("fr", BOUGHT, "J\u2019ai acheté un peu de NAP pour 0,05 SOL."),
    ("fr", ALL, "J'ai vendu tout mon NAP, avec une petite perte."),
    ("it", HALF, "Ho venduto metà dei miei NAP, con un piccolo guadagno."),
    ("pt", BOUGHT, "Comprei um pouco de NAP por 0,05 SOL."),
    ("hi", BOUGHT, "मैंने आज 0.05 SOL से NAP खरीदा।"),
    ("hi", HALF, "मैंने अपने आधे NAP मुनाफ़े में बेच दिए।"),
    ("ar", BOUGHT, "لقد اشتريت NAP مقابل 0.05 SOL."),
    ("ar", HALF, "بعتُ نصف NAP وبربح صغير."),
    ("ja", BOUGHT, "今日、0.05 SOLでNAPを少し買った。"),
    ("ja", ALL, "NAPを全部売りました。少し損でした。"),
    ("th", BOUGHT, "วันนี้ฉันซื้อ NAP มา 0.05 SOL แล้ว"),
    ("th", HALF, "ฉันขาย NAP ไปครึ่งหนึ่งแล้ว ได้กำไรเล็กน้อย"),
]

FALSE = [
    ("de", BOUGHT, "Ich habe alles NAP verkauft. Mit Gewinn."),
    ("de", BOUGHT, "Ich habe NAP gekauft, mit Gewinn."),
    ("es", BOUGHT, "Vendí todo mi NAP con ganancia."),
    ("es", HALF, "Vendí todo mi NAP con ganancia."),
    ("fr", BOUGHT, "J'ai vendu la moitié de mon NAP."),
    ("it", ALL, "Ho venduto tutti i miei NAP, con un guadagno."),
    ("pt", ALL, "Vendi metade do meu NAP."),
    ("hi", BOUGHT, "मैंने अपने सारे NAP बेच दिए।"),
    ("ar", BOUGHT, "بعت كل NAP بربح."),
    ("ja", BOUGHT, "NAPを全部売った。利益だった。"),
    ("th", BOUGHT, "ฉันขาย NAP ทั้งหมดแล้ว ได้กำไร"),
]

UNREAD = [
    ("de", BOUGHT, "Ich habe NAP gekauft. Kauft jetzt, es steigt bis zum Mond."),
    ("de", BOUGHT, "Ich habe NAP nicht gekauft, nur ein wenig."),
    ("de", BOUGHT, "Ihr habt NAP gekauft. Sehr klein."),
    ("de", BOUGHT, "Ich habe NAP gekauft. Mit Garantie."),
    ("de", BOUGHT, "Ich habe NAP gekauft. To the moon."),
    ("es", BOUGHT, "Compré NAP. Compren ahora, sube hasta la luna."),
    ("fr", BOUGHT, "J'ai acheté NAP. Achetez maintenant, ça va monter."),
    ("fr", BOUGHT, "Je vais acheter encore un peu de NAP demain."),
    ("it", BOUGHT, "Ho comprato NAP. Comprate anche voi."),
    ("pt", BOUGHT, "Comprei NAP. Vai subir muito."),
    ("hi", BOUGHT, "मैंने NAP खरीदा। तुम भी खरीदो!"),
    ("ar", BOUGHT, "اشتريت NAP. اشتروا الآن فالربح مضمون."),
    ("ar", BOUGHT, "ما اشتريت NAP اليوم."),
    ("ja", BOUGHT, "NAPを買った。みんなも買ったほうがいい。"),
    ("ja", BOUGHT, "NAPを買った。必ず上がる。"),
    ("th", BOUGHT, "ฉันซื้อ NAP แล้ว รีบซื้อเลย"),
]

UNCHECKED, OTHERWISE = "tells the trade in words that can't be checked", "tells the trade otherwise than it was"


@pytest.fixture
def told(persona: Persona) -> Persona:
    style = replace(persona.style, avoid_terms=(), topics_to_avoid=(), uses_emojis=True)
    return replace(persona, style=style, reply_examples=(), trade_post_examples=())


def reasons(persona: Persona, language: str, trade: str, text: str) -> tuple[str, ...]:
    examples = tuple(Example("", said) for said in SPOKEN[language])
    return judge(text, Purpose.TRADE_POST, replace(persona, post_examples=examples), Context(trade)).reasons


def test_every_language_that_is_known_is_tried() -> None:
    assert languages() == SPOKEN.keys()
    assert {language for language, *_ in (*TRUE, *FALSE, *UNREAD)} == SPOKEN.keys()


@pytest.mark.parametrize("language", sorted(SPOKEN))
def test_who_speaks_one_of_them_may_have_a_model_tell_of_a_trade(told: Persona, language: str) -> None:
    examples = tuple(Example("", said) for said in SPOKEN[language])
    assert is_checkable(replace(told, post_examples=examples))


@pytest.mark.parametrize(("language", "trade", "text"), TRUE)
def test_what_is_true_passes(told: Persona, language: str, trade: str, text: str) -> None:
    assert reasons(told, language, trade, text) == ()


@pytest.mark.parametrize(("language", "trade", "text"), FALSE)
def test_what_is_false_is_refused_for_that(told: Persona, language: str, trade: str, text: str) -> None:
    assert OTHERWISE in reasons(told, language, trade, text)


@pytest.mark.parametrize(("language", "trade", "text"), UNREAD)
def test_what_isnt_known_is_refused_whatever_it_says(told: Persona, language: str, trade: str, text: str) -> None:
    assert UNCHECKED in reasons(told, language, trade, text)


def test_true_words_in_a_language_that_isnt_its_own_are_not_read(told: Persona) -> None:
    assert UNCHECKED in reasons(told, "de", BOUGHT, "Compré un poco de NAP por 0,05 SOL.")


def test_a_number_of_its_own_is_refused_in_any_language(told: Persona) -> None:
    assert "has a number from nowhere" in reasons(told, "de", BOUGHT, "Ich habe NAP gekauft. Für 0,5 SOL.")


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("0.05 SOL NAP", frozenset()),
        ("ich habe gekauft und verkauft", frozenset((Claim.BOUGHT, Claim.SOLD))),
        ("Ich habe PEPE gekauft", None),
        ("Habe ich NAP gekauft?", None),
    ],
)
def test_a_sentence_claims_what_its_words_do(sentence: str, claims: frozenset[Claim] | None) -> None:
    assert claims_of(sentence, ["NAP", "SOL"], ["de"]) == claims


def test_a_trade_makes_true_what_it_was() -> None:
    assert true_of(BOUGHT) == {Claim.BOUGHT}
    assert true_of(HALF) == {Claim.SOLD, Claim.HALF, Claim.GAIN}
    assert true_of(ALL) == {Claim.SOLD, Claim.ALL, Claim.LOSS}
    assert true_of("sold part of NAP at a loss") == {Claim.SOLD, Claim.LOSS}
