"""`genet cleanup`: JSON lines of what was done on standard output, one sentence for people on standard error.

Exit codes: 0 all well, 1 something failed (all else was done nevertheless), 2 it could not start.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec

from genet.errors import GenetError
from genet.settings import Settings
from genet.settings.sources import ConfigurationError, load

OK: Final = 0
FAILED: Final = 1
NOT_STARTED: Final = 2


def main(
    arguments: Sequence[str], environ: Mapping[str, str], out: TextIO = sys.stdout, err: TextIO = sys.stderr
) -> int:
    """Clean up once and say with what exit code to end."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(environ, options.config)
    except ConfigurationError as error:
        print(error, file=err)
        return NOT_STARTED
    if not settings.lifecycle.enabled:
        print("The clean-up is off (lifecycle.enabled); nothing was done.", file=err)
        return OK
    try:
        done = asyncio.run(_clean_up(settings, environ, out, dry_run=options.dry_run))
    except GenetError as error:
        print(f"Nothing was done: {error.detail}", file=err)
        return FAILED
    print(_summary(done), file=err)
    return FAILED if done["failed"] else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genet cleanup", description="Delete the pods whose protection is over.")
    parser.add_argument("--config", type=Path, help="YAML file with the settings")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, write nothing")
    return parser


async def _clean_up(settings: Settings, environ: Mapping[str, str], out: TextIO, *, dry_run: bool) -> Counter[str]:
    from genet.cleanup.run import Action, CleanUp  # noqa: PLC0415  # import cost: the Kubernetes client, 0.6 s
    from genet.kube.client import KubeClient  # noqa: PLC0415  # the same

    def tell(action: Action) -> None:
        if action.action != "kept":
            print(msgspec.json.encode(action).decode(), file=out, flush=True)

    async with KubeClient.connect(settings.kubernetes, environ) as kube:
        clean_up = CleanUp(kube, settings.lifecycle, clock=lambda: datetime.now(UTC), tell=tell, dry_run=dry_run)
        return Counter(await clean_up.run())


def _summary(done: Counter[str]) -> str:
    order = ("deleted", "would-delete", "kept", "gone", "warned", "failed")
    said = [f"{done[what]} {what.replace('-', ' ')}" for what in order if done[what]]
    return f"Clean-up: {', '.join(said) or 'nothing to do'}."
