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
