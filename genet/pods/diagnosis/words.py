"""What the scheduler's FailedScheduling text says, taken apart. Pure.

Versions of Kubernetes word it differently (`had taint {key: value}, that the pod didn't tolerate` became `had
untolerated taint {key: value}`), so what is not known stays whole, for people to read.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_HEAD: Final = re.compile(r"^\d+/(?P<nodes>\d+) nodes are available: ?(?P<rest>.*)$", re.DOTALL)
_TAIL: Final = re.compile(r"\.? (preemption|pod has waited|no new claims).*$", re.DOTALL)
_PART: Final = re.compile(r"(?:^|, )(\d+) (.*?)(?=, \d+ |$)", re.DOTALL)
_OWN: Final = (
    "insufficient ",
    "too many pods",
    "node affinity",
    "node selector",
    "were unschedulable",
    " taint",
    "were not ready",
    "were unready",
)
"""What Genet counts itself."""
_CODES: Final = (
    ("volume node affinity", "volume_elsewhere"),
    ("available persistent volumes to bind", "volume_elsewhere"),
    ("no available volume zone", "volume_elsewhere"),
    ("max volume count", "too_many_volumes"),
    ("topology spread", "topology_spread"),
    ("free ports", "host_port_taken"),
    ("pod affinity", "pod_affinity"),
    ("pod anti-affinity", "pod_affinity"),
    ("existing pods anti-affinity", "pod_affinity"),
)
_CLAIMS: Final = ("persistentvolumeclaim", "resourceclaim", "cannot allocate all claims", "waiting for resource driver")


@dataclass(frozen=True)
class Words:
    """How many nodes each reason was given for."""

    nodes: int = 0
    short: dict[str, int] = field(default_factory=dict)
    """By resource."""
    known: dict[str, int] = field(default_factory=dict)
    """By code: what only the scheduler can know."""
    about_claims: bool = False
    unknown: tuple[str, ...] = ()


def words(message: str) -> Words:
    match = _HEAD.match(" ".join(message.split()))
    if match is None:
        return Words(unknown=(message,) if message else ())
    short: dict[str, int] = {}
    known: dict[str, int] = {}
    unknown: list[str] = []
    about_claims = False
    for count, text in _PART.findall(_TAIL.sub("", match["rest"]).rstrip(".")):
        low, number = text.lower(), _bounded(count)
        code = next((code for part, code in _CODES if part in low and "node affinity/selector" not in low), None)
        if low.startswith("insufficient "):
            short[text.split(" ", 1)[1]] = number
        elif code is not None:
            known[code] = max(known.get(code, 0), number)
        elif any(part in low for part in _CLAIMS):
            about_claims = True
        elif not any(part in low for part in _OWN):
            unknown.append(f"{count} {text}")
    return Words(_bounded(match["nodes"]), short, known, about_claims, tuple(unknown))


def _bounded(digits: str) -> int:
    return int(digits[:9])
