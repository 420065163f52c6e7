"""A reasoning model's thoughts, where a server leaves them in the text: only what comes after them is the answer."""

import re

_NAME = r"(?:\w{1,20}:)?(?:think|thought|reason|reflect|analys)\w{0,20}"
_OPENS, _CLOSES = r"[<\[\u25c1][|\uff5c]?", r"[|\uff5c]?[>\]\u25b7]"
_OPENING = re.compile(rf"(?:{_OPENS}(?:begin_of_)?{_NAME}{_CLOSES}|<\|channel\|>(?!final))", re.IGNORECASE)
_CLOSING = re.compile(rf"{_OPENS}(?:/|end_of_){_NAME}{_CLOSES}|<\|channel\|>final\s?<\|message\|>", re.IGNORECASE)
_FRAME = re.compile(
    r"^(?:<answer>|<\|begin_of_solution\|>|<\|start\|>assistant)"
    r"|(?:</answer>|<\|end_of_solution\|>|<\|end\|>|<\|return\|>)$",
    re.IGNORECASE,
)
_LONGEST_MARK = 40


def without_thoughts(text: str) -> str:
    """Return what comes after the last thought; a text that only thinks is empty."""
    closings = list(_CLOSING.finditer(text))
    answer = text[closings[-1].end() :] if closings else text
    return "" if _OPENING.match(answer.lstrip()) else _FRAME.sub("", _FRAME.sub("", answer.strip()).strip())


class ThoughtCutter:
    """Holds a stream back while it thinks."""

    def __init__(self, *, is_open: bool) -> None:
        """Take whether the text begins within a thought, without a mark that says so."""
        self._is_open = is_open
        self._held = ""
        self._is_answer = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far is the answer."""
        if self._is_answer:
            return piece
        self._held += piece
        closings = list(_CLOSING.finditer(self._held))
        if closings:
            self._held = self._held[closings[-1].end() :]
            self._is_answer = True
        elif not self._is_open and not self._may_think():
            self._is_answer = True
        return self._release() if self._is_answer else ""

    def end(self) -> str:
        """Return what is left when the stream has ended."""
        return without_thoughts(self._release())

    def _may_think(self) -> bool:
        start = self._held.lstrip()
        is_open = not start or start[0] in "<[\u25c1"
        return is_open and (len(start) < _LONGEST_MARK or _OPENING.match(start) is not None)

    def _release(self) -> str:
        held, self._held = self._held, ""
        return held
