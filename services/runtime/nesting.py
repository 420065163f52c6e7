"""How deep a JSON text goes, counted before it is read.

Reading one that goes too deep ends in a RecursionError, which can be caught; but what the garbage collector finishes at
that depth fails as well, and nobody hears of it.
"""

_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


def is_shallow(text: str, levels: int) -> bool:
    """Tell whether arrays and objects lie at most so many levels deep in each other."""
    if text.count("[") + text.count("{") <= levels:
        return True
    depth, is_quoted, is_escaped = 0, False, False
    for sign in text:
        if is_quoted:
            is_quoted = is_escaped or sign != '"'
            is_escaped = sign == "\\" and not is_escaped
        elif sign == '"':
            is_quoted = True
        elif sign in _OPENING:
            depth += 1
            if depth > levels:
                return False
        elif sign in _CLOSING:
            depth -= 1
    return True
