from tests.replicas import replica_of, settings, switch, until

NAMESPACE, POD = "user-alice-alice", "pod-alice-alice-a"
PATH = f"/api/pods/{POD}"


async def delete(replica, **more):
    answer = await replica.ask("DELETE", PATH, **more)
    assert answer.content == b"" or answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code


async def test_deleting_is_accepted_again_while_it_lasts_and_then_not_found(replica, cluster):
    await replica.create(name="a", command=["sleep", "3600"])
    await until(lambda: cluster.store.get("pods", NAMESPACE, POD)["status"].get("phase") == "Running")
    pod = cluster.store.get("pods", NAMESPACE, POD)
    pod["metadata"]["finalizers"] = ["tests/held"]
    cluster.store.update("pods", pod)
    assert await delete(replica) == 204
    assert (await replica.ask("GET", PATH)).json()["status"] == "Terminating"
    assert await delete(replica) == 204
    pod = cluster.store.get("pods", NAMESPACE, POD)
    cluster.store.update("pods", {**pod, "metadata": {**pod["metadata"], "finalizers": []}})
    await until(lambda: cluster.store.find("pods", NAMESPACE, POD) is None)
    assert await delete(replica) == 404


async def test_a_pod_that_never_ran_is_gone_from_the_list_at_once(replica):
    await replica.create(name="a", cpu="64")  # more than any node has
    assert await delete(replica) == 204
    assert await replica.pods() == []
    assert await delete(replica) == 404


async def test_what_another_replica_made_anew_under_the_name_is_deleted_and_not_only_said_so(
    replica, kubeconfig, cluster
):
    await replica.create(name="a", cpu="64")
    async with replica_of(settings(kubeconfig)) as stale:
        await stale.synced()
        await switch(cluster, "freeze")
        await delete(replica)
        await replica.create(name="a", cpu="64")
        assert await delete(stale) == 204
    assert cluster.store.find("pods", NAMESPACE, POD) is None


async def test_somebody_elses_pod_is_not_found_and_stays(replica, cluster):
    await replica.create(name="a")
    assert await delete(replica, user="mallory") == 404
    assert await delete(replica, user="mallory", params={"owner": "alice-alice"}) == 404
    assert cluster.store.find("pods", NAMESPACE, POD)


async def test_who_deleted_what_is_told_for_a_week_to_its_owner_alone(replica):
    await replica.create(name="a", cpu="64")
    await delete(replica)
    answer = (await replica.ask("GET", "/api/history")).json()
    assert [(one["pod"], one["by"], one["reason"]["code"]) for one in answer["deleted"]] == [
        (POD, "alice-alice", "by_person")
    ]
    assert (await replica.ask("GET", "/api/history", user="mallory")).json() == {"deleted": []}
    foreign = {"owner": "alice-alice"}
    assert (await replica.ask("GET", "/api/history", user="mallory", params=foreign)).status_code == 404
    seen = await replica.ask("GET", "/api/history", user="admin", params={"owner": "alice-alice"})
    assert seen.json() == answer


async def test_it_is_said_before_what_is_lost(replica):
    await replica.create(name="a")
    told = (await replica.ask("GET", f"{PATH}/consequences")).json()
    assert "filesystem" in {reason["code"] for reason in told["delete"]["lost"]}
    assert (await replica.ask("GET", f"{PATH}/consequences", user="mallory")).status_code == 404
