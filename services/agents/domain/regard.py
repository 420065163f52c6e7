"""What a character thinks of somebody, in words for a model."""

_STRONG, _FAMILIAR, _UNFAMILIAR = 0.3, 0.6, 0.2


def regard(sentiment: float, familiarity: float, trust: float, note: str = "") -> str:
    """Return sentences on somebody; sentiment and trust are -1 to 1, familiarity is 0 to 1."""
    said = []
    if familiarity >= _FAMILIAR:
        said.append("You know each other well.")
    elif familiarity <= _UNFAMILIAR:
        said.append("You hardly know each other.")
    if abs(sentiment) >= _STRONG:
        said.append("You like them." if sentiment > 0 else "You don't like them.")
    if abs(trust) >= _STRONG:
        said.append("You trust them." if trust > 0 else "You don't trust them.")
    return " ".join((*said, note)).strip()
