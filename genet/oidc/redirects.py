r"""Where an answer may be sent: compared as text, character by character. Pure.

Nothing is parsed, decoded or normalised on the way to a yes: whatever a browser makes of `..;`, `%2f`, `\`, an `@` or
an upper-case letter, what is not registered letter by letter is not registered. The one exception is the port of a
program that listens on the person's own machine, which it cannot choose beforehand (RFC 8252 section 7.3).
"""

import re
from typing import Final

_LOOPBACK = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>(?:[/?].*)?)",
    re.DOTALL,
)
"""Only `http`: who has a certificate has a fixed place as well."""
_LAST_PORT = 65535
LONGEST: Final = 1024

_HTTPS = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?(?:[/?].*)?", re.DOTALL)
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]!$&'()*+,;=%-]*")


def matches(registered: str, asked: str) -> bool:
    """Whether an answer for `registered` may go to `asked`."""
    if fault(asked) is not None:
        return False
    if asked == registered:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked)
    if ours is None or theirs is None:
        return False
    return (ours["host"], ours["rest"]) == (theirs["host"], theirs["rest"])


def fault(uri: str) -> str | None:
    """Why nothing is ever sent there, whoever has registered it; None: it may be."""
    if len(uri) > LONGEST:
        return f"longer than {LONGEST} characters"
    if not _CHARACTERS.fullmatch(uri):
        # also the fragment, userinfo and the backslash, which browsers read as a slash
        return "expected a URI without fragment, user, backslash, and anything that has to be escaped"
    near, far = _LOOPBACK.fullmatch(uri), _HTTPS.fullmatch(uri)
    if near is None and far is None:
        return "expected https://, or http:// with localhost, 127.0.0.1 or [::1], the name in lower case"
    if near is not None and near["port"] is not None and int(near["port"]) > _LAST_PORT:
        return "there is no such port"
    path = uri.partition("://")[2].partition("?")[0].partition("/")[2]
    return _path_fault(path)


def _path_fault(path: str) -> str | None:
    lowered = path.lower()
    if "%2f" in lowered or "%5c" in lowered or "%2e" in lowered or "%25" in lowered or "%00" in lowered:
        return "a path must not hold escaped slashes, dots, percent signs or NULs"
    if any(segment.partition(";")[0] in {".", ".."} for segment in path.split("/")):
        return "a path must not hold the segments . and .."
    return None
