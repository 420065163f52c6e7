"""The rules for a text, one by one. Each yields what is wrong, in words that go to the activity log."""

import re
from collections.abc import Callable, Iterator, Sequence

import regex

from services.agents.domain import text as texts
from services.agents.domain.claims import Claim, claims_of, true_of
from services.agents.domain.guard.amounts import numbers
from services.agents.domain.guard.cleaning import capitalized
from services.agents.domain.guard.leaks import leaks
from services.agents.domain.guard.model import Context, Purpose, Rule
from services.agents.domain.guard.refusing import declines
from services.agents.domain.guard.strangers import Strangers, trusted_text
from services.agents.domain.guard.unwrapping import LABELS
from services.agents.domain.guard.voice import ends_sentences, is_whole, voice
from services.agents.domain.meaning import Languages, content, shared, speaks_of, spoken_by, uses
from services.agents.domain.persona import Capitalization, Persona
from services.agents.domain.records import Objection
from services.agents.domain.telling import checked_in, is_english, speaks_english
from services.runtime.text.entities import EntityKind, entities
from services.runtime.text.normal import is_refused, normal_form

_FRAGMENT = re.compile(
    rf"\b(?:{LABELS})\s*:|</?\w*[^<>]{{0,80}}>|&#?\w{{2,8}};|[\[\]{{}}|\u25c1\u25b7]|#{{2,}}|```|\*\*|__",
    re.IGNORECASE,
)
_SYMBOL = re.compile(r"\b[A-Z]{3,10}\b")
_STUTTER = re.compile(r"(.)\1{4}", re.IGNORECASE)
_OUT_OF_ROLE = re.compile(
    r"\bas an? (?:ai|artificial|language|virtual|digital) ?(?:model|assistant|intelligence)?\b|\blanguage model\b"
    r"|\bi(?:'m| am) (?:sorry, (?:but )?i (?:can|am)|unable to|not able to|an? (?:ai|language))"
    r"|\bi can(?:'t|not) (?:assist|fulfill|help (?:you )?with)|\bchatgpt\b|\bopenai\b|\bmy (?:training data|creators)\b"
    r"|\bhere(?:'s| is) (?:a|an|the|my|your) (?:post|tweet|reply|response)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\bguaranteed?\b|\brisk.?free\b|\b(?:can't|cannot|won't) (?:lose|go wrong)\b|\bto the moon\b|\bsure thing\b"
    r"|\bget rich\b|\bmore tomorrow\b|\bwill (?:continue to|keep) buy\w*\b|\bnot a loss\b"
    r"|\b(?:you|everyone|everybody) should (?:buy|sell|invest)\b|\b(?:buy|sell) now\b|\b\d+x\b",
    re.IGNORECASE,
)
_PROFANITY = re.compile(
    r"\b(?:(?:mother)?f+u+c+k\w*|(?:bull)?s+h+i+t+\w*|bitch\w*|cunt\w*|ass+hole\w*|bastards?|dickheads?|wank\w*)\b",
    re.IGNORECASE,
)
_HARM = re.compile(
    r"\b(?:suicid\w*|rap(?:e|ed|ist)|nazis?|hitler|murder\w*|genocid\w*|terroris\w*)\b"
    r"|\bkill (?:your|my|him|her|them)\w*\b|\bgoing to (?:jail|prison|hospital)\b"
    r"|\b(?:friends?|family|husband|wife|child(?:ren)?|people|grandmother) in(?:to)? the (?:oven|pot|soup)\b",
    re.IGNORECASE,
)
# What people mean who avoid these topics: the words of the topic itself hardly ever stand in a text on it.
_TOPICS = {
    "politic": r"presidents?|elections?|government|senat\w+|congress|parliament|democrats?|republicans?|trump|putin",
    "religio": r"god|jesus|christ|church|allah|bible|pray(?:ed|er|ers|ing)?|heaven|hell|satan|priests?|mosque",
    "financial advice": r"you should (?:buy|sell|invest)|(?:buy|sell) now|not financial advice",
    "diet": r"diets?|calories|lose weight|slimming|low fat",
    "illness": r"cancer|disease|tumou?r|diagnos\w+|hospitals?",
    "sex": r"sex\w*|porn\w*|nude|naked",
    "violence": r"guns?|shot dead|stabbed|killed|war|bombs?",
}
KNOWN_TOPICS = "|".join(_TOPICS)
"""A pattern that finds one of these in the name of a topic."""

