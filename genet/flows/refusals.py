"""What a quota refused a controller, from the events of the controller. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from genet.kube.objects import Event
from genet.pods.diagnosis.evidence import Refusal

_PART: Final = re.compile(r"(requested|used|limited): (\S+?)(?:, (?=used|limited)|$)")
_AMOUNT: Final = re.compile(r"([^=,]+)=([^=,]+)")


def refusals(controller: str, events: Sequence[Event]) -> tuple[Refusal, ...]:
    """One for each resource that is short."""
    found: dict[str, Refusal] = {}
    for event in events:
        if event.reason != "FailedCreate" or "exceeded quota:" not in event.message:
            continue
        parts = {word: dict(_AMOUNT.findall(amounts)) for word, amounts in _PART.findall(event.message)}
        for name, asked in parts.get("requested", {}).items():
            used, limit = (parts.get(word, {}).get(name, "?") for word in ("used", "limited"))
            found[name] = Refusal(controller, name.removeprefix("requests."), used, asked, limit)
    return tuple(found.values())
