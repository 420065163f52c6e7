"""The query language of recent search, turned into a condition on posts.

Words, "phrases", @name, #tag, $TAG, from:, to:, conversation_id:, lang:, is:reply, is:retweet, is:quote, has:links,
a - before any of them, OR, and parentheses. Side by side means and, which binds more tightly than OR.
"""

import re

from sandbox.x.posts import Condition
from sandbox.x.problems import Problem, invalid

_TOKEN = re.compile(r'(-?\(|\)|-?"[^"]*"|[^\s()]+)')
_MAX_GROUPS = 50
_USER_ID = "(SELECT id FROM users WHERE username = ? OR id = ?)"
_OPERATORS = {
    "from": f"p.author_id = {_USER_ID}",
    "to": f"p.reply_to_user IS {_USER_ID}",
    "conversation_id": "p.conversation_id = ?",
    "lang": "p.lang = ?",
}
_FLAGS = {
    "is:reply": "p.reply_to IS NOT NULL",
    "is:retweet": "p.reposted IS NOT NULL",
    "is:quote": "p.quoted IS NOT NULL",
    "has:links": "(p.text LIKE '%http://%' OR p.text LIKE '%https://%')",
}


def parse(query: str) -> Condition:
    """Return the condition that a query asks for; bad input is an invalid request that names `query`."""
    return _Parser(query).parse()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = [match[1] for match in _TOKEN.finditer(query)]
        self._values: list[object] = []

    def parse(self) -> Condition:
        if self._query.count("(") > _MAX_GROUPS:
            raise self._problem(f"has more than {_MAX_GROUPS} groups")
        sql = self._any()
        if self._tokens:
            raise self._problem("has a ) too many")
        return Condition(sql, tuple(self._values))

    def _any(self) -> str:
        terms = [self._every()]
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            terms.append(self._every())
        return f"({' OR '.join(terms)})"

    def _every(self) -> str:
        terms: list[str] = []
        while self._tokens and self._tokens[0] not in ("OR", ")"):
            terms.append(self._term(self._tokens.pop(0)))
        if not terms:
            raise self._problem("has no search term where one is expected")
        return f"({' AND '.join(terms)})"

    def _term(self, token: str) -> str:
        positive = token.removeprefix("-")
        if positive == "(":
            sql = self._any()
            if not self._tokens:
                raise self._problem("has a ( too many")
            self._tokens.pop(0)
        else:
            sql = self._match(positive)
        return f"NOT {sql}" if token != positive else sql

    def _match(self, token: str) -> str:
        name, colon, value = token.partition(":")
        if token in _FLAGS:
            return _FLAGS[token]
        if colon and name in _OPERATORS and value:
            template = _OPERATORS[name]
            number = int(value) if value.isascii() and value.isdigit() and len(value) < 19 else value
            self._values += [value.removeprefix("@"), number] if _USER_ID in template else [number]
            return template
        if colon and name.isidentifier() and not value.startswith("//"):
            raise self._problem(f"has the operator '{token}', which is not available")
        if token.startswith("@") and len(token) > 1:
            self._values.append(token[1:])
            return "p.id IN (SELECT post_id FROM mentions JOIN users ON user_id = users.id WHERE username = ?)"
        phrase = token.strip('"').strip()
        if not phrase:
            raise self._problem("has an empty search term")
        self._values.append(phrase)
        return "contains(p.text, ?)"

    def _problem(self, fault: str) -> Problem:
        return invalid("query", self._query, f"The `query` query parameter value [{self._query}] {fault}")
