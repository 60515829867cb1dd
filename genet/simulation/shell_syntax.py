"""The syntax of the small shell: text to a tree. Pure.

Words keep their quotes until they are run, since quotes decide what is expanded, and what is a keyword.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Final


class ScriptError(Exception):
    """The script cannot be read, or asks for more than this shell knows."""


Steps = tuple[tuple["Command", str], ...]
"""Commands, each with what stands behind it and decides about the next: `;`, `&`, `&&` or `||`."""


@dataclass(frozen=True, slots=True)
class Simple:
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class If:
    condition: Steps
    body: Steps
    otherwise: Steps


@dataclass(frozen=True, slots=True)
class While:
    condition: Steps
    body: Steps


Command = Simple | If | While

_TOKEN: Final = re.compile(
    r"""(?:[ \t]|\\\n|\#[^\n]*)+|(?P<token>&&|\|\||[;&\n]|[12]?>(?:&[12]|/dev/null)|<[^\s;&|<>()'"\\]+"""
    r"""|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>()'"\\])+)""",
    re.DOTALL,
)
_SIGNS: Final = frozenset({"&&", "||", "&", ";", "\n"})
_ENDS: Final = frozenset({"then", "else", "fi", "do", "done"})


def parse(text: str) -> Steps:
    tokens: deque[str] = deque()
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ScriptError(text[position:])
        position = token.end()
        if token["token"]:
            tokens.append(token["token"])
    steps = _steps(tokens)
    if tokens:
        raise ScriptError(f"{tokens[0]!r} unexpected")
    return steps


def _steps(tokens: deque[str]) -> Steps:
    steps: list[tuple[Command, str]] = []
    while tokens and tokens[0] not in _ENDS:
        if tokens[0] in (";", "\n"):
            tokens.popleft()
            continue
        command = _command(tokens)
        steps.append((command, tokens.popleft() if tokens and tokens[0] in _SIGNS else ";"))
    return tuple(steps)


def _command(tokens: deque[str]) -> Command:
    word = tokens[0]
    if word in _SIGNS:
        raise ScriptError(f"{word!r} unexpected")
    if word == "if":
        tokens.popleft()
        condition, body = _steps(tokens), _steps_behind("then", tokens)
        otherwise = _steps_behind("else", tokens) if tokens and tokens[0] == "else" else ()
        _expect("fi", tokens)
        return If(condition, body, otherwise)
    if word == "while":
        tokens.popleft()
        loop = While(_steps(tokens), _steps_behind("do", tokens))
        _expect("done", tokens)
        return loop
    words: list[str] = []
    while tokens and tokens[0] not in _SIGNS:
        words.append(tokens.popleft())
    return Simple(tuple(words))


def _steps_behind(word: str, tokens: deque[str]) -> Steps:
    _expect(word, tokens)
    return _steps(tokens)


def _expect(word: str, tokens: deque[str]) -> None:
    found = tokens.popleft() if tokens else "end of script"
    if found != word:
        raise ScriptError(f"{found!r} unexpected, expected {word!r}")
