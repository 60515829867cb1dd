"""The syntax of the small shell: text to a tree. Pure.

Quotes decide what is expanded, so a word keeps its pieces until it is run.
"""

import re
from dataclasses import dataclass
from typing import Final


class ScriptError(Exception):
    """The script cannot be read."""


@dataclass(frozen=True, slots=True)
class Word:
    """Pieces of text, each with whether `$` means something in it."""

    pieces: tuple[tuple[str, bool], ...]
    quoted: bool


@dataclass(frozen=True, slots=True)
class Simple:
    words: tuple[Word, ...]
    redirects: tuple[tuple[str, Word], ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Commands, each with what stands behind it and decides about the next: `;`, `&`, `&&` or `||`."""

    steps: tuple[tuple["Node", str], ...]


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their bodies; `else` is a branch whose condition is empty, hence true."""

    branches: tuple[tuple[Steps, Steps], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    condition: Steps
    body: Steps
    until: bool


@dataclass(frozen=True, slots=True)
class For:
    name: str
    words: tuple[Word, ...]
    body: Steps


Node = Simple | Steps | If | Loop | For


def parse(text: str) -> Steps:
    parser = _Parser(_tokens(text))
    steps = parser.steps()
    parser.end()
    return steps


_TOKEN: Final = re.compile(
    r"""(?P<space>(?:[ \t]|\\\n|\#[^\n]*)+)|(?P<sign>&&|\|\||[12]?>>?(?=&?)|[;&|\n<()])"""
    r"""|(?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>()'"\\])+|&[12])""",
    re.DOTALL,
)
_PIECE: Final = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_ENDS: Final = frozenset({"then", "elif", "else", "fi", "do", "done", "}"})


def _tokens(text: str) -> list[str | Word]:
    tokens: list[str | Word] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ScriptError(text[position:])
        position = token.end()
        if token["sign"]:
            tokens.append(";" if token["sign"] == "\n" else token["sign"])
            if ">" in token["sign"] and (copy := re.compile("&[12]").match(text, position)):
                tokens.append(Word(((copy[0], False),), quoted=True))
                position = copy.end()
        elif token["word"]:
            tokens.append(_word(token["word"]))
    return tokens


def _word(text: str) -> Word:
    pieces = []
    for single, double, escaped, plain in _PIECE.findall(text):
        if double or plain:
            pieces.append((re.sub(r"\\([\\\"$`])", r"\1", double) if double else plain, True))
        else:
            pieces.append((single or escaped, False))
    return Word(tuple(pieces), quoted=bool(re.search(r"['\"\\]", text)))


class _Parser:
    def __init__(self, tokens: list[str | Word]) -> None:
        self._tokens = tokens
        self._next = 0

    def steps(self) -> Steps:
        steps: list[tuple[Node, str]] = []
        while True:
            while self._sign(";"):
                pass
            if self._peek() in (None, *_ENDS):
                return Steps(tuple(steps))
            command = self._command()
            sign = next((sign for sign in ("&&", "||", "&", ";") if self._sign(sign)), "")
            steps.append((command, sign or ";"))
            if not sign:
                return Steps(tuple(steps))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise ScriptError(f"{self._peek()!r} unexpected")

    def _command(self) -> Node:
        match self._peek():
            case "if":
                return self._if()
            case "while" | "until" as word:
                self._next += 1
                return Loop(self.steps(), self._body(), until=word == "until")
            case "for":
                self._next += 1
                name = self._peek() or ""
                self._next += 1
                self._keyword("in")
                words = []
                while isinstance(self._token(), Word):
                    words.append(self._take())
                self._sign(";")
                return For(name, tuple(words), self._body())
            case "{":
                self._next += 1
                steps = self.steps()
                self._keyword("}")
                return steps
            case _:
                return self._simple()

    def _if(self) -> If:
        branches = []
        while self._peek() in ("if", "elif"):
            self._next += 1
            condition = self.steps()
            self._keyword("then")
            branches.append((condition, self.steps()))
        if self._peek() == "else":
            self._next += 1
            branches.append((Steps(()), self.steps()))
        self._keyword("fi")
        return If(tuple(branches))

    def _body(self) -> Steps:
        self._keyword("do")
        body = self.steps()
        self._keyword("done")
        return body

    def _simple(self) -> Simple:
        words: list[Word] = []
        redirects: list[tuple[str, Word]] = []
        while True:
            token = self._token()
            if isinstance(token, Word):
                words.append(self._take())
            elif token and ">" in token:
                self._next += 1
                redirects.append((token, self._take()))
            elif words:
                return Simple(tuple(words), tuple(redirects))
            else:
                raise ScriptError(f"{token!r} unexpected")

    def _token(self) -> str | Word | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _peek(self) -> str | None:
        """The next token's text; a quoted word is never a keyword."""
        token = self._token()
        if isinstance(token, Word):
            return "a word" if token.quoted else "".join(text for text, _ in token.pieces)
        return token

    def _take(self) -> Word:
        token = self._token()
        if not isinstance(token, Word):
            raise ScriptError(f"{token!r} unexpected")
        self._next += 1
        return token

    def _sign(self, sign: str) -> bool:
        taken = self._token() == sign
        self._next += taken
        return taken

    def _keyword(self, word: str) -> None:
        if self._peek() != word:
            raise ScriptError(f"{self._peek()!r} unexpected, expected {word!r}")
        self._next += 1
