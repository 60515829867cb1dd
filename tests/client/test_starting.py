"""Waiting for a pod to run, in a time of its own."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from genet.client.errors import ClientError, Refused, Unreachable
from genet.client.pods import Document, Pod
from genet.client.starting import DidNotStart, Progress, wait

POD = Pod(id="pod-alice-a", name="a", status="Pending")


@dataclass
class Pods:
    """Says one status after the other; the last one stays."""

    statuses: Sequence[str | Exception]
    reasons: list[str] = field(default_factory=list)
    described: int = 0

    def get(self, id_: str) -> Pod:
        status, self.statuses = self.statuses[0], self.statuses[1:] or self.statuses
        if isinstance(status, Exception):
            raise status
        return Pod(id=id_, name="a", status=status)

    def describe(self, pod: Pod) -> Document:
        self.described += 1
        return {"reasons": [{"code": "x", "params": {}, "text": text} for text in self.reasons]}


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(pods: Pods, limit: float = 100) -> tuple[Pod, list[str]]:
    said: list[str] = []
    found: Any = pods
    return wait(found, POD, said.append, Clock(), limit_seconds=limit), said


@pytest.mark.parametrize("last", ["Running", "Completed", "Succeeded"])
def test_it_ends_when_the_pod_runs_or_has_run(last):
    pod, said = waited(Pods(["Pending", "ContainerCreating", last]))
    assert pod.status == last
    assert said == ["a: Pending", "a: ContainerCreating"]


@pytest.mark.parametrize("status", ["Error", "CrashLoopBackOff", "Evicted", "OOMKilled", "Terminating"])
def test_a_pod_that_will_not_run_is_said_with_the_reasons(status):
    with pytest.raises(DidNotStart) as found:
        waited(Pods([status], ["it was killed: 64 MiB are too little"]))
    assert status in str(found.value)
    assert "64 MiB are too little" in str(found.value)
    assert "genet pods describe a" in str(found.value)


def test_while_it_takes_long_the_reason_is_said_and_seldom_asked_for():
    pods = Pods(["Pending"] * 30 + ["Running"], ["no node has 8 GPUs free"])
    _, said = waited(pods)
    assert said[-1] == "a: Pending: no node has 8 GPUs free"
    assert pods.described <= 7


def test_after_the_limit_it_says_that_the_pod_does_not_run_yet():
    with pytest.raises(DidNotStart, match="does not run after 11 s: Pending"):
        waited(Pods(["Pending"]), 10)


def test_a_server_that_is_away_for_a_while_is_waited_for_and_not_for_ever():
    pod, said = waited(Pods(["Pending", *[Unreachable("gone")] * 20, "Running"]))
    assert pod.status == "Running"
    assert "a: the server does not answer, trying again" in said
    with pytest.raises(Unreachable):
        waited(Pods([Unreachable("gone")]), 1000)


def test_a_pod_that_is_deleted_meanwhile_is_said():
    with pytest.raises(ClientError, match="no such pod"):
        waited(Pods(["Pending", Refused(404, "not_found", "no such pod")]))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_lines_elsewhere():
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        progress = Progress(stream)
        for text in ("a: Pending", "a: Pending", "a: \x1b[2Jodd"):
            progress.say(text)
        progress.end()
    assert plain.getvalue() == "a: Pending\na: ?[2Jodd\n"
    assert terminal.getvalue() == "\r\x1b[2Ka: Pending\r\x1b[2Ka: ?[2Jodd\r\x1b[2K"
