"""Why a container does not run, or not for long: how it ended, why it cannot start, what it waits for. Pure.

Traps: a container that is waiting for its next start says only `back-off`; how it ended stands in its last state, and
the moment between two starts shows the end itself as its present state. A shell reports signal N as exit code 128 + N.
Exit code 128 with the reason StartError is no end of a program: it never began.
"""

import re
import signal as signals
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from genet.kube.amounts import amount
from genet.kube.details import DetailedContainer, DetailedContainerStatus
from genet.kube.objects import ContainerStateTerminated
from genet.pods.diagnosis import images
from genet.pods.diagnosis.evidence import Evidence
from genet.pods.diagnosis.reasons import Finding, Param, finding, quoted
from genet.pods.diagnosis.said import newest

OFTEN: Final = 3
"""Restarts from which on a container that runs is worth a word."""
_RECENT: Final = timedelta(hours=6)
_NOT_FOUND, _NOT_EXECUTABLE, _SIGNAL_BASE, _LAST_SIGNAL = 127, 126, 128, 64
_MISSING_PROGRAM: Final = re.compile(r'exec: "([^"]+)": (?:stat \S+: no such file|executable file not found)')
_FORBIDDEN_PROGRAM: Final = re.compile(r'exec: "([^"]+)": permission denied')
_RUNC: Final = re.compile(r"^.*unable to start container process: (?:error during container init: )?", re.DOTALL)
_BACK_OFF: Final = re.compile(r"back-off (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)? restarting")
_SECRET: Final = re.compile(r'secrets? "([^"]+)" not found')
_CONFIG_MAP: Final = re.compile(r'configmaps? "([^"]+)" not found')
_KEY: Final = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) \S*?/?([^/\s]+)$")
_PREPARING: Final = ("ContainerCreating", "PodInitializing", "")


def waiting(evidence: Evidence, container: DetailedContainer, status: DetailedContainerStatus) -> Iterator[Finding]:
    """Of a container that should run and does not."""
    state = status.state
    if state.terminated is not None:
        yield ended(evidence, container, status, state.terminated)
        return
    if state.waiting is None:
        return
    reason, message = state.waiting.reason, state.waiting.message
    if reason in images.WAITING:
        yield images.pull(evidence, container.name, container.image, reason, message)
    elif reason == "CrashLoopBackOff":
        yield from _crash_loop(evidence, container, status, message)
    elif reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError"):
        yield _not_made(container, status, reason, message)
    elif reason in _PREPARING and status.last_state.terminated is not None:
        yield ended(evidence, container, status, status.last_state.terminated)
    elif reason not in _PREPARING:
        yield finding("config_error", container=container.name, message=quoted(f"{reason}: {message}"))


def ended(
    evidence: Evidence,
    container: DetailedContainer,
    status: DetailedContainerStatus,
    end: ContainerStateTerminated,
) -> Finding:
    """How a container came to its end."""
    about: dict[str, Param] = {"container": container.name, "restarts": status.restart_count, "exitCode": end.exit_code}
    if end.reason == "OOMKilled":
        limit = container.resources.limits.get("memory")
        return finding("oom_killed", limit=float(amount(limit)) if limit else None, **about)
    if end.reason in ("StartError", "ContainerCannotRun"):
        return _not_begun(container, end.message, about)
    hook = next(newest(evidence.events, "FailedPostStartHook", container=container.name), None)
    if hook is not None:
        return finding(
            "post_start_failed", message=quoted(hook.message.partition("failed - ")[2] or hook.message), **about
        )
    if probe := _liveness(evidence, container.name):
        return finding("liveness_killed", message=probe[0], **about)
    return _by_code(end, about)


def running(container: DetailedContainer, status: DetailedContainerStatus, evidence: Evidence) -> Iterator[Finding]:
    """Of a container that runs: not ready, or started again so often that something is wrong."""
    if not status.ready:
        probe = next(newest(evidence.events, "Unhealthy", container=container.name), None)
        message = _probe(probe.message) if probe is not None else None
        yield finding("not_ready", container=container.name, message=message)
    last = status.last_state.terminated
    if status.restart_count >= OFTEN and last is not None and _is_recent(last.finished_at, evidence.now):
        if last.reason == "OOMKilled":
            yield ended(evidence, container, status, last)
            return
        seconds = int((evidence.now - last.finished_at).total_seconds()) if last.finished_at else None
        yield finding(
            "restarts_often",
            container=container.name,
            restarts=status.restart_count,
            exitCode=last.exit_code,
            seconds=seconds,
        )


