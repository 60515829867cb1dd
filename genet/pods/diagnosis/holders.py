"""Who holds the devices that are short, when the first of them gives some back, and how many others wait. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from genet.lifecycle import write_time
from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.reasons import Finding, finding

_SHOWN: Final = 5


def of(evidence: Evidence, resource: str, nodes: Collection[str], label: str | None) -> Iterator[Finding]:
    """On these nodes, who holds most first; nothing where nobody is known to hold any."""
    held = [holder for holder in evidence.holders if holder.resource == resource and holder.node in nodes]
    if not held:
        return
    sums: Counter[str] = Counter()
    for holder in held:
        sums[holder.user] += holder.count
    most = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    ending = [(holder.ends_at, holder) for holder in held if holder.ends_at is not None]
    ends_at, first = min(ending, key=lambda item: (item[0], item[1].node, item[1].pod), default=(None, None))
    yield finding(
        "gpus_held",
        resource=resource,
        label=label,
        held=sum(sums.values()),
        holders=[f"{user} ({count})" for user, count in most[:_SHOWN]],
        others=max(0, len(most) - _SHOWN),
        firstPod=first.pod if first else None,
        firstUser=first.user if first else None,
        firstNode=first.node if first else None,
        firstCount=first.count if first else None,
        endsAt=write_time(ends_at) if ends_at else None,
    )


def others(evidence: Evidence, resource: str, label: str | None) -> Iterator[Finding]:
    """Numbers only: who they are is of no help. Those made in the same second wait no longer than this one."""
    waiting = [other for other in evidence.waiting if other.resource == resource]
    if not waiting:
        return
    made = evidence.pod.metadata.creation_timestamp
    earlier = [other for other in waiting if made is not None and other.since is not None and other.since < made]
    yield finding(
        "others_wait",
        resource=resource,
        label=label,
        pods=len(waiting),
        asked=sum(other.count for other in waiting),
        earlier=len(earlier) if made is not None else None,
    )
