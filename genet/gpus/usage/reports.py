"""Who used how many GPUs for how long, read back from Prometheus: Genet has no database.

Range queries, `K` being a label (here `holder_user`) and `1800s` the step:

    sum(count_over_time(genet_gpus[1800s]))
    sum by (K) (sum_over_time(genet_gpu_devices[1800s]))
    sum by (K) (sum_over_time(genet_gpu_utilization_sum[1800s]))
    sum by (K) (sum_over_time(genet_gpu_utilization_count[1800s]))

and where Genet itself was not scraped, what DCGM's exporters say of the pods of their cards:

    count(DCGM_FI_DEV_FB_USED)
    count by (K) (count by (K,exported_namespace,exported_pod,UUID,GPU_I_ID) (DCGM_FI_DEV_FB_USED{exported_pod!=""}))
    sum by (K) (max by (K,UUID) (DCGM_FI_DEV_GPU_UTIL{exported_pod!=""} <= 100))
    count by (K) (max by (K,UUID) (DCGM_FI_DEV_GPU_UTIL{exported_pod!=""} <= 100))

or, where their labels are honoured, the same by `namespace` and `pod` of
`{exported_pod="",pod!="",pod!~".*dcgm-exporter.*"}`: where they are not, `pod` is the exporter. For types `K` is the
card's model and the slice's profile.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from genet import accelerators, naming
from genet.errors import FieldError, Invalid, Unavailable
from genet.gpus.overview import SourceState, Wire
from genet.gpus.usage import gauges
from genet.gpus.usage.accounting import (
    Account,
    ByKey,
    Span,
    Totals,
    Windows,
    by_key,
    exporters_account,
    own_account,
    totals,
    windows,
)
from genet.gpus.usage.holders import AskLedger, Holder, IdlePod, Ledger, Model
from genet.gpus.usage.recent import Recent
from genet.prometheus import Prometheus

By = Literal["user", "type", "namespace"]
USUAL: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=92)
WITHIN_SECONDS: Final = 10.0
"""How long somebody waits for the hours; without them the rest is answered."""

_KEPT_SECONDS: Final = 60.0
_MOST_ANSWERS: Final = 50
_CANNOT: Final = "the time cannot be accounted"
_OFF: Final = SourceState(state="off", message=None, checked_at=None)
_OWN_LABELS: Final[Mapping[By, str]] = {"user": gauges.USER, "type": gauges.TYPE, "namespace": gauges.NAMESPACE}


class UsageRow(Wire):
    key: str
    """userIdentifier, type or namespace; empty: the user of namespaces that are no user's."""
    gpu_hours: float
    """Of the times that are not in `gaps`."""
    gpus_now: int
    mean_utilization: float | None
    """Percent, of the devices that were measured."""


class IdleHolder(Wire):
    pod: str
    namespace: str
    user: str | None
    devices: int
    idle_since: datetime
    """Since when all of them have done nothing."""


class Gap(Wire):
    from_: datetime = msgspec.field(name="from")
    to: datetime


class UsageSources(Wire):
    prometheus: SourceState


class Usage(Wire):
    from_: datetime = msgspec.field(name="from")
    to: datetime
    rows: tuple[UsageRow, ...]
    idle: tuple[IdleHolder, ...]
    gaps: tuple[Gap, ...]
    """Times of which nobody knows who held what."""
    sources: UsageSources


class Question(NamedTuple):
    start: datetime
    end: datetime
    by: By


def question(start: datetime | None, end: datetime | None, by: By, now: datetime) -> Question:
    """What is meant where something is not said: the last seven days, to the minute, so that many ask the same.

    Raises:
        Invalid: naming the bound that cannot be.
    """
    errors = [
        FieldError(name, "needs a time zone, such as Z")
        for name, moment in (("from", start), ("to", end))
        if moment is not None and moment.tzinfo is None
    ]
    errors += [
        FieldError(name, "is no time of this world")  # and what is reckoned from it would be none of the calendar
        for name, moment in (("from", start), ("to", end))
        if moment is not None and moment.year in (MINYEAR, MAXYEAR)
    ]
    if errors:
        raise Invalid(_CANNOT, errors=errors)
    until = _second(end) if end else now.replace(second=0, microsecond=0)
    since = _second(start) if start else until - USUAL
    if since >= until:
        errors.append(FieldError("from", "must be before `to`"))
    elif until - since > LONGEST:
        errors.append(FieldError("from", f"at most {LONGEST.days} days before `to`"))
    if until > now:
        errors.append(FieldError("to", "must not be in the future"))
    if errors:
        raise Invalid(_CANNOT, errors=errors)
    return Question(since, until, by)


