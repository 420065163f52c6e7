"""What days and months are called: names that nobody bears alone."""

import functools

from services.agents.domain.lexicon.currencies import locales
from services.runtime.text.normal import skeleton


def is_of_calendar(word: str) -> bool:
    """Say whether a word is the name of a day of the week or of a month in some language."""
    return skeleton(word) in _names()


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(
        skeleton(name)
        for locale in locales()
        for forms in (*locale.days.values(), *locale.months.values())
        for name in forms["wide"].values()
    )
