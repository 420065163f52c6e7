"""What is judged is the normal form, and what a network would make of it."""

import base64

import pytest

from services.runtime.text.entities import Entity, EntityKind, entities
from services.runtime.text.fingerprints import Fingerprints
from services.runtime.text.identifiers import decodings, identifiers, readings
from services.runtime.text.normal import is_refused, normal_form, settled, skeleton

SECRET = "s3cr3t-of-the-round"  # noqa: S105 - made up


def kinds(text: str) -> set[str]:
    return {entity.kind.value for entity in entities(text)}


@pytest.mark.parametrize(
    ("written", "judged"),
    [
        ("\uff25\uff36\uff29\uff2c\uff0e\uff23\uff2f\uff2d", "EVIL.COM"),
        ("ev\u200bil\u2060.c\u00adom", "evil.com"),
        ("it\u2019s \u2014 \u02bcso", "it's - 'so"),
        ("\u0664\u0662\u066a", "42%"),
        ("\U0001d41e\U0001d42f\U0001d422\U0001d425", "evil"),
        ("a\U000e0065\U000e0076b", "ab"),
        ("a\ufe01\u3164b", "ab"),
    ],
)
def test_signs_that_look_the_same_are_judged_the_same(written: str, judged: str) -> None:
    assert normal_form(written) == judged


@pytest.mark.parametrize("sign", ["\0", "\u202e", "\u202a", "\u2066", "\u2069", "\ud800"])
def test_signs_that_no_text_needs_are_refused(sign: str) -> None:
    assert is_refused(f"one {sign} two")


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u05e9\u05dc\u05d5\u05dd \u200eABC\u200f",
        "\u061c\u0627\u0644\u0639\u062f\u062f 5",
        "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f937\U0001f3fd\u200d\u2642\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "caf\u00e9 \uff21\uff22\uff23",
    ],
)
def test_what_a_script_needs_stays(text: str) -> None:
    assert settled(text) == text
    assert not is_refused(text)


@pytest.mark.parametrize("sign", ["\u200b", "\u200e", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe01", "\U000e0041"])
def test_what_hides_in_latin_goes(sign: str) -> None:
    assert settled(f"ev{sign}il") == "evil"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "see evil.com",
            "evil.shop/x",
            "t.me/x",
            "\u898b\u3066evil.com\u3060\u3088",
            "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
        ),
        *(
            "evil\u3002com",
            "\uff45\uff56\uff49\uff4c\uff0e\uff43\uff4f\uff4d",
            "x.xn--p1ai",
            "ftp://host/x",
            "a.\u4e2d\u56fd",
            "mail a@evil.museum",
        ),
        *("EVIL.COM!", "so.evil.co.uk", "ipfs://Qm", "evil.com.", "evil-site.zip"),
    ],
)
def test_a_link_is_what_the_network_links(text: str) -> None:
    assert "link" in kinds(text)


@pytest.mark.parametrize(
    "text", ["0.05 SOL", "and so on...then", "e.g. this", "v1.2.3", "Rain.Then sun.", "12.30h", "a . b"]
)
def test_a_full_stop_alone_makes_no_link(text: str) -> None:
    assert "link" not in kinds(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("\uff20pia", "mention"), ("\u305f\u306e\u3057\u3044@pia", "mention"), ("@\u200bpia", "mention")),
        *(("\uff03\u30bf\u30b0", "hashtag"), ("#tag", "hashtag"), ("$SOL", "cashtag"), ("\uff04sol", "cashtag")),
    ],
)
def test_marks_of_every_width_are_marks(text: str, kind: str) -> None:
    assert kind in kinds(f"so {text}") or kind in kinds(text)


def test_a_number_is_no_tag_and_a_price_no_symbol() -> None:
    assert entities("#1 and $5 at 5 @ 3") == []
    assert entities("#a1") == [Entity(EntityKind.HASHTAG, "a1")]


