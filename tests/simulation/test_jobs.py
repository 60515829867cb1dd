from typing import Any

from tests.simulation.world import World


def job(world: World, name: str, command: str, **spec: Any) -> None:
    container = {"name": "main", "image": "debian:13", "command": ["sh", "-c", command]}
    world.create("jobs", name, {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}, **spec})


def outcome(world: World, name: str) -> tuple[list[str], int, int]:
    status = world.get(name, "jobs")["status"]
    conditions = [item["reason"] for item in status.get("conditions", ()) if item["type"] in ("Complete", "Failed")]
    return conditions, status.get("succeeded", 0), status.get("failed", 0)


async def test_a_job_is_complete_when_enough_pods_have_succeeded(empty: World):
    job(empty, "three", "exit 0", completions=3, parallelism=2)
    await empty.time.advance(1)
    assert empty.get("three", "jobs")["status"]["active"] == 2
    await empty.time.advance(10)
    assert outcome(empty, "three") == (["CompletionsReached"], 3, 0)
    assert empty.get("three", "jobs")["status"]["completionTime"]
    assert empty.reasons("three") == ["SuccessfulCreate", "SuccessfulCreate", "SuccessfulCreate", "Completed"]


async def test_a_failing_job_pauses_between_pods_and_gives_up_at_its_limit(empty: World):
    job(empty, "bad", "exit 1", backoffLimit=2)
    failures = []
    for _ in range(6):
        await empty.time.advance(8)
        failures.append(outcome(empty, "bad")[2])
    assert failures == [1, 2, 2, 2, 3, 3]
    assert outcome(empty, "bad")[0] == ["BackoffLimitExceeded"]


async def test_a_finished_job_goes_after_its_time_to_live(empty: World):
    job(empty, "brief", "exit 0", ttlSecondsAfterFinished=60)
    await empty.time.advance(30)
    assert empty.store.list("jobs")
    await empty.time.advance(60)
    assert empty.store.list("jobs") == []
    assert empty.store.list("pods", "default") == []


async def test_a_quota_holds_a_job_up_until_it_is_raised(empty: World):
    quota = empty.create("resourcequotas", "q", {"hard": {"pods": "0"}})
    job(empty, "held", "exit 0")
    await empty.time.advance(7)
    assert "FailedCreate" in empty.reasons("held")
    quota = empty.get("q", "resourcequotas")
    empty.store.update("resourcequotas", {**quota, "spec": {"hard": {"pods": "1"}}})
    await empty.time.advance(20)
    assert outcome(empty, "held")[0] == ["CompletionsReached"]


async def test_deleting_a_job_in_the_background_takes_its_pods_along(empty: World):
    job(empty, "gone", "sleep 1000")
    await empty.time.advance(5)
    empty.store.delete("jobs", "default", "gone")
    await empty.time.advance(5)
    assert empty.store.list("pods", "default") == []


async def test_a_job_that_takes_longer_than_it_may_is_ended(empty: World):
    job(empty, "long", "sleep 1000", activeDeadlineSeconds=60)
    await empty.time.advance(55)
    assert outcome(empty, "long") == ([], 0, 0)
    await empty.time.advance(10)
    assert outcome(empty, "long")[0] == ["DeadlineExceeded"]
    assert empty.store.list("pods", "default") == []


async def test_the_time_that_it_may_take_counts_through_its_pauses(empty: World):
    job(empty, "bad", "exit 1", backoffLimit=6, activeDeadlineSeconds=25)
    await empty.time.advance(40)
    assert outcome(empty, "bad")[0] == ["DeadlineExceeded"]


async def test_a_job_has_failed_only_when_its_last_pod_has_ended(empty: World):
    job(empty, "stubborn", "trap '' TERM; sleep 1000", activeDeadlineSeconds=20)
    await empty.time.advance(25)
    status = empty.get("stubborn", "jobs")["status"]
    assert [item["type"] for item in status["conditions"]] == ["FailureTarget"]
    assert status["terminating"] == 1
    await empty.time.advance(40)
    status = empty.get("stubborn", "jobs")["status"]
    assert [item["type"] for item in status["conditions"]] == ["FailureTarget", "Failed"]
    assert "terminating" not in status


async def test_a_pod_that_is_deleted_before_its_end_has_failed(empty: World):
    job(empty, "once", "sleep 1000", backoffLimit=0)
    await empty.time.advance(5)
    [pod] = empty.store.list("pods", "default")
    empty.store.delete("pods", "default", pod["metadata"]["name"], grace_period_seconds=0)
    await empty.time.advance(20)
    assert outcome(empty, "once") == (["BackoffLimitExceeded"], 0, 1)
    assert empty.store.list("pods", "default") == []


async def test_a_pod_that_has_ended_stays_counted_when_it_is_deleted(empty: World):
    job(empty, "two", "exit 0", completions=2, parallelism=1)
    await empty.time.advance(2.5)
    [pod, *_] = [pod for pod in empty.store.list("pods", "default") if pod["status"]["phase"] == "Succeeded"]
    empty.store.delete("pods", "default", pod["metadata"]["name"])
    await empty.time.advance(10)
    assert outcome(empty, "two") == (["CompletionsReached"], 2, 0)
    assert empty.reasons("two").count("SuccessfulCreate") == 2


async def test_a_job_whose_init_container_fails_has_failed(empty: World):
    first = {"name": "first", "image": "debian:13", "command": ["sh", "-c", "echo why; exit 1"]}
    main = {"name": "main", "image": "debian:13"}
    template = {"spec": {"restartPolicy": "Never", "initContainers": [first], "containers": [main]}}
    empty.create("jobs", "bad", {"template": template, "backoffLimit": 0})
    await empty.time.advance(10)
    assert outcome(empty, "bad") == (["BackoffLimitExceeded"], 0, 1)
