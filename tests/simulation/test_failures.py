"""What goes wrong in the embedded cluster goes wrong in a real one's words."""

import pytest

from tests.simulation.world import World


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry.example/missing:1", "registry.example/missing:1: not found"),
        ("registry.example/forbidden:1", "failed with status code [manifests 1]: 403 Forbidden"),
        ("registry.example/ratelimit:1", "failed with status code [manifests 1]: 429 Too Many Requests"),
        ("unreachable.example/tool:1", "dial tcp: lookup unreachable.example: no such host"),
    ],
)
async def test_an_image_that_cannot_be_pulled(empty: World, image: str, words: str):
    empty.pod("typo", image=image)
    await empty.time.advance(5)
    waiting = empty.state("typo")["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
    assert waiting["message"].endswith(words)


async def test_a_name_with_capitals_is_no_image(empty: World):
    empty.pod("typo", image="UPPER/Case:1")
    await empty.time.advance(5)
    assert empty.state("typo")["waiting"]["reason"] == "InvalidImageName"
    assert empty.state("typo")["waiting"]["message"].endswith("repository name must be lowercase")
    assert "InspectFailed" in empty.reasons("typo")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("no-such-program", 'exec: "no-such-program": executable file not found in $PATH: unknown'),
        (
            "/opt/no-such-thing",
            'exec: "/opt/no-such-thing": stat /opt/no-such-thing: no such file or directory: unknown',
        ),
    ],
)
async def test_a_program_that_is_not_there_never_begins(empty: World, program: str, words: str):
    spec = {"containers": [{"name": "main", "image": "debian:13", "command": [program]}]}
    empty.create("pods", "typo", spec)
    await empty.time.advance(30)
    status = empty.get("typo")["status"]["containerStatuses"][0]
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    ended = status["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert ended["message"].endswith(words)
    assert status["restartCount"] >= 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "gone", "key": "a"}}, 'secret "gone" not found'),
        ({"configMapKeyRef": {"name": "gone", "key": "a"}}, 'configmap "gone" not found'),
        ({"secretKeyRef": {"name": "here", "key": "no"}}, "couldn't find key no in Secret default/here"),
    ],
)
async def test_a_variable_from_what_is_not_there(empty: World, source: dict[str, object], words: str):
    empty.create("secrets", "here", data={"a": "Yg=="})
    empty.pod("waits", env=[{"name": "A", "valueFrom": source}])
    await empty.time.advance(5)
    assert empty.state("waits")["waiting"] == {"reason": "CreateContainerConfigError", "message": words}


async def test_a_container_starts_once_its_variables_can_be_filled_in(empty: World):
    empty.pod("waits", env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "late", "key": "a"}}}])
    await empty.time.advance(5)
    empty.create("secrets", "late", data={"a": "Yg=="})
    await empty.time.advance(5)
    assert "running" in empty.state("waits")


async def test_a_pod_waits_for_the_config_map_that_it_mounts(empty: World):
    empty.pod("waits", volumes=[{"name": "conf", "configMap": {"name": "settings"}}])
    await empty.time.advance(5)
    assert "FailedMount" in empty.reasons("waits")
    empty.create("configmaps", "settings")
    await empty.time.advance(5)
    assert empty.get("waits")["status"]["phase"] == "Running"


async def test_an_evicted_pod_has_failed_and_stays_so(empty: World):
    empty.pod("eater")
    await empty.time.advance(5)
    empty.cluster.accidents.evict("default", "eater")
    await empty.time.advance(60)
    status = empty.get("eater")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert "low on resource: memory" in status["message"]
    assert "Evicted" in empty.reasons("eater")


async def test_a_lost_node_is_unknown_takes_no_pods_and_comes_back(empty: World):
    empty.pod("web")
    await empty.time.advance(5)
    empty.cluster.accidents.lose("node1")
    node = empty.get("node1", "nodes", "")
    assert {item["status"] for item in node["status"]["conditions"]} == {"Unknown"}
    empty.pod("late")
    await empty.time.advance(5)
    assert "nodeName" not in empty.get("late")["spec"]
    ready = next(item for item in empty.get("web")["status"]["conditions"] if item["type"] == "Ready")
    assert ready["status"] == "False"
    empty.cluster.accidents.restore("node1")
    await empty.time.advance(5)
    assert empty.get("late")["status"]["phase"] == "Running"
