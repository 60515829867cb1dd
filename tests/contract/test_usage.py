"""What usage says, whatever the cluster is. Without Prometheus there are no hours, and it says so."""

import pytest

from genet.kube.objects import PODS
from tests.contract.conftest import until


@pytest.mark.parametrize("by", ["user", "type", "namespace"])
async def test_what_a_pod_holds_now_is_counted(person, kube, by):
    key = {"user": person.identifier, "type": "gpu", "namespace": person.namespace}[by]

    async def now():
        rows = (await person.read("/api/cluster/usage", by=by))["rows"]
        return sum(row["gpusNow"] for row in rows if row["key"] == key)

    async def going():
        found = (await kube.list(PODS)).items
        return [pod for pod in found if pod.metadata.deletion_timestamp and "contract" in pod.metadata.namespace]

    # what others gave back goes on counting until it is gone, and a type is everybody's
    await until(going, lambda pods: not pods, seconds=180)
    before = await now()
    pod = await person.made("one", gpuType="gpu", gpuCount=1)
    await until(now, lambda count: count == before + 1)
    await person.http.delete(f"/api/pods/{pod['id']}")
    await until(now, lambda count: count == before)


async def test_without_prometheus_all_is_a_gap(person):
    usage = await person.read("/api/cluster/usage")
    assert usage["gaps"] == [{"from": usage["from"], "to": usage["to"]}]
    assert usage["sources"]["prometheus"]["state"] == "off"
    assert all(row["gpuHours"] == 0 for row in usage["rows"])


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"}, "from"),
        ({"to": "2999-01-01T00:00:00Z"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"by": "colour"}, "by"),
    ],
)
async def test_what_cannot_be_accounted_is_refused_by_name(person, params, field):
    answer = await person.http.get("/api/cluster/usage", params=params)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
