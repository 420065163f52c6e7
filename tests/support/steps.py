"""A matcher that counts: what a regular expression costs on a text, in steps and not in time.

It takes the parse of Python's own `re` and tries the alternatives in the order in which `re` does, so a pattern that
makes `re` go back and forth over a text makes it go back and forth, too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from re import _constants as ops  # type: ignore[attr-defined,unused-ignore]
from re import _parser  # type: ignore[attr-defined,unused-ignore]
from typing import Any

Next = Callable[[int], bool]

_CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}
_IS = {category: re.compile(pattern) for category, pattern in _CATEGORIES.items()}


def steps_of(pattern: re.Pattern[str], text: str) -> int:
    """Return how many steps it takes to find every match of a pattern in a text."""
    return _Matcher(pattern, text).search_all()


class _Matcher:
    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._parsed = list(_parser.parse(pattern.pattern, pattern.flags))
        self._text = text.casefold() if pattern.flags & re.IGNORECASE else text
        self._is_folded = bool(pattern.flags & re.IGNORECASE)
        self._groups: dict[int, tuple[int, int]] = {}
        self.steps = 0

    def search_all(self) -> int:
        at, ends = 0, [0]

        def done(end: int) -> bool:
            ends[0] = end
            return True

        while at <= len(self._text):
            at = max(at + 1, ends[0]) if self._sequence(self._parsed, 0, at, done) else at + 1
        return self.steps

    def _sequence(self, nodes: list[Any], index: int, at: int, then: Next) -> bool:
        if index == len(nodes):
            return then(at)
        return self._node(nodes[index], at, lambda end: self._sequence(nodes, index + 1, end, then))

    def _node(self, node: tuple[Any, Any], at: int, then: Next) -> bool:
        self.steps += 1
        kind, what = node
        if kind in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            return at < len(self._text) and self._is_one(node, self._text[at]) and then(at + 1)
        if kind is ops.BRANCH:
            return any(self._sequence(list(branch), 0, at, then) for branch in what[1])
        if kind is ops.SUBPATTERN:
            return self._group(what[0], list(what[3]), at, then)
        if kind in (ops.MAX_REPEAT, ops.POSSESSIVE_REPEAT):
            return self._repeat(what[0], what[1], list(what[2]), at, then)
        if kind in (ops.ASSERT, ops.ASSERT_NOT):
            return self._around(kind is ops.ASSERT, what[0], list(what[1]), at) and then(at)
        if kind is ops.GROUPREF:
            start, end = self._groups.get(what, (0, 0))
            self.steps += end - start
            return self._text.startswith(self._text[start:end], at) and then(at + end - start)
        if kind is ops.AT:
            return self._is_place(what, at) and then(at)
        raise NotImplementedError(kind)

    def _group(self, number: int | None, nodes: list[Any], at: int, then: Next) -> bool:
        def ended(end: int) -> bool:
            before = self._groups.get(number or 0)
            self._groups[number or 0] = (at, end)
            if then(end):
                return True
            if before is not None:
                self._groups[number or 0] = before
            return False

        return self._sequence(nodes, 0, at, ended)

    def _repeat(self, least: int, greatest: Any, nodes: list[Any], at: int, then: Next) -> bool:
        if len(nodes) == 1 and nodes[0][0] in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            end, limit = at, len(self._text) if greatest is ops.MAXREPEAT else min(len(self._text), at + greatest)
            while end < limit and self._is_one(nodes[0], self._text[end]):
                self.steps += 1
                end += 1
            return any(then(place) for place in range(end, at + least - 1, -1))

        def more(count: int, place: int) -> bool:
            def again(end: int) -> bool:
                return end > place and more(count + 1, end)

            may = greatest is ops.MAXREPEAT or count < greatest
            return (may and self._sequence(nodes, 0, place, again)) or (count >= least and then(place))

        return more(0, at)

    def _around(self, wanted: bool, direction: int, nodes: list[Any], at: int) -> bool:
        # Those that look back are of one sign in this house.
        start = at if direction > 0 else at - 1
        end = (lambda _: True) if direction > 0 else (lambda place: place == at)
        return (start >= 0 and self._sequence(nodes, 0, start, end)) == wanted

    def _is_place(self, what: Any, at: int) -> bool:
        if what in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
            return at == 0
        if what in (ops.AT_END, ops.AT_END_STRING):
            return at == len(self._text) or (at == len(self._text) - 1 and self._text[at] == "\n")
        sides = [0 <= place < len(self._text) and bool(re.match(r"\w", self._text[place])) for place in (at - 1, at)]
        return (sides[0] != sides[1]) == (what is ops.AT_BOUNDARY)

    def _is_one(self, node: tuple[Any, Any], sign: str) -> bool:
        kind, what = node
        if kind is ops.ANY:
            return sign != "\n"
        if kind is ops.NOT_LITERAL:
            return sign != self._sign(what)
        if kind is ops.LITERAL:
            return sign == self._sign(what)
        members = list(what)
        negated = members[0][0] is ops.NEGATE
        return any(self._has(member, sign) for member in members[negated:]) != negated

    def _has(self, member: tuple[Any, Any], sign: str) -> bool:
        kind, what = member
        if kind is ops.LITERAL:
            return sign == self._sign(what)
        if kind is ops.RANGE:
            cases = {sign, sign.upper(), sign.lower()} if self._is_folded else {sign}
            return any(len(case) == 1 and what[0] <= ord(case) <= what[1] for case in cases)
        return _IS[what].match(sign) is not None

    def _sign(self, number: int) -> str:
        return chr(number).casefold() if self._is_folded else chr(number)


def patterns_in(value: object, name: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns in a value of a module, by a name for each."""
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from patterns_in(item, f"{name}[{key}]")
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from patterns_in(item, f"{name}[{at}]")
