"""`genet pods commit` as people type it, against a real replica over the embedded cluster and its own nerdctl."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genet.simulation.cluster import Cluster
from tests.client.people import SLEEP, Person, person_of
from tests.processes import GENET, ROOT
from tests.replicas import Replica, replica_of, settings

OWN = "registry.example.com/people/alice-alice"
COMMIT = {
    "enabled": True,
    "repository": "registry.example.com/people/{userIdentifier}",
    "image": "registry.example.com/genet/nerdctl:2",
}


@pytest.fixture
async def replica(cluster: Cluster, kubeconfig: Path) -> AsyncIterator[Replica]:
    cluster.store.create("namespaces", {"metadata": {"name": "genet-jobs"}})
    async with replica_of(settings(kubeconfig, commit=COMMIT)) as one:
        await one.synced()
        yield one


@pytest.fixture
async def alice(replica, url, tmp_path) -> Person:
    person = await person_of(replica, url, tmp_path, "alice")
    await person.does("create", "--image", "debian:13", "--name", "a", *SLEEP)
    return person


async def test_a_pod_is_saved_and_the_next_one_starts_from_it(alice):
    done = await alice.pods("commit", "a", "torch:1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"a is saved as {OWN}/torch:1\n  a pod from it: genet pods create --image {OWN}/torch:1\n"
    assert "a is being saved by commit-alice-alice-" in done.stderr
    assert f"a: it pushes {OWN}/torch:1" in done.stderr
    image = (await alice.does("commit", "a", "-o", "name")).rstrip("\n")
    assert image == f"{OWN}/torch:1"
    assert json.loads(await alice.does("commit", "a", "-o", "json"))["status"] == "succeeded"
    await alice.does("create", "--image", image, "--name", "b", *SLEEP)


async def test_a_second_saving_is_refused_and_the_first_one_can_be_waited_for(alice):
    assert "a has not been saved" in await alice.fails(1, "commit", "a")
    begun = json.loads(await alice.does("commit", "a", "torch:1", "--no-wait", "-o", "json"))
    assert begun["jobName"].startswith("commit-alice-alice-")
    assert "a is being saved" in await alice.does("commit", "a", "--no-wait")
    assert "a is being saved" in await alice.fails(1, "commit", "a", "--no-wait", "-o", "name")
    assert "is being saved already" in await alice.fails(1, "commit", "a", "torch:2")
    assert f"a is saved as {OWN}/torch:1" in await alice.does("commit", "a")


async def test_what_went_wrong_is_said_with_the_last_lines_and_the_exit_code(alice):
    done = await alice.pods("commit", "a", "forbidden:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "genet: a was not saved: the registry did not take the image" in done.stderr
    assert "insufficient_scope" in done.stderr
    assert "a was not saved: the registry did not take the image" in await alice.fails(1, "commit", "a")
    assert "was not saved" in await alice.fails(1, "commit", "a", "-o", "name")


@pytest.mark.parametrize("image", ["Torch:1", "torch@sha256:0", "registry.example.com/people/bob-bob/torch:1"])
async def test_a_name_that_cannot_be_is_refused_with_the_word_that_said_it(alice, image):
    assert "image (IMAGE): " in await alice.fails(2, "commit", "a", image)


async def test_an_interrupt_leaves_the_saving_going_on(alice):
    process = await asyncio.create_subprocess_exec(
        *GENET, "pods", "commit", "a", "torch:1", env=alice.env(), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert b"is being saved" in await process.stderr.readline()
    await process.stderr.readline()  # of the progress: it waits now
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert b"the saving of a goes on" in err
    assert f"{OWN}/torch:1" in await alice.does("commit", "a")


async def test_nobody_saves_somebody_elses_pod(alice, replica, url, tmp_path):
    bob = await person_of(replica, url, tmp_path / "bob", "bob")
    assert "no pod 'a'" in await bob.fails(4, "commit", "a", "mine:1")
    await bob.fails(4, "commit", "pod-alice-alice-a", "mine:1", "--owner", "alice-alice")
    reader = await person_of(replica, url, tmp_path / "reader", "alice", "pods:read")
    assert "pods:write" in await reader.fails(3, "commit", "a", "mine:1")
    assert "a has not been saved" in await reader.fails(1, "commit", "a")
