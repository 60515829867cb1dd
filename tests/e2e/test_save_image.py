"""A pod is saved as an image on a real node: containerd's own difference of its container, pushed to a real registry.

What stands in for nerdctl is told in `tests.e2e.committing.nerdctl`; all else is as an installation has it.
"""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Final

import httpx
import pytest

from genet import naming
from tests.e2e import workbench
from tests.e2e.committing import image as committing
from tests.e2e.committing.desk import Desk, files
from tests.e2e.committing.place import PUSH_SECRET, Jobs, Node
from tests.e2e.committing.registry import ACCOUNT, Registry, registry
from tests.e2e.conftest import SETTINGS, Kubectl, Person, installed, missing
from tests.e2e.test_cleanup import clean_up
from tests.processes import Replica, configuration, serving, until

pytestmark = pytest.mark.e2e

VARIABLE: Final = "a-token-of-the-person"
ON_THE_VOLUME: Final = "only-on-the-volume"
INSTALL: Final = f"""
set -e
mkdir -p /opt/tool/bin
printf '#!/bin/sh\\necho installed\\n' > /opt/tool/bin/tool
chmod 755 /opt/tool/bin/tool
ln -s /opt/tool/bin/tool /usr/local/bin/tool
echo owned > /opt/tool/owned; chown 1000:1000 /opt/tool/owned
rm /usr/bin/pgrep
echo {ON_THE_VOLUME} > /workspace/file
"""
"""What a package does: programs, links, owners, and something that is not there any more."""


@pytest.fixture(scope="module")
def tool() -> str:
    return os.environ.get("GENET_TEST_CLUSTER") or missing("GENET_TEST_CLUSTER names no tool that makes images")


@pytest.fixture(scope="module")
def node(kubectl: Kubectl) -> Node:
    return Node(kubectl)


