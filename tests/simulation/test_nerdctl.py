"""A Job that saves a running container as an image, as Genet makes it."""

from typing import Any

import pytest

from tests.simulation.world import World

SOCKET = "/run/containerd/containerd.sock"
IMAGE = "registry.example/people/alice/tool:1"


async def running(world: World) -> str:
    """The id of a container that runs."""
    world.pod("web")
    await world.time.advance(5)
    container_id: str = world.get("web")["status"]["containerStatuses"][0]["containerID"]
    return container_id.removeprefix("containerd://")


def save(world: World, container_id: str, image: str = IMAGE, *, mounted: str = SOCKET, **spec: Any) -> None:
    mount = [{"name": "socket", "mountPath": mounted}]
    call = ["--address", SOCKET, "--namespace", "k8s.io"]
    common = {"image": "registry.example/nerdctl:1", "command": ["nerdctl"], "volumeMounts": mount}
    pod = {
        "restartPolicy": "Never",
        "initContainers": [
            {"name": "commit", "args": [*call, "commit", "--pause=true", container_id, image], **common}
        ],
        "containers": [{"name": "push", "args": [*call, "push", image], **common}],
        "volumes": [{"name": "socket", "hostPath": {"path": SOCKET, "type": "Socket"}}],
        "nodeSelector": {"kubernetes.io/hostname": world.get("web")["spec"]["nodeName"]},
    }
    world.create("jobs", "commit-1", {"backoffLimit": 0, "template": {"spec": pod}, **spec})


def ended(world: World) -> list[tuple[str, str]]:
    conditions = world.get("commit-1", "jobs")["status"].get("conditions", ())
    return [(item["type"], item["reason"]) for item in conditions if item["type"] in ("Complete", "Failed")]


def logs(world: World, container: str) -> str:
    [pod] = [pod for pod in world.store.list("pods", "default") if pod["metadata"]["name"] != "web"]
    return "\n".join(text for _, text in world.cluster.containers.logs(pod, container, previous=False))


async def test_a_container_is_committed_and_pushed(empty: World):
    container_id = await running(empty)
    save(empty, container_id)
    await empty.time.advance(3.5)
    assert ended(empty) == []
    await empty.time.advance(10)
    assert ended(empty) == [("Complete", "CompletionsReached")]
    assert logs(empty, "commit").splitlines()[-1].startswith("sha256:")
    assert "pushing as a reduced-platform image" in logs(empty, "push")
    assert empty.cluster.nerdctl.pushed == {IMAGE: container_id}


@pytest.mark.parametrize(
    ("word", "container", "said"),
    [
        ("nospace", "commit", "no space left on device"),
        ("collected", "push", "content digest sha256:"),
        ("toodeep", "commit", "mount options is too long"),
        ("unauthorized", "push", "401 Unauthorized"),
        ("forbidden", "push", "insufficient_scope: authorization failed"),
        ("ratelimit", "push", "429 Too Many Requests"),
        ("unreachable", "push", "dial tcp: lookup registry.example: no such host"),
    ],
)
async def test_what_goes_wrong_by_the_name_of_the_image(empty: World, word: str, container: str, said: str):
    save(empty, await running(empty), f"registry.example/people/alice/{word}:1")
    await empty.time.advance(20)
    assert ended(empty) == [("Failed", "BackoffLimitExceeded")]
    last = logs(empty, container).splitlines()[-1]
    assert "level=fatal" in last
    assert said in last
    assert empty.cluster.nerdctl.pushed == {}


async def test_a_job_that_takes_too_long_is_ended_with_its_pod(empty: World):
    save(empty, await running(empty), "registry.example/people/alice/endless:1", activeDeadlineSeconds=60)
    await empty.time.advance(50)
    assert ended(empty) == []
    await empty.time.advance(20)
    assert ended(empty) == [("Failed", "DeadlineExceeded")]
    assert [pod["metadata"]["name"] for pod in empty.store.list("pods", "default")] == ["web"]


@pytest.mark.parametrize("container_id", ["0" * 64, ""])
async def test_a_container_that_does_not_run_on_this_node_is_not_there(empty: World, container_id: str):
    await running(empty)
    save(empty, container_id)
    await empty.time.advance(20)
    assert ended(empty) == [("Failed", "BackoffLimitExceeded")]
    assert f"no such container {container_id}" in logs(empty, "commit")


async def test_a_container_that_ends_meanwhile_is_not_there(empty: World):
    save(empty, await running(empty))
    await empty.time.advance(4)
    empty.store.delete("pods", "default", "web", grace_period_seconds=0)
    await empty.time.advance(20)
    assert ended(empty) == [("Failed", "BackoffLimitExceeded")]


async def test_without_the_socket_of_the_node_nothing_can_be_done(empty: World):
    save(empty, await running(empty), mounted="/somewhere/else")
    await empty.time.advance(20)
    assert f'cannot access containerd socket \\"{SOCKET}\\": no such file' in logs(empty, "commit")


def unpause(world: World, name: str, container_id: str) -> None:
    container = {
        "name": "unpause",
        "image": "registry.example/nerdctl:1",
        "command": ["nerdctl"],
        "args": ["--address", SOCKET, "--namespace", "k8s.io", "unpause", container_id],
        "volumeMounts": [{"name": "socket", "mountPath": SOCKET}],
    }
    pod = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "socket", "hostPath": {"path": SOCKET, "type": "Socket"}}],
        "nodeSelector": {"kubernetes.io/hostname": world.get("web")["spec"]["nodeName"]},
    }
    world.create("jobs", name, {"backoffLimit": 0, "template": {"spec": pod}})


async def test_a_container_is_paused_while_it_is_read_and_after_a_commit_that_was_killed(empty: World):
    container_id, nerdctl = await running(empty), empty.cluster.nerdctl
    save(empty, container_id)
    await empty.time.advance(3.5)
    assert nerdctl.paused == {container_id}
    await empty.time.advance(10)
    assert nerdctl.paused == set()

    empty.store.delete("jobs", "default", "commit-1")
    await empty.time.advance(5)
    save(empty, container_id, "registry.example/people/alice/endless:1", activeDeadlineSeconds=60)
    await empty.time.advance(90)
    assert ended(empty) == [("Failed", "DeadlineExceeded")]
    assert nerdctl.paused == {container_id}
    for name, reason in (("unpause-1", "CompletionsReached"), ("unpause-2", "BackoffLimitExceeded")):
        unpause(empty, name, container_id)
        await empty.time.advance(10)
        assert nerdctl.paused == set()
        assert empty.get(name, "jobs")["status"]["conditions"][-1]["reason"] == reason
