"""What went wrong, by what nerdctl said before it gave up. Pure.

Its words and containerd's are no interface: what is not known is shown as it is, and only what is known gets a sentence
of its own. The last line that is fatal counts first, since a warning may speak of something that did not matter.
"""

import re
from typing import Final

_FATAL: Final = re.compile(r"level=fatal\b.*|FATA\[.*", re.IGNORECASE)
KNOWN: Final = (
    ("space", re.compile(r"no space left on device|disk quota exceeded")),
    ("gone", re.compile(r"no such container")),
    (
        "baseless",
        re.compile(r"lacks image|content digest \S+ not found|content digest .*not found|image \S+: not found"),
    ),
    ("layers", re.compile(r"max depth exceeded|mount options is too long|too many layers")),
    ("socket", re.compile(r"cannot access containerd socket|containerd\.sock|containerd is running")),
    ("plain", re.compile(r"server gave http response to https client|x509|certificate|tls: ")),
    ("busy", re.compile(r"429 too many requests|toomanyrequests")),
    ("denied", re.compile(r"unauthori[sz]ed|\bdenied\b|\b40[13]\b|forbidden|insufficient_scope|authorization failed")),
    (
        "unreachable",
        re.compile(r"no such host|connection refused|i/o timeout|deadline exceeded|network is unreachable"),
    ),
    ("unreachable", re.compile(r"\beof\b|connection reset|no route to host|\b50[0234] ")),
)
_IN_PUSH_ALONE: Final = frozenset({"denied", "unreachable", "plain", "busy"})


def trouble(said: str, *, is_push: bool) -> str:
    """A code of `genet.images.wording`; `failed` for what is not known."""
    fatal = _FATAL.findall(said)
    for text in (fatal[-1] if fatal else "", said):
        for code, words in KNOWN:
            if words.search(text.lower()) and (is_push or code not in _IN_PUSH_ALONE):
                return code
    return "failed"
