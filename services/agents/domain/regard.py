"""What a character thinks of somebody, in words for a model."""

_STRONG, _VERY_STRONG = 0.3, 0.7
FAMILIAR, UNFAMILIAR = 0.6, 0.2


def regard(sentiment: float, familiarity: float, trust: float, note: str = "") -> str:
    """Return sentences on somebody; sentiment and trust are -1 to 1, familiarity is 0 to 1."""
    said = []
    if familiarity >= FAMILIAR:
        said.append("You know each other well.")
    elif familiarity <= UNFAMILIAR:
        said.append("You hardly know each other.")
    if words := _graded(sentiment, ("You are fond of them.", "You like them.", "You don't like them.")):
        said.append(words)
    if words := _graded(trust, ("You trust them fully.", "You trust them.", "You don't trust them.")):
        said.append(words)
    return " ".join((*said, note)).strip()


def stands_out(sentiment: float, familiarity: float, trust: float) -> bool:
    """Say whether there is more to tell of somebody than that they are hardly known."""
    return familiarity > UNFAMILIAR or max(abs(sentiment), abs(trust)) >= _STRONG


def _graded(value: float, words: tuple[str, str, str]) -> str:
    very, fairly, against = words
    if value >= _VERY_STRONG:
        return very
    if value >= _STRONG:
        return fairly
    return against if value <= -_STRONG else ""
