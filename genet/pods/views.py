"""Pods as people see them, made once for each state of a pod: pages ask every two seconds, and little has changed.

What the view of a pod that runs says of the time is one moment, when the clean-up will take it, and that is right until
it has come. So a view is good for the very object it was made of, for the same circumstances, and from when it was made
until then. Of other pods the message may count seconds, and their views are made anew.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from genet.kube import objects
from genet.pods.diagnosis.wording import Language
from genet.pods.model import Pod
from genet.pods.view import view
from genet.settings import Settings

_MOST: Final = 20_000
"""Then all are forgotten: pods that are gone are not told of here."""


class _Kept(NamedTuple):
    pod: objects.Pod
    is_exempt: bool
    made_at: datetime
    seen: Pod


class Views:
    def __init__(self, settings: Settings, is_device: Callable[[str], bool], *, most: int = _MOST) -> None:
        self._settings = settings
        self._is_device = is_device
        self._most = most
        self._kept: dict[tuple[str, str, str, Language], _Kept] = {}

    def view(self, pod: objects.Pod, user: str, now: datetime, language: Language, *, is_exempt: bool) -> Pod:
        """As `genet.pods.view.view`."""
        key = (pod.metadata.namespace, pod.metadata.name, user, language)
        kept = self._kept.get(key)
        if kept is not None and kept.pod is pod and kept.is_exempt == is_exempt and _is_true_at(kept, now):
            return kept.seen
        seen = view(
            pod,
            self._settings,
            user=user,
            is_device=self._is_device,
            now=now,
            is_exempt=is_exempt,
            language=language,
        )
        if seen.message is None and pod.metadata.creation_timestamp is not None:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = _Kept(pod, is_exempt, now, seen)
        return seen


def _is_true_at(kept: _Kept, now: datetime) -> bool:
    return kept.made_at <= now and (kept.seen.deletes_at is None or now <= kept.seen.deletes_at)
