"""What must hold when a storm is over and everything has come to rest."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from genet import naming
from tests.chaos.pair import Pair
from tests.chaos.people import Person
from tests.chaos.storm import Storm
from tests.chaos.truth import Truth, devices
from tests.processes import until

AT_REST = 120
"""Seconds; what a killed replica left is taken up after half a minute, the rest is for slow machines."""


def everything(truth: Truth, pair: Pair, storm: Storm, people: Sequence[Person]) -> None:
    _until_none(truth.under_way, AT_REST, "everything has come to rest")
    truth.stop()
    assert storm.bad == []
    nothing_left_or_lost(truth, people)
    answers(truth, pair, people)
    for log in pair.logs:
        assert "unhandled error" not in log.read_text(), log.read_text()[-5000:]


def nothing_left_or_lost(truth: Truth, people: Sequence[Person]) -> None:
    _until_none(truth.strays, 60, "nothing is there for nothing")
    _until_none(truth.claims, 60, "claims are there with their pods, and no longer")
    pods = truth.pods()
    assert [key for key, pod in pods.items() if naming.RESTART in pod["metadata"].get("annotations", {})] == []
    wrong = [
        (person.name, name, due)
        for person in people
        for name, due in person.pods.items()
        if due != "open" and (due == "there") != ((person.namespace, person.pod(name)) in pods)
    ]
    assert wrong == [], "not what 201 or 204 promised"


def answers(truth: Truth, pair: Pair, people: Sequence[Person]) -> None:
    """What both replicas say is what the API server says."""
    with httpx.Client(trust_env=False, timeout=120) as http:
        for number in range(2):

            def read(path: str, person: Person, url: str = pair.url(number)) -> Any:
                return http.get(f"{url}{path}", params={"user": person.name}).raise_for_status().json()

            _until_none(lambda: [told for p in people if (told := _untrue(truth, p, read))], 60, "answers are true")


def _untrue(truth: Truth, person: Person, read: Callable[[str, Person], Any]) -> Any:
    """What is told of a person's pods, keys and use where it is not so."""
    pods = {name: pod for (space, name), pod in truth.pods().items() if space == person.namespace}
    listed = read("/api/pods", person)
    told = {pod["id"]: (pod["status"], pod["gpuCount"], str(pod["sshPort"])) for pod in listed["pods"]}
    real = {
        name: (_status(pod), devices(pod), pod["metadata"]["annotations"].get(naming.SSH_PORT))
        for name, pod in pods.items()
    }
    quota = listed["quota"]["podUsed"], listed["quota"]["gpuUsed"]
    used = len(pods), sum(map(devices, pods.values()))
    keys = {key["id"] for key in read("/api/profile/ssh-keys", person)["keys"]}
    wrong_keys = {key: due for key, due in person.keys.items() if due != "open" and (due == "there") != (key in keys)}
    if told != real or quota != used or wrong_keys:
        return person.name, told, real, quota, used, wrong_keys
    return None


def _status(pod: dict[str, Any]) -> str:
    return str(pod["status"].get("phase", "Pending"))


def _until_none(found: Callable[[], list[Any]], seconds: float, what: str) -> None:
    left: list[Any] = []

    def is_none() -> bool:
        left[:] = found()
        return not left

    try:
        until(is_none, seconds=seconds, what=what)
    except AssertionError:
        raise AssertionError(f"not so after {seconds:g} s: {what}: {left}") from None
