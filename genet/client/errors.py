"""What goes wrong for the person at the keyboard.

ClientError
├── LoginNeeded      nothing here proves who somebody is any more
├── Unreachable      no answer, or none that can be used; trying again may help
├── OAuthRefused     the server said no, by a code of OAuth 2
└── Refused          the server said no, by a problem of its API

No text here holds a code, a token or a verifier: these go to terminals, and terminals into tickets.
"""

from collections.abc import Iterable

_LONGEST = 300
LONGEST_ADDRESS = 2000


class ClientError(Exception):
    """Says what went wrong and, where there is something to do, what."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)


class LoginNeeded(ClientError):
    """Nobody is logged in here, or the server has ended it."""


class Unreachable(ClientError):
    """The server did not answer, or not in a way that can be used."""


class OAuthRefused(ClientError):
    """An error answer of RFC 6749.

    Args:
        code: such as `invalid_grant`.
        description: the server's words.
    """

    def __init__(self, code: str, description: str = "") -> None:
        self.code = code
        words = f": {printable(description)}" if description else ""
        super().__init__(f"the server refused ({printable(code)}){words}")


class Refused(ClientError):
    """An answer of the API that is a problem (`application/problem+json`).

    Args:
        status: of the answer.
        code: such as `quota_exceeded`.
        detail: the server's words.
        fields: what is wrong with which field of the request.
    """

    def __init__(self, status: int, code: str, detail: str, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.status = status
        self.code = code
        self.fields = tuple((printable(field), printable(message)) for field, message in fields)
        lines = "\n".join(f"  {field}: {message}" if field else f"  {message}" for field, message in self.fields)
        super().__init__(printable(detail, LONGEST_ADDRESS), hint=lines)


def printable(text: str, longest: int = _LONGEST) -> str:
    """What a server says, safe for a terminal: escape sequences could rewrite what stands there."""
    shown = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return shown + ("…" if len(text) > longest else "")
