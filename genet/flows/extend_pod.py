"""Change how long a pod is protected from the nightly clean-up. The rule is pure; the write is one compare-and-set."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from genet import lifecycle
from genet.errors import Conflict, FieldError, Invalid, NotFound
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod
from genet.kube.state import compare_and_set
from genet.pods.model import ExtendRequest
from genet.settings import Lifecycle


def new_end(request: ExtendRequest, current: datetime | None, now: datetime, settings: Lifecycle) -> datetime | None:
    """The protection's new end, in UTC; None clears it.

    `hours` counts from now, in whole seconds, and never shortens; `until` sets exactly. Nothing is clamped.

    Raises:
        Invalid: both or neither, the past, or beyond now + maxProtectHours.
    """
    if (request.hours is msgspec.UNSET) == (request.until is msgspec.UNSET):
        raise _invalid("hours", "give either hours or until")
    if request.until is None:
        return None
    latest = now + timedelta(hours=settings.max_protect_hours)
    if isinstance(request.until, datetime):
        if request.until.tzinfo is None:
            raise _invalid("until", "expected a time with its offset, such as 2026-01-31T18:00:00Z")
        if not now < request.until <= latest:
            raise _invalid("until", f"expected a time after now and at most {settings.max_protect_hours:g} hours away")
        return request.until
    if not isinstance(request.hours, float) or not 0 < request.hours <= settings.max_protect_hours:
        raise _invalid("hours", f"expected more than 0 and at most {settings.max_protect_hours:g}")
    end = (now + timedelta(hours=request.hours)).replace(microsecond=0)
    return max(end, current) if current is not None else end


class ExtendPod:
    """Call it with a pod and a request to get the pod as it is then."""

    def __init__(
        self,
        kube: KubeClient,
        settings: Lifecycle,
        *,
        pods: Cache[Pod],
        is_restarting: Callable[[str, str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        """`is_restarting` says whether the pod of that namespace and name is to come back."""
        self._kube = kube
        self._settings = settings
        self._pods = pods
        self._is_restarting = is_restarting
        self._clock = clock

    async def __call__(self, pod: Pod, request: ExtendRequest) -> Pod:
        """Raises Invalid, Conflict while the pod ends, or NotFound if it is gone."""
        # to the microsecond: the latest time there is, reckoned by a client just now, is not too far away
        now = self._clock()
        new_end(request, None, now, self._settings)  # what cannot be asked is said, however the pod is

        async def mark(current: Pod | None) -> dict[str, Any] | None:
            if current is None:
                return None
            meta = current.metadata
            if meta.deletion_timestamp is not None:
                # also while it is restarted: what comes back is what the pod was before its end began
                raise Conflict("the pod is ending; if it is being restarted, try again in a moment")
            protection = lifecycle.protection(meta.annotations, meta.creation_timestamp or now, self._settings)
            end = new_end(request, protection.until, now, self._settings)
            return {"metadata": {"annotations": lifecycle.marks(end, now)}}

        # compare-and-set: of two who extend at once, the one who asks for less must not shorten what the other got
        extended = await compare_and_set(self._kube, PODS, pod.metadata.name, pod.metadata.namespace, mark)
        if extended is None and self._is_restarting(pod.metadata.namespace, pod.metadata.name):
            raise Conflict("the pod is being restarted; try again in a moment")
        if extended is None:
            raise NotFound("no such pod")
        self._pods.merge(extended)
        return extended


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("the protection cannot be changed like that", errors=[FieldError(field, message)])