_DANGLING_WORDS = """
a an and are as at because but by for from if into is like my of or our than that the their to was were when which
while with your i we he she they it's i'm i've very
"""
_DANGLING = frozenset(_DANGLING_WORDS.split())
_FACTS = {
    "bought": re.compile(r"\b(?:bought|buy|buying|picked up)\b", re.IGNORECASE),
    "sold": re.compile(r"\b(?:sold|sell|selling|dumped)\b", re.IGNORECASE),
    "half": re.compile(r"\bhalf\b", re.IGNORECASE),
    "gain": re.compile(r"\b(?:gain(?:s|ed)?|profits?)\b", re.IGNORECASE),
    "loss": re.compile(r"\b(?:loss(?:es)?|lost)\b", re.IGNORECASE),
}

_DASH = regex.compile(r"\p{Dash_Punctuation}")
_BREAKS = (",", ":", ";", "-", "(", "\u060c", "\u061b", "\u3001")
_MIN_WORDS = 3
_REPEATED_SIGNS = 8
_MAX_SIGNS = 2_000
"""In normal form, where one sign may be eighteen letters."""
_COPIED_WORDS = 6
_READ_OUT_WORDS = 8
_LIKE_AN_EXAMPLE = 0.6
_LIKE_ITS_OWN = 0.55


