"""Which pods were deleted lately, when, by whom and why: kept on the user's namespace, bounded in every way. Pure.

It is a note for people, and no state: what cannot be read is as if it were not there, and is written over.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from genet.pods.diagnosis.reasons import Param, Reason
from genet.pods.diagnosis.wording import Language, Text, worded

Code = Literal["cleanup_unprotected", "cleanup_expired", "cleanup_lingering", "by_person"]

KEPT: Final = timedelta(days=7)
MOST: Final = 200
MOST_BYTES: Final = 32 * 1024
"""Of the annotation: all annotations of an object together may have 256 KiB."""
_LONGEST_IMAGE: Final = 300

TEXTS: Final[Mapping[Code, Text]] = {
    "cleanup_unprotected": Text(
        en="The nightly clean-up deleted it: it had no protection. Protect a pod that shall outlive it.",
        zh="夜间清理已将其删除：它没有保护。需要保留过夜的 Pod 请设置保护。",
    ),
    "cleanup_expired": Text(
        en="The nightly clean-up deleted it: its protection ended[[ at {until:time}]]. Extend pods that you need.",
        zh="夜间清理已将其删除：它的保护已[[于 {until:time} ]]到期。仍需要的 Pod 请及时延长保护。",
    ),
    "cleanup_lingering": Text(
        en="The nightly clean-up ended it: it had been deleted before, with a very long time to end.",
        zh="夜间清理已结束它：它此前已被删除，但设定了过长的终止时间。",
    ),
    "by_person": Text(en="{by} deleted it.", zh="由 {by} 删除。"),
}


class Deletion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One, as it is written down."""

    pod: str
    uid: str
    image: str
    gpu_type: str | None = None
    gpu_count: int = 0
    created_at: datetime
    deleted_at: datetime
    code: Code
    by: str | None = None
    """userIdentifier of the person; None: the clean-up."""
    until: datetime | None = None
    """When its protection had ended."""


class Deleted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One, as it is shown. `by` is null where the nightly clean-up did it."""

    pod: str
    image: str
    gpu_type: str | None
    gpu_count: int
    created_at: datetime
    deleted_at: datetime
    by: str | None
    reason: Reason


class DeletedPods(msgspec.Struct, frozen=True):
    """Newest first."""

    deleted: tuple[Deleted, ...]


def read(text: str, now: datetime) -> list[Deletion]:
    """What is written there and not too old; oldest first."""
    try:
        found = msgspec.json.decode(text, type=list[Deletion])
    except msgspec.MsgspecError:
        return []
    return sorted((one for one in found if one.deleted_at > now - KEPT), key=lambda one: one.deleted_at)


def written(text: str, more: Sequence[Deletion], now: datetime) -> str:
    """The note with these added; a pod is noted once, and the oldest leave where there is no room."""
    known = read(text, now)
    seen = {one.uid for one in known}
    every = [*known, *(_cut(one) for one in more if one.uid not in seen)][-MOST:]
    while len(encoded := msgspec.json.encode(every)) > MOST_BYTES:
        del every[: max(1, len(every) // 10)]
    return encoded.decode()


def shown(deletion: Deletion, language: Language) -> Deleted:
    text = TEXTS[deletion.code]
    template = text.zh if language == "zh" else text.en
    until = deletion.until.isoformat().replace("+00:00", "Z") if deletion.until else None
    known: dict[str, Param] = {"by": deletion.by, "until": until}
    params = {name: known[name] for name in sorted(text.params)}
    return Deleted(
        pod=deletion.pod,
        image=deletion.image,
        gpu_type=deletion.gpu_type,
        gpu_count=deletion.gpu_count,
        created_at=deletion.created_at,
        deleted_at=deletion.deleted_at,
        by=deletion.by,
        reason=Reason(deletion.code, params, worded(template, params, language)),
    )


def _cut(deletion: Deletion) -> Deletion:
    return msgspec.structs.replace(deletion, image=deletion.image[:_LONGEST_IMAGE])
