"""What languages know: their words, and how they write numbers and money. Read once, when it is first asked for."""

from services.agents.domain.lexicon.cldr import english_name
from services.agents.domain.lexicon.currencies import (
    abbreviations,
    is_currency,
    is_of_calendar,
    is_percent,
    is_unspaced_currency,
)
from services.agents.domain.lexicon.numerals import Numeral, composed, leading_numeral, numeral
from services.agents.domain.lexicon.vocabulary import is_common, is_compound, is_everyday, is_small, languages_of

__all__ = [
    "Numeral",
    "abbreviations",
    "composed",
    "english_name",
    "is_common",
    "is_compound",
    "is_currency",
    "is_everyday",
    "is_of_calendar",
    "is_percent",
    "is_small",
    "is_unspaced_currency",
    "languages_of",
    "leading_numeral",
    "numeral",
]
