"""The clean-up as a program: JSON lines of what was done on standard output, a sentence for people on the other."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Final, get_args

import msgspec

from genet.accelerators import counts_devices
from genet.auth.clock import utc_now
from genet.cleanup import claims, records, restarts, saves
from genet.cleanup.rules import Verdict
from genet.cleanup.run import Action, CleanUp, Done
from genet.errors import GenetError
from genet.flows.deletions import Deletions
from genet.kube.client import KubeClient
from genet.kube.objects import Pod
from genet.pods.deletions import Code
from genet.settings import Settings

OK: Final = 0
FAILED: Final = 1


_CODES: Final[Mapping[str, Code]] = {
    "unprotected": "cleanup_unprotected",
    "expired": "cleanup_expired",
    "lingering": "cleanup_lingering",
}


def main(settings: Settings, *, dry_run: bool = False) -> int:
    """Clean up once.

    Returns:
        The exit code: 0 all well, 1 something failed (all else was done nevertheless).
    """
    if not settings.lifecycle.enabled:
        _say("The clean-up is off (lifecycle.enabled); nothing was done.")
        return OK
    try:
        done = asyncio.run(_clean_up(settings, dry_run=dry_run))
    except GenetError as error:
        _say(f"Nothing was done: {error.detail}")
        return FAILED
    counts = [f"{done[what]} {what.replace('-', ' ')}" for what in get_args(Done) if done[what]]
    _say(f"Clean-up: {', '.join(counts) or 'nothing to do'}.")
    return FAILED if done["failed"] else OK


async def _clean_up(settings: Settings, *, dry_run: bool) -> Counter[Done]:
    of_records: Counter[Done] = Counter()

    def tell(action: Action) -> None:
        of_records[action.action] += 1
        _export(action)

    async with KubeClient.connect(settings.kubernetes) as kube:
        is_device = counts_devices(kind.resource_name for kind in settings.gpu.available_types)
        deletions = Deletions(kube, is_device, utc_now)

        async def note(pod: Pod, verdict: Verdict) -> None:
            await deletions.note(pod, _CODES.get(verdict.reason, "cleanup_expired"), until=verdict.until)

        # before the pods: one whose restart ends in between is seen as a pod; and after them: one that began meanwhile
        cancel_due = partial(restarts.cancel_due, kube, settings, clock=utc_now, tell=tell, note=note, dry_run=dry_run)
        await cancel_due(comes_again=True)
        being_saved = saves.Saves(kube, settings.commit, utc_now).pods
        clean_up = CleanUp(
            kube,
            settings.lifecycle,
            clock=utc_now,
            tell=_export,
            note=note,
            being_saved=being_saved,
            dry_run=dry_run,
        )
        done = await clean_up.run()
        await cancel_due()
        await claims.collect(kube, settings, clock=utc_now, tell=tell, dry_run=dry_run)
        await saves.collect(kube, settings, clock=utc_now, tell=tell, dry_run=dry_run)
        await records.collect(kube, settings, clock=utc_now, tell=tell, dry_run=dry_run)
        return done + of_records


def _export(action: Action) -> None:
    """What was left alone is only counted, except where it was due."""
    if action.action != "kept" or action.reason == "saving":
        sys.stdout.write(f"{msgspec.json.encode(action).decode()}\n")
        sys.stdout.flush()  # a run that is killed has said what it did


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
