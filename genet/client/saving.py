"""Saving a pod as an image: begins it, and waits until it is done, saying meanwhile how far it is.

The server saves, whoever waits for it: what goes wrong here, or Ctrl-C, leaves it going on there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from genet.client.api import Api
from genet.client.errors import ClientError, Unreachable, printable
from genet.client.pods import Document, Pod, path_of
from genet.client.starting import Clock

GOING_ON: Final = frozenset({"pending", "running"})
SAVED: Final = "succeeded"
NEVER: Final = "none"
_LOOK_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 60.0
"""For how long the server may be away meanwhile, or not know of what was begun."""
_LINES: Final = 12
"""Of what the Job said, where it failed."""


class Saving(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is used of the API's CommitStatus; `document` is all of it."""

    status: str
    image: str | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    logs: str = ""
    document: Document = {}


class NotSaved(ClientError):
    """It failed, or takes longer than one wanted to wait."""


def begin(api: Api, pod: Pod, image: str) -> Document:
    """Ask for it; the answer names the Job."""
    return api.post(f"{path_of(pod)}/commit", {"image": image}, Document)


def look(api: Api, pod: Pod) -> Saving:
    """Raises ClientError for what is no such status."""
    document = api.get(f"{path_of(pod)}/commit/status", Document)
    try:
        found = msgspec.convert(document, Saving)
    except msgspec.ValidationError as error:
        raise ClientError(f"the server says something else of the saving than expected ({error})") from None
    return msgspec.structs.replace(found, document=document)


def wait(
    look_again: Callable[[], Saving],
    name: str,
    say: Callable[[str], None],
    clock: Clock,
    *,
    limit_seconds: float,
    is_line: bool = False,
) -> Saving:
    """What it came to, when it has succeeded.

    Args:
        look_again: how far it is now.
        name: of the pod, for sentences.
        say: what it waits for.
        clock: measures, and sleeps.
        limit_seconds: how long to wait.
        is_line: what is said changes in place and is short: seconds stand in it, and how much is pushed.

    Raises:
        NotSaved: with the server's reason and the Job's last lines; or it takes too long.
        ClientError: the pod is gone, or the server is away for longer than a minute.
    """
    began = heard = clock.monotonic()
    told = ""
    while True:
        now = clock.monotonic()
        try:
            saving = look_again()
        except Unreachable:
            if now - heard > _PATIENCE_SECONDS:
                raise
            said = "the server does not answer, trying again"
        else:
            if saving.status != NEVER:
                heard = now
            elif now - heard > _PATIENCE_SECONDS:
                raise NotSaved(
                    f"{name}: nothing is known of its saving any more", hint="The Job may have been deleted."
                )
            if saving.status not in GOING_ON | {NEVER}:
                return ended(saving, name)
            said = told = pushed(saving) if is_line and pushed(saving) else state(saving)
        if now - began > limit_seconds:
            raise NotSaved(
                f"{name} is not saved after {now - began:.0f} s: {told or said}",
                hint=f"It goes on; look: genet pods commit {name}",
            )
        say(f"{name} ({now - began:.0f} s): {said}" if is_line else f"{name}: {said}")
        clock.sleep(_LOOK_SECONDS)


def ended(saving: Saving, name: str) -> Saving:
    """The same, if it succeeded; else raises NotSaved."""
    if saving.status == SAVED:
        return saving
    raise NotSaved(
        f"{name} was not saved: {printable(saving.message or saving.status, 2000)}", hint=_last_lines(saving)
    )


def state(saving: Saving) -> str:
    """In a few words."""
    return saving.message or ("nothing is known of it yet" if saving.status == NEVER else saving.status)


def pushed(saving: Saving) -> str:
    """How much, in nerdctl's own words, where it says that last; nothing where it says something else."""
    lines = saving.logs.split("\n")
    line = next((line for line in reversed(lines) if line.strip()), "")
    return " ".join(line.split()) if line.startswith("elapsed:") else ""


def _last_lines(saving: Saving) -> str:
    lines = [line for line in saving.logs.split("\n") if line.strip()][-_LINES:]
    return "\n".join(f"  {printable(line.expandtabs())}" for line in lines)