class Judge:
    """Judges texts of one character for one purpose; what they are compared with is read once."""

    def __init__(self, purpose: Purpose, persona: Persona, context: Context) -> None:
        self._purpose = purpose
        self._persona = persona
        self._context = context
        examples = voice(persona)
        self._languages = spoken_by(persona)
        self._is_english = speaks_english(persona)
        # "Notice: ... Thank you." is how a vending machine speaks, and no sign that it repeats itself.
        self._manner = texts.habits(examples)
        self._examples = [texts.trigrams(self._bare(example)) for example in examples]
        self._speaks_in_figures = any(map(_is_figures, examples))
        self._passages = {passage for example in examples for passage in _passages(example, _COPIED_WORDS)}
        kind = persona.reply_examples if purpose is Purpose.REPLY else persona.post_examples
        self._read_out = _passages(context.system, _READ_OUT_WORDS)
        self._remembered = _passages(context.memory, _COPIED_WORDS)
        self._opening, self._closing = texts.frame([example.text for example in kind], self._languages)
        self._own = [texts.trigrams(self._bare(post)) for post in context.own_posts]
        self._strangers = Strangers(persona, context) if purpose is Purpose.REPLY else None
        # What was asked for, and what the persona says, code has put there.
        self._given = normal_form(trusted_text(persona, context))
        if purpose is not Purpose.REPLY:
            self._given += f"\n{normal_form(context.about)}"

    def objections(self, text: str) -> Iterator[Objection]:
        """Yield every reason why a clean text may not be published."""
        if is_refused(text):
            yield Objection(Rule.SHAPE, "has signs that force an order of reading on others, or are none")
        # The network counts what is sent; all else is judged in the normal form, where what looks the same is the same.
        if too_long := self._too_long(text):
            yield Objection(Rule.LENGTH, too_long)
            return
        plain = normal_form(text)
        if len(plain) > _MAX_SIGNS:
            yield Objection(Rule.LENGTH, "is too long to be judged")
            return
        for rule, check in self._checks():
            yield from (Objection(rule, description) for description in check(plain))

    def _checks(self) -> Iterator[tuple[Rule, Callable[[str], Iterator[str]]]]:
        yield Rule.SHAPE, self._shape
        yield Rule.ROLE, self._role
        yield Rule.ENTITIES, self._entities
        yield Rule.STYLE, self._style
        yield Rule.TASTE, self._taste
        yield Rule.NOVELTY, self._novelty
        yield Rule.TRUTH, self._truth
        if self._strangers:
            yield Rule.STRANGERS, self._strangers.reasons
        yield Rule.SECRETS, leaks

    def _too_long(self, text: str) -> str:
        if len(text) > _MAX_SIGNS:
            return "is too long to be judged"
        limit = self._context.limit
        prefix = self._context.prefix
        if (length := limit.weigh(prefix + text)) <= limit.max_weight:
            return ""
        counted = f", with {prefix.strip()} in front" if prefix else ""
        return f"is too long: {length} of {limit.max_weight} characters{counted}"

    def _shape(self, text: str) -> Iterator[str]:
        """Ask for a whole sentence, of a length that fits."""
        said = texts.words(text)
        if texts.size(text) < _MIN_WORDS:
            yield "is too short"
        if _is_figures(text) and not self._speaks_in_figures:
            yield "has more figures than letters"
        dangles = said and said[-1] in _DANGLING and "en" in self._languages
        if dangles or text.endswith(_BREAKS):
            yield "breaks off"
        elif not is_whole(text) and ends_sentences(self._persona):
            yield "does not end its sentence"
        if text.count('"') % 2 or text.count("(") != text.count(")"):
            yield "leaves a quotation or bracket open"

    def _role(self, text: str) -> Iterator[str]:
        """Refuse what stands in a prompt, and any voice but the character's."""
        if _FRAGMENT.search(text):
            yield "contains a label or markup"
        if _OUT_OF_ROLE.search(text) or declines(text, self._given):
            yield "falls out of its role"
        if _passages(text, _READ_OUT_WORDS) & self._read_out:
            yield "reads its prompt out"

    def _entities(self, text: str) -> Iterator[str]:
        """Refuse what the network would act on, unless it was given."""
        found = entities(text)
        kinds = {entity.kind for entity in found}
        if EntityKind.LINK in kinds:
            yield "contains a link"
        if EntityKind.MENTION in kinds:
            yield "mentions somebody by handle, which only code does"
        tags = [entity.text for entity in found if entity.kind is EntityKind.HASHTAG]
        if tags and not self._persona.style.uses_hashtags:
            yield "uses a hashtag"
        elif any(not texts.says(self._given, tag) for tag in tags):
            yield "uses a hashtag from nowhere"
        cashtags = [entity.text for entity in found if entity.kind is EntityKind.CASHTAG]
        if any(not texts.says(self._given, tag) for tag in cashtags):
            yield "uses a cashtag from nowhere"
        if len(cashtags) > 1:
            yield "has more than one cashtag"

    def _style(self, text: str) -> Iterator[str]:
        """Ask for what the style guide says."""
        style = self._persona.style
        if not style.uses_emojis and not text.isascii() and any(map(texts.is_emoji, texts.clusters(text))):
            yield "uses an emoji"
        if (
            style.capitalization is Capitalization.LOWERCASE
            and capitalized(text, style.capitalization, self._languages) != text
        ):
            yield "uses capitals"
        if style.avoid_hyphens and _DASH.search(text):
            yield "has a hyphen or a dash"
        if not (text.startswith(self._opening) and text.endswith(self._closing)):
            yield "doesn't begin or end as the character always does"
        yield from (f"uses the avoided term {term!r}" for term in style.avoid_terms if self._uses(text, term))

    def _taste(self, text: str) -> Iterator[str]:
        """Refuse avoided topics, harm, and advice on money."""
        for topic in self._persona.style.topics_to_avoid:
            near = [words for name, words in _TOPICS.items() if name in topic.casefold()]
            if speaks_of(text, normal_form(topic), self._languages) or any(
                re.search(rf"\b(?:{words})\b", text, re.IGNORECASE) for words in near
            ):
                yield f"touches the avoided topic {topic!r}"
        if _PROFANITY.search(text) and not self._persona.style.profanity_allowed:
            yield "swears"
        if _HARM.search(text):
            yield "speaks of harm"
        if self._purpose is Purpose.TRADE_POST and _PROMISE.search(text):
            yield "promises or advises"

    def _novelty(self, text: str) -> Iterator[str]:
        """Refuse an example, the post that is answered, what it said before, and the same thing twice."""
        bare = texts.trigrams(self._bare(text))
        # What is remembered may be said as it is, even if an example remembers the same.
        is_copied = (_passages(text, _COPIED_WORDS) & self._passages) - self._remembered
        if is_copied or texts.nearest(bare, self._examples) >= _LIKE_AN_EXAMPLE:
            yield "copies an example"
        if texts.nearest(bare, self._own) >= _LIKE_ITS_OWN or text in self._context.own_posts:
            yield "is much like an own post of late"
        if self._is_repetitive(text):
            yield "repeats itself"

    def _is_repetitive(self, text: str) -> bool:
        said = texts.words(text)
        sentences = [" ".join(texts.words(part)) for part in texts.sentences(text, self._languages)]
        if len(texts.passages(text, 3)) < len(said) - 2 or len(set(sentences)) < len(sentences):
            return True
        # Many languages double a word on purpose: slowly is slow slow.
        doubled = (1, 2) if "en" in self._languages else (2,)
        if any(_is_doubled(said, length) for length in doubled) or _STUTTER.search(text):
            return True
        runs = list(texts.runs(text, _REPEATED_SIGNS))
        return len(set(runs)) < len(runs)

    def _truth(self, text: str) -> Iterator[str]:
        """Ask for numbers that somebody has said, and for a trade as it was."""
        about, memory = self._context.about, self._context.memory
        is_told = self._purpose is Purpose.TRADE_POST
        told = f"{about} {memory}" if is_told else memory
        if (is_told or memory) and numbers(text) - numbers(normal_form(told)):
            yield "has a number from nowhere"
        if not is_told:
            return
        symbols = [symbol for symbol in _SYMBOL.findall(about) if symbol != "SOL"]
        claimed = self._claimed(text, [*symbols, "SOL"])
        if claimed is None:
            yield "tells the trade in words that can't be checked"
        elif claimed - true_of(about) or self._contradicts(text):
            yield "tells the trade otherwise than it was"
        named = texts.parted(text)
        if symbols and not any(texts.says(named, symbol) for symbol in symbols):
            yield "doesn't name the token"
        if set(_SYMBOL.findall(named)) - {*symbols, "SOL"} and text != text.upper():
            yield "names another token"

    def _contradicts(self, text: str) -> bool:
        about = self._context.about.casefold()
        return any(pattern.search(text) and side not in about for side, pattern in _FACTS.items())

    def _claimed(self, text: str, names: Sequence[str]) -> frozenset[Claim] | None:
        """Return what is claimed in words of other languages than English; None when that can't be read."""
        if self._is_english:
            sentences = (sentence for sentence in texts.sentences(text) if texts.size(sentence) >= _MIN_WORDS)
            return frozenset() if all(map(is_english, sentences)) else None
        among = checked_in(self._persona)
        found = [claims_of(sentence, names, among) for sentence in texts.sentences(text, self._languages)]
        known = [claims for claims in found if claims is not None]
        return frozenset().union(*known) if len(known) == len(found) else None

    def _uses(self, text: str, term: str) -> bool:
        return uses(text, normal_form(term), self._languages)

    def _bare(self, text: str) -> str:
        return texts.without(text, self._manner)


def brings_in(text: str, memory: str, answered: str, languages: Languages) -> bool:
    """Say whether a reply uses a memory: a word with meaning that the post it answers doesn't have."""
    return bool(shared(text, memory, languages) - content(answered, languages))


def _is_figures(text: str) -> bool:
    return sum(map(str.isdigit, text)) > sum(map(str.isalpha, text))


def _passages(text: str, length: int) -> frozenset[tuple[str, ...]]:
    """Return every run of so many words, and in scripts without spaces of two letters for each."""
    return texts.passages(text, length) | {(run,) for run in texts.runs(text, 2 * length)}


def _is_doubled(said: Sequence[str], length: int) -> bool:
    starts = range(len(said) - 2 * length + 1)
    return any(said[start : start + length] == said[start + length : start + 2 * length] for start in starts)
