"""PromQL's text, read into the expressions of promql.py. What is not understood is a QueryError, never guessed at.

Precedence as in Prometheus, from the loosest: `or`, comparisons, `+ -`, `* /`. One side of a comparison or of
arithmetic is a number: joins of two vectors are not understood.
"""

import re
from typing import Final

from genet.simulation.promql import (
    ARITHMETIC,
    COMPARISONS,
    REDUCE,
    SCRAPE_SECONDS,
    Aggregate,
    Compare,
    Compute,
    Expression,
    Matcher,
    Or,
    OverTime,
    QueryError,
    Selector,
    Timestamp,
)

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_OVER_TIME: Final = {"rate": "rate", **{f"{name}_over_time": name for name in REDUCE}}
_MIRRORED: Final = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<duration>(?:\d+[smhdw])+)"""
    r"""|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<name>[a-zA-Z_][\w:]*)"""
    r"""|(?P<sign>=~|!~|!=|==|>=|<=|[-={}()\[\],:><+*/]))\s*"""
)
_ENDED: Final = ("end", "end of input")


def parse(query: str) -> Expression:
    parser = _Parser(query)
    expression = parser.alternatives()
    if parser.token != _ENDED:
        raise parser.unexpected()
    if isinstance(expression, float):
        raise QueryError("a number alone is not answered here")
    return expression


def parse_duration(text: str) -> float:
    """`1h30m` -> 5400 seconds."""
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise QueryError(f'cannot parse "{text}" to a valid duration')
    return float(sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(\w)", text)))


Operand = Expression | float


class _Parser:
    def __init__(self, query: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._next = position = 0
        while position < len(query):
            token = _TOKEN.match(query, position)
            if token is None:
                raise QueryError(f"parse error: unexpected character at {position}: {query[position:]!r}")
            self._tokens.append((str(token.lastgroup), token[str(token.lastgroup)]))
            position = token.end()

    @property
    def token(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else _ENDED

    def unexpected(self) -> QueryError:
        return QueryError(f"parse error: unexpected {self.token[1]!r}")

    def alternatives(self) -> Operand:
        left = self._comparison()
        while self._take("or"):
            left = Or(self._vector(left), self._vector(self._comparison()))
        return left

    def _comparison(self) -> Operand:
        left = self._sum()
        while (sign := self.token[1]) in COMPARISONS:
            self._next += 1
            right = self._sum()
            if isinstance(left, float):
                left = Compare(_MIRRORED.get(sign, sign), self._vector(right), left)
            else:
                left = Compare(sign, left, self._number(right))
        return left

    def _sum(self) -> Operand:
        left = self._product()
        while (sign := self.token[1]) in ("+", "-"):
            self._next += 1
            left = self._compute(sign, left, self._product())
        return left

    def _product(self) -> Operand:
        left = self._term()
        while (sign := self.token[1]) in ("*", "/"):
            self._next += 1
            left = self._compute(sign, left, self._term())
        return left

    def _compute(self, sign: str, left: Operand, right: Operand) -> Operand:
        if isinstance(left, float):
            return ARITHMETIC[sign](left, right) if isinstance(right, float) else Compute(sign, right, left, True)
        return Compute(sign, left, self._number(right))

    def _term(self) -> Operand:
        kind, text = self.token
        if kind == "number":
            return float(self._any("number"))
        if self._take("("):
            inner = self.alternatives()
            self._expect(")")
            return inner
        if text in REDUCE:
            return self._aggregate()
        if text in _OVER_TIME:
            return self._over_time()
        if text == "timestamp":
            self._next += 1
            return Timestamp(self._in_parentheses())
        return self._selector()

    def _aggregate(self) -> Aggregate:
        function = self._any("name")
        names, without = self._grouping()
        of = self._in_parentheses()
        if not (names or without):
            names, without = self._grouping()
        return Aggregate(function, of, names, without)

    def _grouping(self) -> tuple[frozenset[str], bool]:
        without = self._take("without")
        names: set[str] = set()
        if without or self._take("by"):
            self._expect("(")
            while not self._take(")"):
                names.add(self._any("name"))
                self._take(",")
        return frozenset(names), without

    def _over_time(self) -> OverTime:
        function = _OVER_TIME[self._any("name")]
        self._expect("(")
        of = self._vector(self._term())
        self._expect("[")
        seconds, step = parse_duration(self._any("duration")), float(SCRAPE_SECONDS)
        if self._take(":"):
            step = parse_duration(self._any("duration"))
        elif not isinstance(of, Selector):
            raise QueryError("parse error: ranges only allowed for vector selectors")
        self._expect("]")
        self._expect(")")
        return OverTime(function, of, seconds, step)

    def _selector(self) -> Selector:
        matchers: list[Matcher] = []
        if self.token[0] == "name":
            matchers.append(Matcher("__name__", "=", self._any("name")))
        if self._take("{"):
            while not self._take("}"):
                matchers.append(self._matcher())
                if not self._take(",") and self.token[1] != "}":
                    raise self.unexpected()
        if not matchers:
            raise self.unexpected()
        return Selector(tuple(matchers))

    def _matcher(self) -> Matcher:
        label, sign = self._any("name"), self._any("sign")
        if sign not in ("=", "!=", "=~", "!~"):
            raise QueryError(f"parse error: unexpected {sign!r} in label matching")
        return Matcher(label, sign, re.sub(r"\\(.)", r"\1", self._any("string")[1:-1]))

    def _in_parentheses(self) -> Expression:
        self._expect("(")
        inner = self._vector(self.alternatives())
        self._expect(")")
        return inner

    def _vector(self, operand: Operand) -> Expression:
        if isinstance(operand, float):
            raise QueryError("parse error: expected a vector, got a number")
        return operand

    def _number(self, operand: Operand) -> float:
        if not isinstance(operand, float):
            raise QueryError("joins of two vectors are not understood here")
        return operand

    def _take(self, text: str) -> bool:
        taken = self.token[1] == text and self.token[0] != "string"
        self._next += taken
        return taken

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise QueryError(f"parse error: unexpected {self.token[1]!r}, expected {text!r}")

    def _any(self, kind: str) -> str:
        if self.token[0] != kind:
            raise QueryError(f"parse error: unexpected {self.token[1]!r}, expected {kind}")
        self._next += 1
        return self._tokens[self._next - 1][1]
