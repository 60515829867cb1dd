"""Waits until a pod runs, and says meanwhile what for: one line that changes on a terminal, lines elsewhere."""

import sys
from collections.abc import Callable
from typing import Final, Protocol, TextIO

from genet.client.errors import ClientError, Unreachable, printable
from genet.client.pods import Document, Pod, Pods

RUNNING: Final = frozenset({"Running"})
DONE: Final = frozenset({"Completed", "Succeeded"})
FAILED: Final = frozenset(
    {"Error", "Failed", "Evicted", "OOMKilled", "CrashLoopBackOff", "InvalidImageName", "ErrImageNeverPull",
     "CreateContainerConfigError", "RunContainerError", "ContainerCannotRun", "StartError", "DeadlineExceeded",
     "UnexpectedAdmissionError", "OutOfcpu", "OutOfmemory", "OutOfpods", "NodeLost", "Terminating"}
)  # fmt: skip
"""No waiting helps: somebody has to do something."""
_LOOK_SECONDS: Final = 1.0
_ASK_WHY_AFTER: Final = 3.0
_ASK_WHY_EVERY: Final = 5.0
_PATIENCE_SECONDS: Final = 60.0
"""For how long the server may be away meanwhile."""


class Clock(Protocol):
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class DidNotStart(ClientError):
    """It failed, or takes longer than one wanted to wait; it is there all the same."""


class Progress:
    """Says where things stand, on stderr: stdout belongs to what was asked for."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._last = ""

    @property
    def rewrites(self) -> bool:
        """Whether the line changes in place, so that a lot may be said."""
        return self._is_terminal

    def say(self, text: str) -> None:
        text = printable(text)
        if text == self._last:
            return
        self._last = text
        self._stream.write(f"\r\x1b[2K{_cut(text)}" if self._is_terminal else f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """The line is free again."""
        if self._is_terminal and self._last:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
        self._last = ""


def wait(pods: Pods, pod: Pod, say: Callable[[str], None], clock: Clock, *, limit_seconds: float) -> Pod:
    """The pod when it runs, or has run to its end.

    Raises:
        DidNotStart: with the reasons that the server finds.
        ClientError: it is gone, or the server is away for longer than a minute.
    """
    began = clock.monotonic()
    asked, heard, why, failure = began, began, "", None
    while True:
        now = clock.monotonic()
        try:
            pod = pods.get(pod.id)
            heard, failure = now, None
        except Unreachable as error:
            if now - heard > _PATIENCE_SECONDS:
                raise
            failure = error
        if pod.status in RUNNING | DONE:
            return pod
        if pod.status in FAILED:
            raise DidNotStart(f"{pod.name} did not start: {_state(pod)}", hint=_reasons(pods, pod))
        if now - began > limit_seconds:
            raise DidNotStart(
                f"{pod.name} does not run after {now - began:.0f} s: {_state(pod)}", hint=_reasons(pods, pod)
            )
        if now - began >= _ASK_WHY_AFTER and (not why or now - asked >= _ASK_WHY_EVERY):
            asked, why = now, first_reason(pods, pod)
        say(f"{pod.name}: the server does not answer, trying again" if failure else f"{pod.name}: {why or _state(pod)}")
        clock.sleep(_LOOK_SECONDS)


def first_reason(pods: Pods, pod: Pod) -> str:
    """What the server thinks is in the way; nothing where it cannot tell."""
    found = reasons(_described(pods, pod))
    return f"{pod.status}: {found[0]}" if found else ""


def reasons(described: Document) -> list[str]:
    found = described.get("reasons") or []
    return [str(one.get("text") or one.get("code")) for one in found if isinstance(one, dict)]


def _reasons(pods: Pods, pod: Pod) -> str:
    try:
        found = reasons(_described(pods, pod))
    except ClientError:
        found = []
    told = "\n".join(f"  {printable(one, 1000)}" for one in found)
    return f"{told}\n  More: genet pods describe {pod.name}".lstrip("\n")


def _described(pods: Pods, pod: Pod) -> Document:
    try:
        return pods.describe(pod)
    except ClientError:
        return {}


def _state(pod: Pod) -> str:
    return f"{pod.status} ({pod.message})" if pod.message else pod.status


def _cut(text: str, width: int = 78) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
