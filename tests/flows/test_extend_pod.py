import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from genet import naming
from genet.errors import Invalid
from genet.flows.extend_pod import new_end
from genet.pods.model import ExtendRequest
from genet.settings import Lifecycle
from tests.replicas import replica_of, settings, switch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Lifecycle(max_protect_hours=48)
NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"


def end(body, current=None):
    return new_end(msgspec.json.decode(body, type=ExtendRequest), current, NOW, SETTINGS)


def hours(number):
    return NOW + timedelta(hours=number)


@pytest.mark.parametrize(
    ("body", "current", "expected"),
    [
        ('{"hours": 2}', None, hours(2)),
        ('{"hours": 0.5}', None, hours(0.5)),
        ('{"hours": 48}', None, hours(48)),
        ('{"hours": 2}', hours(-3), hours(2)),
        ('{"hours": 2}', hours(5), hours(5)),
        ('{"until": "2026-03-01T13:00:00Z"}', hours(5), hours(1)),
        ('{"until": "2026-03-03T13:00:00+01:00"}', None, hours(48)),
        ('{"until": null}', hours(5), None),
        ('{"until": null}', None, None),
    ],
)
def test_the_new_end(body, current, expected):
    assert end(body, current) == expected


def test_hours_end_on_a_whole_second():
    request = ExtendRequest(hours=2.0)
    assert new_end(request, None, NOW + timedelta(microseconds=700_000), SETTINGS) == hours(2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{}", "hours"),
        ('{"hours": 2, "until": null}', "hours"),
        ('{"hours": 2, "until": "2026-03-01T13:00:00Z"}', "hours"),
        ('{"hours": 0}', "hours"),
        ('{"hours": -1}', "hours"),
        ('{"hours": 48.01}', "hours"),
        ('{"hours": 1e300}', "hours"),
        ('{"until": "2026-03-01T12:00:00Z"}', "until"),
        ('{"until": "2020-01-01T00:00:00Z"}', "until"),
        ('{"until": "2026-03-03T12:00:01Z"}', "until"),
        ('{"until": "2026-03-01T13:00:00"}', "until"),
        ('{"until": "0001-01-01T00:00:00+14:00"}', "until"),
        ('{"until": "9999-12-31T23:59:59-14:00"}', "until"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_is_clamped(body, field):
    with pytest.raises(Invalid) as caught:
        end(body)
    assert [error.field for error in caught.value.errors] == [field]


async def extend(replica, **body):
    return await replica.ask("POST", f"/api/pods/{POD}/extend", json=body)


def notes(cluster):
    return cluster.store.get("pods", NAMESPACE, POD)["metadata"].get("annotations", {})


async def test_an_extension_is_visible_at_once_and_until_null_takes_it_back(replica, cluster):
    await replica.create(name="a")
    answer = await extend(replica, hours=3)
    assert answer.status_code == 200
    assert answer.json()["protectedUntil"] == notes(cluster)[naming.PROTECTED_UNTIL]
    assert (await replica.ask("GET", f"/api/pods/{POD}")).json() == answer.json()
    assert (await extend(replica, until=None)).json()["protectedUntil"] is None
    assert notes(cluster).keys().isdisjoint({naming.PROTECTED_UNTIL, naming.PROTECTED_AT})


async def test_the_latest_time_there_is_may_be_reckoned_by_the_client(kubeconfig):
    now = datetime.now(UTC).replace(microsecond=700_000)
    latest = now + timedelta(hours=168)
    async with replica_of(settings(kubeconfig), lambda: now) as one:
        await one.synced()
        await one.create(name="a")
        answer = await extend(one, until=latest.isoformat())
    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["protectedUntil"]) == latest


async def test_of_two_who_extend_at_once_the_shorter_does_not_shorten(replica, kubeconfig, cluster):
    await replica.create(name="a")
    async with replica_of(settings(kubeconfig)) as stale:
        await stale.synced()
        await switch(cluster, "freeze")  # the other replica does not hear of what this one does
        longer = (await extend(replica, hours=20)).json()["protectedUntil"]
        shorter = await asyncio.gather(*(extend(one, hours=1) for one in (stale, replica, stale)))
    assert {answer.json()["protectedUntil"] for answer in shorter} == {longer}


async def test_an_unreadable_protection_is_not_shortened_either(replica, cluster):
    await replica.create(name="a")
    pod = cluster.store.get("pods", NAMESPACE, POD)
    pod["metadata"].setdefault("annotations", {})[naming.PROTECTED_UNTIL] = "for ever"
    cluster.store.update("pods", pod)
    until = datetime.fromisoformat((await extend(replica, hours=1)).json()["protectedUntil"])
    assert until == datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) + timedelta(hours=168)


@pytest.mark.parametrize("body", [{}, {"hours": "2"}, {"hours": None}, {"until": 5}, {"until": "soon"}, {"days": 1}])
async def test_a_bad_body_is_422_and_names_the_field(replica, body):
    await replica.create(name="a")
    answer = await extend(replica, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert {error["field"] for error in answer.json()["errors"]} == ({*body} or {"hours"})


async def test_a_pod_that_is_gone_cannot_be_extended(replica, cluster):
    await replica.create(name="a")
    await switch(cluster, "freeze")
    cluster.store.delete("pods", NAMESPACE, POD, grace_period_seconds=0)
    assert (await extend(replica, hours=1)).status_code == 404