@pytest.fixture(scope="module")
def shelf(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that the Job reaches from its pod and containerd from the node, which is told that it speaks HTTP."""
    directory = tmp_path_factory.mktemp("registry")
    with registry(installed("docker-registry"), node.address, directory) as running, node.told_of(running):
        yield running


@pytest.fixture(scope="module")
def jobs(kubectl: Kubectl, shelf: Registry, new_person: Callable[[], Person]) -> Iterator[Jobs]:
    name = f"{new_person().name}-jobs"
    kubectl("create", "namespace", name)
    yield Jobs(kubectl, name, shelf)
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def server(node: Node, jobs: Jobs, tool: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    committing.load(tool)
    workbench.load(tool)
    name, password = ACCOUNT
    pull = {"name": "shelf", "registry": jobs.shelf.address, "username": name, "password": password}
    settings = SETTINGS | {
        "pod": {**SETTINGS["pod"], "pullSecrets": [pull]},
        "commit": {
            "enabled": True,
            "repository": f"{jobs.shelf.address}/people/{{userIdentifier}}",
            "image": committing.COMMITTING,
            "namespace": jobs.name,
            "pushSecret": PUSH_SECRET,
            "socket": node.socket,
            "insecureRegistry": True,
            "timeoutMinutes": 5,
        },
    }
    with serving(configuration(tmp_path_factory.mktemp("save"), jobs.kubectl.kubeconfig, **settings)) as replica:
        yield replica


@pytest.fixture(scope="module")
def desk(server: Replica, new_person: Callable[[], Person]) -> Desk:
    person = new_person()
    variables = [{"name": "TOKEN", "value": VARIABLE}]
    made = Desk(server.client(person.name), person, workbench.WORKBENCH, "desk", env=variables)
    made.run("until [ -s /run/genet-ssh/sshd_config ]; do sleep 0.1; done")
    made.run(INSTALL)
    return made


def test_what_was_installed_is_in_a_new_pod_from_the_image(
    desk: Desk, kubectl: Kubectl, jobs: Jobs, shelf: Registry, node: Node
) -> None:
    repository = f"people/{desk.person.identifier}/team/desk"
    image = f"{shelf.address}/{repository}:v1"
    started = desk.save("team/desk:v1")
    assert started.status_code == 202, started.text
    again = desk.save("team/desk:v2")
    assert (again.status_code, again.json()["code"]) == (409, "commit_in_progress")
    restart = desk.http.post(f"{desk.address}/restart")
    assert (restart.status_code, restart.json()["code"]) == (409, "commit_in_progress")

    status, seen = desk.saved()
    print(f"\n{desk.id}: {seen}\n{status['logs']}")
    assert (status["status"], status["image"]) == ("succeeded", image), status
    assert len({line.partition(":")[0] for line in seen}) > 1, "it was seen on its way"

    job = kubectl.read("job", started.json()["jobName"], "-n", jobs.name)
    assert job["status"]["succeeded"] == 1
    (worker,) = kubectl.read("pods", "-n", jobs.name, "-l", f"job-name={job['metadata']['name']}")["items"]
    own = kubectl.read("pod", desk.id, "-n", desk.person.namespace)
    assert worker["spec"]["nodeName"] == own["spec"]["nodeName"]
    assert own["status"]["containerStatuses"][0]["restartCount"] == 0
    assert desk.run("cat /opt/tool/owned; cat /workspace/file").split() == ["owned", ON_THE_VOLUME], "it goes on"

    manifest = shelf.manifest(repository, "v1")
    assert manifest is not None
    config = json.loads(shelf.blob(repository, manifest["config"]["digest"]))
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 2
    assert VARIABLE not in json.dumps(config)
    layer = files(shelf.blob(repository, manifest["layers"][-1]["digest"]))
    print(f"the layer: {manifest['layers'][-1]['size']} bytes, {sorted(layer)}")
    assert layer["opt/tool/owned"][0].uid == 1000
    assert layer["usr/bin/.wh.pgrep"]

    node.ctr("images", "rm", "--sync", image)
    new = Desk(desk.http, desk.person, image, "new")
    assert new.run("tool; stat -c %u /opt/tool/owned; [ -e /usr/bin/pgrep ] || echo gone") == "installed\n1000\ngone\n"
    events = kubectl("get", "events", "-n", desk.person.namespace, "--field-selector", f"involvedObject.name={new.id}")
    assert f'Successfully pulled image "{image}"' in events
    desk.http.delete(new.address)


def test_no_secret_and_no_volume_is_in_the_layer(desk: Desk, kubectl: Kubectl, shelf: Registry, jobs: Jobs) -> None:
    """Whoever may pull the image sees all of it. That the words are found where they are is seen first."""
    namespace = desk.person.namespace
    host_key = kubectl.read("secret", f"{desk.id}-ssh", "-n", namespace)["data"]["ssh_host_ed25519_key"]
    key = b64decode(host_key).splitlines()[2]
    words = {"variable": VARIABLE.encode(), "volume": ON_THE_VOLUME.encode(), "host key": key}
    there = desk.run("cat /run/genet-ssh/* /workspace/file").encode()
    assert all(word in there for word in words.values())
    assert desk.run("stat -f -c %T /run/genet-ssh; stat -c %a /run/genet-ssh").split() == ["tmpfs", "700"]

    assert desk.save("secrets:1").status_code == 202
    status, _ = desk.saved()
    assert status["status"] == "succeeded", status
    repository = f"people/{desk.person.identifier}/secrets"
    manifest = shelf.manifest(repository, "1")
    assert manifest is not None
    layer = files(shelf.blob(repository, manifest["layers"][-1]["digest"]))
    assert layer["opt/tool/owned"][1] == b"owned\n"
    assert [(what, path) for path, (_, text) in layer.items() for what, word in words.items() if word in text] == []


def test_of_all_who_save_a_pod_at_once_one_does_and_the_lease_goes_with_the_job(
    server: Replica, desk: Desk, kubectl: Kubectl, jobs: Jobs
) -> None:
    before = set(jobs.all().split())
    with serving(server.config) as second, ThreadPoolExecutor(8) as pool:
        barrier = Barrier(8)

        def save(number: int) -> int:
            url = (server, second)[number % 2].url
            with httpx.Client(base_url=url, params={"user": desk.person.name}, trust_env=False, timeout=30) as http:
                barrier.wait(30)
                return http.post(f"{desk.address}/commit", json={"image": f"many:{number}"}).status_code

        answers = sorted(pool.map(save, range(8)))
    assert answers == [202] + 7 * [409]
    (job,) = set(jobs.all().split()) - before
    assert desk.saved()[0]["status"] == "succeeded"
    lease = ("lease", naming.commit_lease(desk.uid(kubectl)), "-n", jobs.name)
    assert kubectl.read(*lease)["spec"]["holderIdentity"] == job.partition("/")[2]
    kubectl("delete", job, "-n", jobs.name)
    until(lambda: kubectl.run("get", *lease).returncode != 0, seconds=60, what="the Lease is gone")


def test_what_the_registry_refuses_is_said_and_the_pod_goes_on(
    desk: Desk, kubectl: Kubectl, shelf: Registry, jobs: Jobs
) -> None:
    jobs.push_as("genet", "another password")
    assert desk.save("refused:1").status_code == 202
    status, seen = desk.saved()
    print(f"\n{seen}\n{status['logs']}")
    assert status["status"] == "failed"
    assert status["message"].startswith("the registry did not take the image"), status
    assert "镜像仓库拒绝接收" in desk.status("zh")["message"]
    assert "401 Unauthorized" in status["logs"]
    assert "another password" not in json.dumps(status)
    assert shelf.manifest(f"people/{desk.person.identifier}/refused", "1") is None
    desk.run("true")

    jobs.push_as(*ACCOUNT)
    assert desk.save("refused:1").status_code == 202, "the one before is over"
    assert desk.saved()[0]["status"] == "succeeded"
    assert shelf.manifest(f"people/{desk.person.identifier}/refused", "1") is not None


@pytest.mark.parametrize(
    "image", ["docker.io/library/busybox:1", "../bob/desk:1", "{shelf}/people/bob/desk:1", "Desk", "-x", "a b"]
)
def test_a_name_outside_of_the_own_part_makes_no_job(
    desk: Desk, kubectl: Kubectl, shelf: Registry, jobs: Jobs, image: str
) -> None:
    before = jobs.all()
    refused = desk.save(image.format(shelf=shelf.address))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "image"), refused.text
    assert jobs.all() == before


@pytest.fixture
def unlike_others(tool: str, person: Person, tmp_path: Path) -> str:
    """An image that shares its layer with none, so that a node can lose it."""
    (tmp_path / "bin").mkdir()
    shutil.copy(installed("busybox"), tmp_path / "bin" / "busybox")
    for name in ("sh", "sleep", "dd", "cat", "true"):
        (tmp_path / "bin" / name).symlink_to("busybox")
    (tmp_path / "whose").write_text(person.name)
    image = f"cluster.local/{person.name}:1"
    subprocess.run([tool, "image", image, str(tmp_path)], check=True, timeout=120, stdout=subprocess.DEVNULL)
    return image


@pytest.fixture
def unlike(server: Replica, person: Person, unlike_others: str) -> Desk:
    return Desk(server.client(person.name), person, unlike_others, "unlike")


def test_a_base_whose_layers_the_node_has_thrown_away_is_said(unlike: Desk, node: Node) -> None:
    """As containerd does with `discard_unpacked_layers`."""
    (layer,) = node.layers(unlike.image)
    node.ctr("content", "rm", layer)
    assert unlike.save("base:1").status_code == 202
    status, _ = unlike.saved()
    print(f"\n{status['message']}\n{status['logs']}")
    assert status["status"] == "failed"
    assert "does not have all layers" in status["message"]
    unlike.run("true")


def test_the_clean_up_keeps_what_is_being_saved_and_what_a_killed_job_left_paused_goes_on(
    server: Replica, unlike: Desk, kubectl: Kubectl, jobs: Jobs, node: Node
) -> None:
    """The one that pauses is ended by force, and so cannot let the container go on itself."""
    unlike.run("dd if=/dev/urandom of=/large bs=1M count=400 2>/dev/null")
    before = kubectl.read("pod", unlike.id, "-n", unlike.person.namespace)
    container = before["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    job = unlike.save("large:1").json()["jobName"]
    until(lambda: node.state(container) == "PAUSED", seconds=60, what="the container is paused")
    told = clean_up(server, "--dry-run")
    assert (told[unlike.id]["action"], told[unlike.id]["reason"]) == ("kept", "saving")
    reading = until(lambda: jobs.reading(job), what="the Job's container is known")
    node.ctr("tasks", "kill", "-s", "SIGKILL", reading)
    status, seen = unlike.saved()
    print(f"\n{seen}; the container is {node.state(container)}")
    assert status["status"] == "failed"
    assert "Genet lets them go on" in status["message"]
    until(lambda: node.state(container) == "RUNNING", seconds=60, what="the container goes on")
    unlike.run("[ -s /large ]")
    after = kubectl.read("pod", unlike.id, "-n", unlike.person.namespace)
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    assert clean_up(server, "--dry-run")[unlike.id]["action"] == "would-delete"
    assert jobs.all().count("unpause-") == 1