def sandbox(evidence: Evidence) -> Iterator[Finding]:
    """What keeps a node from setting the pod up at all."""
    event = next(newest(evidence.events, "FailedCreatePodSandBox", "NetworkNotReady", "FailedCreatePodContainer"), None)
    if event is None:
        return
    is_network = event.reason == "NetworkNotReady" or re.search(r"network|cni|\bIP\b", event.message)
    message = event.message.partition("code = Unknown desc = ")[2] or event.message
    yield finding("network_failed" if is_network else "sandbox_failed", message=quoted(message))


def position(containers: Sequence[DetailedContainer], name: str) -> int:
    """Counted from 1."""
    return next((index for index, item in enumerate(containers, 1) if item.name == name), 0)


def _crash_loop(
    evidence: Evidence, container: DetailedContainer, status: DetailedContainerStatus, message: str
) -> Iterator[Finding]:
    end = status.last_state.terminated
    if end is not None:
        yield ended(evidence, container, status, end)
    if match := _BACK_OFF.search(message):
        hours, minutes, seconds = (int((part or "0")[:6]) for part in match.groups())
        wait = 3600 * hours + 60 * minutes + seconds
        yield finding("back_off", container=container.name, waitSeconds=wait)
    elif end is None:
        yield finding(
            "start_failed", container=container.name, message=quoted(message) or "?", restarts=status.restart_count
        )


def _by_code(end: ContainerStateTerminated, about: dict[str, Param]) -> Finding:
    code = end.exit_code
    if code == 0:
        return finding("completed", **about)
    if code in (_NOT_FOUND, _NOT_EXECUTABLE):
        kind = "command_not_found" if code == _NOT_FOUND else "command_not_executable"
        # who reports this is mostly a shell, about a program that its script names: not about the command itself
        return finding(kind, command=None, **about)
    number = end.signal or (code - _SIGNAL_BASE if _SIGNAL_BASE < code <= _SIGNAL_BASE + _LAST_SIGNAL else 0)
    if number:
        return finding("stopped_by_signal", name=_signal_name(number), **about)
    return finding("exited", message=quoted(end.message) or None, **about)


def _not_begun(container: DetailedContainer, message: str, about: dict[str, Param]) -> Finding:
    if match := _MISSING_PROGRAM.search(message):
        return finding("command_not_found", command=match[1], **about)
    if match := _FORBIDDEN_PROGRAM.search(message):
        return finding("command_not_executable", command=match[1], **about)
    text = quoted(_RUNC.sub("", message).removesuffix(": unknown")) or "?"
    return finding("start_failed", message=text, container=container.name, restarts=about["restarts"])


def _not_made(container: DetailedContainer, status: DetailedContainerStatus, reason: str, message: str) -> Finding:
    name = container.name
    if reason == "CreateContainerConfigError":
        return _misconfigured(name, message)
    if reason == "PostStartHookError":
        return finding("post_start_failed", container=name, message=quoted(message) or "?")
    about: dict[str, Param] = {"container": name, "restarts": status.restart_count, "exitCode": _SIGNAL_BASE}
    return _not_begun(container, message, about)


def _misconfigured(name: str, message: str) -> Finding:
    if missing := _SECRET.search(message):
        return finding("env_secret_missing", container=name, secret=missing[1])
    if missing := _CONFIG_MAP.search(message):
        return finding("env_config_map_missing", container=name, configMap=missing[1])
    if missing := _KEY.search(message):
        return finding("env_key_missing", container=name, key=missing[1], source=f"{missing[2]} {missing[3]}")
    if "runAsNonRoot" in message:
        return finding("runs_as_root", container=name)
    return finding("config_error", container=name, message=quoted(message) or "?")


def _liveness(evidence: Evidence, container: str) -> tuple[str | None] | None:
    """What the probe printed that the kubelet ended the container for; None: it did not."""
    killed = newest(evidence.events, "Killing", container=container)
    if not any("failed liveness probe" in event.message or "failed startup probe" in event.message for event in killed):
        return None
    failed = newest(evidence.events, "Unhealthy", container=container)
    told = [event for event in failed if not event.message.startswith("Readiness")]
    return (_probe(told[0].message) if told else None,)


def _probe(message: str) -> str | None:
    """What the probe printed; None: nothing."""
    kind, failed, said = message.partition(" probe failed:")
    return quoted(said if failed else kind) or None


def _signal_name(number: int) -> str:
    try:
        return f"{signals.Signals(number).name} ({number})"
    except ValueError:
        return str(number)


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    return moment is None or now - moment < _RECENT
