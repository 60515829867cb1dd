"""What people are told of scopes."""

from collections.abc import Sequence
from typing import Final

from genet.oidc.messages import OFFLINE_ACCESS

_LEARNED: Final = {"profile": "your user name", "email": "your mail address", "groups": "your groups"}


def learned(scope: Sequence[str]) -> str:
    """What a client gets to know, as part of a sentence."""
    parts = ["who you are here", *(text for name, text in _LEARNED.items() if name in scope)]
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{text}; and it can ask again later, until you end it" if OFFLINE_ACCESS in scope else text
