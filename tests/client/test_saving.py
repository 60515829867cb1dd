"""Waiting until a pod is saved, in a time of its own."""

from collections.abc import Sequence

import pytest

from genet.client.errors import ClientError, Refused, Unreachable
from genet.client.saving import NotSaved, Saving, ended, state, wait
from tests.client.test_starting import Clock

IMAGE = "registry.example.com/people/alice-alice/train:v1"
PENDING = Saving(status="pending", message="waiting for the node")
RUNNING = Saving(status="running", message="pushing", logs="layer-1: done\nlayer-2: uploading\n\n")
DONE = Saving(status="succeeded", image=IMAGE)
NONE = Saving(status="none")


class Told:
    """Says one state after the other; the last one stays."""

    def __init__(self, states: Sequence[Saving | Exception]) -> None:
        self._states = list(states)

    def __call__(self) -> Saving:
        found = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(found, Exception):
            raise found
        return found


def waited(*states: Saving | Exception, limit: float = 1000, is_line: bool = False) -> tuple[Saving, list[str]]:
    said: list[str] = []
    found = wait(Told(states), "a", said.append, Clock(), limit_seconds=limit, is_line=is_line)
    return found, said


def test_it_says_how_far_it_is_until_it_is_done():
    saved, said = waited(PENDING, RUNNING, DONE)
    assert saved.image == IMAGE
    assert said == ["a: waiting for the node", "a: pushing"]


def test_a_line_that_changes_in_place_has_the_seconds_and_how_much_is_pushed():
    pushing = Saving(status="running", message="pushing", logs="layer-1: done\nelapsed: 2.0 s   total:  11.2 M\n\n")
    _, said = waited(PENDING, RUNNING, pushing, DONE, is_line=True)
    assert said == ["a (0 s): waiting for the node", "a (2 s): pushing", "a (4 s): elapsed: 2.0 s total: 11.2 M"]
    assert waited(pushing, DONE)[1] == ["a: pushing"]


def test_a_failure_is_raised_with_its_reason_and_the_last_lines_and_nothing_that_a_terminal_obeys():
    logs = "".join(f"line {number}\n" for number in range(100)) + "FATA denied\x1b[2J\n"
    with pytest.raises(NotSaved) as found:
        waited(PENDING, Saving(status="failed", message="the registry\x1b refused", logs=logs))
    said = str(found.value)
    assert said.startswith("a was not saved: the registry? refused\n")
    assert "FATA denied?[2J" in said
    assert "line 89\n" in said
    assert "line 88\n" not in said


def test_a_state_of_a_newer_server_is_no_success():
    with pytest.raises(NotSaved, match="dissolved"):
        ended(Saving(status="dissolved"), "a")


def test_after_the_limit_it_says_that_it_goes_on():
    with pytest.raises(NotSaved, match="not saved after 12 s: pushing") as found:
        waited(RUNNING, limit=11)
    assert "genet pods commit a" in str(found.value)


def test_a_server_that_is_away_for_a_while_is_waited_for_and_not_for_ever():
    saved, said = waited(PENDING, *[Unreachable("gone")] * 20, DONE)
    assert saved.image == IMAGE
    assert "a: the server does not answer, trying again" in said
    with pytest.raises(Unreachable):
        waited(Unreachable("gone"))


def test_a_job_that_nobody_knows_of_is_waited_for_and_not_for_ever():
    saved, _ = waited(NONE, NONE, PENDING, DONE)
    assert saved.image == IMAGE
    with pytest.raises(NotSaved, match="nothing is known"):
        waited(PENDING, NONE)


def test_a_pod_that_is_deleted_meanwhile_is_said():
    with pytest.raises(ClientError, match="no such pod"):
        waited(PENDING, Refused(404, "not_found", "no such pod"))


def test_where_the_server_says_nothing_the_state_is_said():
    assert state(Saving(status="pending")) == "pending"
    assert state(Saving(status="running", logs="\n\n")) == "running"
    assert state(NONE) == "nothing is known of it yet"