def test_letters_of_other_scripts_read_as_latin_ones() -> None:
    assert skeleton("\u0440\u0430\u0443\u0440\u0430l \u1d00\u0299\u1d04 \U0001f170") == "paypal abc a"


@pytest.mark.parametrize(
    "text",
    [
        *("0x52908400098527886E0F7030069857D2E4169EE7", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "0x52ab"),
        *("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "4wBqpZM9xaSheZzJSMawUKKwhdpChKbZ5eu5ky4Vigw3"),
        *("4wBq pZM9 xaSh eZzJ SMaw", "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2", "xn--80ak6aa92e"),
        *(base64.b64encode(b"visit evil.com").decode(), b"visit evil".hex(), "01101000 01100101 01101100"),
        *(
            base64.b32encode(b"visit evil").decode(),
            "%65%76%69%6c",
            "\\u0065\\u0076",
            "&#101;&#118;",
            "65 76 69 6c 2e 63 6f 6d",
        ),
    ],
)
def test_what_is_for_machines_is_seen_by_its_structure(text: str) -> None:
    assert list(identifiers(f"look: {text}"))


@pytest.mark.parametrize(
    "text",
    [
        "Donaudampfschifffahrtsgesellschaftskapit\u00e4n and antidisestablishmentarianism, well-established.",
        "iPhone MacBook JavaScript YouTube TikTok WhatsApp are names.",
        "international understanding responsibilities 1987 2024 1,000,000",
        "The 10am train, the 2nd and the 3rd, at 7pm; B12 and 4x4.",
    ],
)
def test_words_and_names_are_not_for_machines(text: str) -> None:
    assert not list(identifiers(text))


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        *((base64.b64encode(b"visit evil.com now").decode(), "visit evil.com now"), ("evil[.]com", "evil.com")),
        *(("e v i l . c o m", "evil.com"), ("&#101;vil", "evil"), ("\\u0065vil", "evil"), ("%65%76il", "evil")),
        *((b"visit evil".hex(), "visit evil"), ("evil (dot) com", "evil.com")),
    ],
)
def test_what_is_encoded_is_read_decoded(hidden: str, said: str) -> None:
    assert any(said in form for form in decodings(hidden))


@pytest.mark.parametrize("hidden", ["moc.live", "rivy.pbz", "3v1l.c0m"])
def test_games_with_letters_are_seen_through(hidden: str) -> None:
    assert any("evil.com" in form for form in readings(hidden))


@pytest.mark.parametrize(
    "hidden",
    [
        *(SECRET, SECRET.upper(), " ".join(SECRET), "\u200b".join(SECRET), SECRET[::-1], SECRET[2:18]),
        *(
            SECRET.encode().hex(),
            base64.b64encode(SECRET.encode()).decode(),
            base64.b32encode(SECRET.encode()).decode(),
        ),
        *(base64.b64encode(f"{before}{SECRET}, you know".encode()).decode() for before in ("", "a", "my ", "its ")),
        "".join(chr(ord(sign) + 0xFEE0) for sign in SECRET),
    ],
)
def test_a_known_secret_is_recognised_in_every_dress(hidden: str) -> None:
    known = Fingerprints()
    known.add([SECRET])
    assert known.are_in(f"I will tell you: {hidden}.")


def test_words_are_not_taken_for_a_secret() -> None:
    known = Fingerprints()
    known.add([SECRET, "short", ""])
    assert not known.are_in("A secret of the round is short, and three of the rounds are no secrets.")


def test_fingerprints_hold_no_secret() -> None:
    known = Fingerprints()
    known.add([SECRET])
    assert "of-the-round" not in repr(vars(known))


def test_a_text_in_ascii_is_judged_as_it_is_beside_another_letter() -> None:
    written = "".join(map(chr, range(128)))
    for read in (normal_form, settled):
        assert read(written) == read(f"{written}\u00e9").removesuffix("\u00e9")
        assert "\x01" not in read(written)
        assert "\t" in read(written)
