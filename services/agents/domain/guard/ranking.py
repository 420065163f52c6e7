"""Which of several good texts is best: on the subject, saying something, fluent, and unlike what was there before."""

from services.agents.domain import text as texts
from services.agents.domain.guard.amounts import numbers
from services.agents.domain.guard.model import Candidate, Context
from services.agents.domain.guard.voice import voice
from services.agents.domain.meaning import content, repeated, spoken_by
from services.agents.domain.persona import Persona

# Words that a small model fills its sentences with when it has nothing to say.
_BLAND_WORDS = """
very beautiful happy great nice good bad thing things people person lot time day life long always never really
something best better old new little big way place sure idea problem know think want need like feel make
"""
_BLAND = frozenset(_BLAND_WORDS.split())
_SHORT, _LONG = 4, 20
_LETTERS_PER_WORD = 6
"""With the blank behind it: a length in characters is so many words."""
_NEAR = 0.35
"""By which part of it a text may be longer or shorter than its character's usual one, and be as good."""

_IN_VOICE = 0.4
"""So like an example a text sounds like its character; what is more like it hasn't much of its own."""


class Ranker:
    """Scores the texts of one character in one context; what they are compared with is read once."""

    def __init__(self, persona: Persona, context: Context) -> None:
        examples = voice(persona)
        self._languages = spoken_by(persona)
        self._manner = texts.habits(examples)
        self._about = content(context.about, self._languages)
        self._memory = content(context.memory, self._languages)
        motifs = (*persona.style.key_terms, *persona.personality.interests)
        self._motifs = content(" ".join(motifs), self._languages) - self._about
        self._least, self._limit = float(_SHORT), float(_LONG)
        if usual := persona.style.typical_post_length:
            words = usual / _LETTERS_PER_WORD
            self._least, self._limit = min(_SHORT, words * (1 - _NEAR)), words * (1 + _NEAR)
        self._sentences = {self._sentence_count(example) for example in examples} or {2, 3}
        self._voice = [texts.trigrams(example) for example in examples]
        self._own = [texts.trigrams(post) for post in context.own_posts]
        self._numbers = numbers(" ".join((context.about, context.memory, *examples)))

    def score(self, candidate: Candidate) -> float:
        """Return how good a clean text is: higher is better, about -2 to 2."""
        text = texts.without(candidate.text, self._manner)
        said, meant = texts.words(text), content(text, self._languages)
        length, words = texts.size(candidate.text), max(1, len(said))
        score = 0.3 * (self._sentence_count(candidate.text) in self._sentences)
        score -= 0.05 * max(0, length - self._limit) + 0.1 * max(0, self._least - length)
        # A small model that has lost its thread says the same word again, or words that say nothing.
        score -= 0.4 * repeated(text, self._languages)
        score -= sum(word in _BLAND for word in said) / words
        score -= 0.5 * (not meant - self._about)
        score -= 0.5 * bool(numbers(text) - self._numbers)
        sounds = texts.trigrams(candidate.text)
        likeness = texts.nearest(sounds, self._voice)
        score += 0.8 * min(_IN_VOICE, likeness) - 2 * max(0, likeness - _IN_VOICE)
        score -= 0.8 * texts.nearest(sounds, self._own)
        score += 0.15 * min(2, len(meant & self._motifs))
        if self._about:
            score += 0.5 * bool(meant & self._about)
        if self._memory:
            score += 0.5 * min(1.0, len(meant & self._memory) / min(3, len(self._memory)))
        if candidate.mean_logprob is not None:
            # Below the one it rambles, above the other it recites: neither is better for being more so.
            score += 0.4 * max(-2.5, min(-0.6, candidate.mean_logprob))
        return score

    def _sentence_count(self, text: str) -> int:
        return len(texts.sentences(text, self._languages))