class UsageReports:
    """The reports of one replica."""

    def __init__(
        self,
        ledger: AskLedger,
        prometheus: Prometheus | None,
        *,
        idle_after: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        """`prometheus` is this room's own: one client asks one question at a time."""
        self._ledger = ledger
        self._prometheus = prometheus
        self._idle_after = idle_after
        self._clock = clock
        self._recent = Recent(self._account, seconds=_KEPT_SECONDS, most=_MOST_ANSWERS)
        self._turn = asyncio.Lock()

    async def report(self, asked: Question) -> Usage:
        """Without Prometheus there are no hours, and all of the time is a gap.

        Raises:
            Unavailable: the cluster has not been listed yet.
        """
        await self._ledger()
        now = self._clock().replace(microsecond=0)
        known, source = Totals({}, (Span(asked.start, asked.end),)), _OFF
        if self._prometheus is not None:
            try:
                known = await self._recent.get(asked, within=WITHIN_SECONDS)
                source = SourceState(state="ok", message=None, checked_at=now)
            except Unavailable as error:
                source = SourceState(state="unavailable", message=error.detail, checked_at=now)
        ledger = await self._ledger()
        return Usage(
            from_=asked.start,
            to=asked.end,
            rows=rows(asked.by, known, ledger),
            idle=idle(ledger.idle(now - self._idle_after)),
            gaps=tuple(Gap(span.start, span.end) for span in known.gaps),
            sources=UsageSources(source),
        )

    async def close(self) -> None:
        await self._recent.close()

    async def _account(self, asked: Question) -> Totals:
        cut = windows(asked.start, asked.end)
        types = (await self._ledger()).types()
        async with self._turn:
            accounts = [await self._own(cut, asked.by)]
            if not all(accounts[0].covered):
                accounts.append(await self._exporters(cut, asked.by, types))
        # in a thread, since a hundred keys have tens of thousands of windows
        return await asyncio.to_thread(totals, cut, accounts)

    async def _own(self, cut: Windows, by: By) -> Account:
        label, over = _OWN_LABELS[by], f"[{int(cut.step.total_seconds())}s]"

        def key(labels: Mapping[str, str]) -> str:
            return labels.get(label, "")

        beats = await self._series(cut, f"sum(count_over_time(genet_gpus{over}))", lambda _: "")
        devices, busy, measured = [
            await self._series(cut, f"sum by ({label}) (sum_over_time({metric}{over}))", key)
            for metric in ("genet_gpu_devices", "genet_gpu_utilization_sum", "genet_gpu_utilization_count")
        ]
        return own_account(beats.get("", (None,) * cut.number), devices, busy, measured)

    async def _exporters(self, cut: Windows, by: By, types: Mapping[Model, str]) -> Account:
        beats = await self._series(cut, "count(DCGM_FI_DEV_FB_USED)", lambda _: "")
        devices: ByKey = {}
        percent: ByKey = {}
        measured: ByKey = {}
        for namespace, pod, where in _GENERATIONS:
            label = "modelName,GPU_I_PROFILE" if by == "type" else namespace
            key = _key(by, label, types)
            cards = f"count by ({label},{namespace},{pod},UUID,GPU_I_ID) (DCGM_FI_DEV_FB_USED{{{where}}})"
            devices = await self._series(cut, f"count by ({label}) ({cards})", key)
            if devices:
                load = f"max by ({label},UUID) (DCGM_FI_DEV_GPU_UTIL{{{where}}} <= 100)"
                percent = await self._series(cut, f"sum by ({label}) ({load})", key)
                measured = await self._series(cut, f"count by ({label}) ({load})", key)
                break
        return exporters_account(beats.get("", (None,) * cut.number), devices, percent, measured)

    async def _series(self, cut: Windows, promql: str, key: Callable[[Mapping[str, str]], str]) -> ByKey:
        assert self._prometheus is not None  # noqa: S101 # nothing is asked without one
        return by_key(await self._prometheus.query_range(promql, cut.first_end, cut.end, cut.step), key)


_GENERATIONS: Final = (
    ("exported_namespace", "exported_pod", 'exported_pod!=""'),
    ("namespace", "pod", 'exported_pod="",pod!="",pod!~".*dcgm-exporter.*"'),
)
"""Labels of a card's pod, and the series that have them. Where there are any of the first, `pod` is the exporter's."""


def rows(by: By, known: Totals, ledger: Ledger) -> tuple[UsageRow, ...]:
    """Most hours first."""
    now: dict[str, int] = {}
    for holder, held in ledger.held().items():
        key = _holders_key(by, holder)
        now[key] = now.get(key, 0) + held.devices
    found = []
    for key in known.by_key.keys() | now.keys():
        total = known.by_key.get(key)
        found.append(
            UsageRow(
                key=key,
                gpu_hours=round(total.gpu_hours, 2) if total else 0.0,
                gpus_now=now.get(key, 0),
                mean_utilization=(
                    None if total is None or total.mean_utilization is None else round(total.mean_utilization, 1)
                ),
            )
        )
    return tuple(sorted(found, key=lambda row: (-row.gpu_hours, -row.gpus_now, row.key)))


def idle(pods: Iterable[IdlePod]) -> tuple[IdleHolder, ...]:
    """The longest idle first."""
    found = [IdleHolder(pod.pod, pod.namespace, pod.user, len(pod.since), max(pod.since)) for pod in pods]
    return tuple(sorted(found, key=lambda holder: (holder.idle_since, holder.namespace, holder.pod)))


def _holders_key(by: By, holder: Holder) -> str:
    return {"user": holder.user, "type": holder.type, "namespace": holder.namespace}[by]


def _key(by: By, label: str, types: Mapping[Model, str]) -> Callable[[Mapping[str, str]], str]:
    """What a series of an exporter is accounted to."""
    if by == "type":
        return lambda labels: _type(labels.get("modelName", ""), labels.get("GPU_I_PROFILE", ""), types)
    if by == "user":
        return lambda labels: naming.user_of(labels.get(label, "")) or ""
    return lambda labels: labels.get(label, "")


def _type(name: str, profile: str, types: Mapping[Model, str]) -> str:
    product, profile = name.replace(" ", "-"), profile.replace("+", ".")
    resource = f"nvidia.com/mig-{profile}" if profile else "nvidia.com/gpu"
    return types.get(Model(accelerators.model(product), profile)) or f"{resource}/{product}"


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
