"""What goes wrong for the person at the keyboard.

ClientError
├── LoginNeeded      nothing here proves who somebody is any more
├── Unreachable      no answer, or none that can be used; trying again may help
└── OAuthRefused     the server said no, by a code of OAuth 2

No text here holds a code, a token or a verifier: these go to terminals, and terminals into tickets.
"""

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


def printable(text: str, longest: int = _LONGEST) -> str:
    """What a server says, safe for a terminal: escape sequences could rewrite what stands there."""
    shown = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return shown + ("…" if len(text) > longest else "")
