"""Settings that are set and that nobody reads: most often misspelt, and then the default holds without a word."""

import difflib
from collections.abc import Collection, Iterable

_ALIKE = 0.8


def unknown_settings(names: Iterable[str], prefix: str, known: Collection[str]) -> list[str]:
    """Return a sentence for each variable with the prefix that isn't known, with the name that may be meant.

    Both are in capitals; variables are known in any mixture of cases. Values are never told: they may be secrets.
    """
    sentences = []
    for name in sorted(names):
        if not name.upper().startswith(prefix) or name.upper() in known:
            continue
        alike = difflib.get_close_matches(name.upper(), sorted(known), 1, _ALIKE)
        sentences.append(f"{name} is no setting" + (f": did you mean {alike[0]}?" if alike else ""))
    return sentences
