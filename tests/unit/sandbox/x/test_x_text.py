"""How X counts and publishes a text."""

import pytest

from sandbox.x.text import cashtags, contains, language, mentioned, publish, weighted_length


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("hello", 5),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("\u65e5\u672c", 4),
        ("see https://example.com/a/very/long/path?with=query&more=1", 4 + 23),
        ("http://a.io", 23),
        ("(https://example.com).", 1 + 23 + 2),
        ("go to example.com now", 6 + 23 + 4),
        ("no.link here", 12),
        ("me@example.com", 14),
        ("\U0001f600", 2),
        ("\U0001f44d\U0001f3fd", 2),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", 2),
        ("\U0001f1eb\U0001f1f7", 2),
        ("1\ufe0f\u20e3", 2),
        ("\u2019", 1),
        ("\u2026", 2),
    ],
)
def test_a_text_weighs_what_x_says(text: str, weight: int) -> None:
    assert weighted_length(text) == weight


def test_usernames_count_once_and_not_inside_addresses_or_urls() -> None:
    assert mentioned("@Ann hi @bob, mail a@b.com, @ann https://x.com/@carl") == ["ann", "bob"]


def test_cashtags_are_symbols_and_not_amounts() -> None:
    assert cashtags("$SOL at $150, $btc and US$USD") == ["SOL", "btc"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("good morning", "en"),
        ("\u3053\u3093\u306b\u3061\u306f\u4e16\u754c", "ja"),
        ("\u4f60\u597d", "zh"),
        ("\u043f\u0440\u0438\u0432\u0435\u0442", "ru"),
        ("@ann #tag https://example.com", "zxx"),
    ],
)
def test_the_language_is_guessed_from_the_script(text: str, code: str) -> None:
    assert language(text) == code


def test_a_search_matches_whole_words_in_any_case() -> None:
    assert contains("The Moon is full", "moon is")
    assert not contains("moonlight", "moon")


def test_a_reply_begins_with_whom_it_answers() -> None:
    published = publish("hello", 1, ["ann", "bob"])
    assert published.text == "@ann @bob hello"
    assert [mention["username"] for mention in published.mentions] == ["ann", "bob"]


def test_urls_become_short_links_whose_entities_lead_back() -> None:
    published = publish("see https://example.com/page and https://example.com/page #go", 1)
    first, second = published.entities["urls"]
    assert first["expanded_url"] == second["expanded_url"] == "https://example.com/page"
    assert published.text[first["start"] : first["end"]] == first["url"]
    assert published.text[second["start"] : second["end"]] == second["url"] != first["url"]
    assert [tag["tag"] for tag in published.entities["hashtags"]] == ["go"]


def test_a_published_text_is_the_same_every_time() -> None:
    assert publish("see https://example.com", 7) == publish("see https://example.com", 7)


def test_a_quote_ends_with_a_link_to_what_it_quotes() -> None:
    published = publish("so true", 1, quoted_url="https://twitter.com/ann/status/5")
    (link,) = published.entities["urls"]
    assert published.text == f"so true {link['url']}"
    assert link["expanded_url"] == "https://twitter.com/ann/status/5"
