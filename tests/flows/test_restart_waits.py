"""Restarts that take long: who is asked how often meanwhile, who takes over, and what people are told."""

import asyncio
from datetime import timedelta

from genet.flows.restart_pod import SILENT_AFTER
from tests.flows.test_restart_pod import (
    CREATES,
    NAMESPACE,
    PATH,
    Clock,
    configuration,
    heard,
    leave,
    listed,
    made,
    over,
    pod,
    replica,
    restart,
)
from tests.replicas import replica_of, switch, until

__all__ = ["configuration", "replica"]


async def test_the_longer_the_quota_is_full_the_more_seldom_it_is_asked(configuration, cluster):
    clock, pauses = Clock(), []

    async def pause(seconds):
        pauses.append(seconds)
        await asyncio.sleep(0.01)

    async with replica_of(configuration, clock) as replica:
        await replica.synced()
        await made(replica, cluster)
        await switch(cluster, "delay", seconds=0.3, skip=1, method="POST", path=CREATES)
        await restart(replica)
        await until(lambda: pod(cluster) is None)
        replica.services.restart_pod._steps._upkeep._sleep = pause
        quota = cluster.store.get("resourcequotas", NAMESPACE, "genet")
        hard = {**quota["spec"]["hard"], "pods": "0"}
        cluster.store.update("resourcequotas", {**quota, "spec": {"hard": hard}})
        await until(lambda: len(pauses) > 2)
        assert set(pauses[:2]) == {0.5}, "at first it is only late to hear that the old pod is gone"
        clock.ahead = timedelta(minutes=10)
        await until(lambda: pauses[-1] == 5)


async def test_what_a_holder_with_a_fast_clock_left_is_not_waited_for_longer(configuration, cluster):
    fast, clock = Clock(), Clock()
    fast.ahead = timedelta(hours=1)
    async with replica_of(configuration, fast) as first, replica_of(configuration, clock) as other:
        await first.synced()
        await other.synced()
        before = await made(first, cluster)
        await switch(cluster, "fail", status=503, times=10_000, skip=1, method="POST", path=CREATES)
        await restart(first)
        await until(lambda: pod(cluster) is None)
        leave(first)
        await switch(cluster, "heal")
        await until(lambda: other.services.restart_pod._heard)
        clock.ahead = SILENT_AFTER + timedelta(seconds=1)
        await over(cluster, before)


async def test_it_counts_also_when_the_processes_of_the_old_pod_have_ended(replica, cluster):
    await made(replica, cluster)
    held = pod(cluster)
    cluster.store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": ["tests/held"]}})
    await restart(replica)
    await until(lambda: "deletionTimestamp" in pod(cluster)["metadata"])
    ended = pod(cluster)
    cluster.store.update("pods", {**ended, "status": {**ended["status"], "phase": "Succeeded"}}, subresource="status")
    await until(lambda: heard(replica) == "Succeeded")
    pods, quota = await listed(replica)
    assert (set(pods.values()), quota["podUsed"]) == ({"Restarting"}, 1)


async def test_the_answer_speaks_the_callers_language(replica, cluster):
    await made(replica, cluster)
    answer = await replica.ask("POST", f"{PATH}/restart", headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, "重新创建" in answer.json()["message"]) == (202, True)
