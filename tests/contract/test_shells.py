"""What the HTTP API promises about commands and terminals in pods, whatever the cluster is."""

import asyncio

import pytest

from tests.screens import screen


@pytest.fixture
async def pod(person):
    made = await person.made("one", cpu="200m")
    await person.sees("one", "Running")
    return made["id"]


@pytest.fixture
def run(person, pod):
    async def ask(*command, **more):
        return await person.http.post(f"/api/pods/{pod}/exec", json={"command": list(command), **more})

    return ask


async def left(run, name):
    return [line for line in (await run("ps")).json()["stdout"].splitlines() if name in line and "ps" not in line]


async def test_a_command_says_what_it_says_and_how_it_ended(run):
    answer = (await run("sh", "-c", "echo out; echo err >&2; exit 7")).json()
    assert (answer["exitCode"], answer["stdout"], answer["stderr"]) == (7, "out\n", "err\n")
    assert (await run("echo", "$(id)", "'", "a b")).json()["stdout"] == "$(id) ' a b\n"
    refused = await run("nosuch")
    assert (refused.status_code, refused.json()["code"]) == (422, "exec_failed")


async def test_a_time_out_leaves_nothing_of_a_command(run):
    done = (await run("sh", "-c", "setsid sleep 1000 & sleep 1001", timeoutSeconds=1)).json()
    assert (done["timedOut"], done["processLeft"], done["exitCode"]) == (True, False, None)
    assert not await left(run, "sleep 100")


async def test_a_terminal_has_a_size_and_leaves_nothing_when_it_is_closed(backend, person, pod, run):
    async with screen(backend.url, pod, user=person.username, cols=99, rows=31) as one:
        await one.type("stty size\n")
        await one.until("31 99\r\n")
        await one.type("sleep 1000\n")
        async with asyncio.timeout(10):
            while not await left(run, "sleep 1000"):
                pass
    async with asyncio.timeout(20):
        while await left(run, "sleep 1000"):
            pass


async def test_a_pod_that_does_not_run_has_neither(person):
    answer = await person.http.post("/api/pods", json={"image": "cluster.local/missing:1", "name": "two"})
    await person.sees("two", "ErrImagePull", "ImagePullBackOff")
    refused = await person.http.post(f"/api/pods/{answer.json()['id']}/exec", json={"command": ["true"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")
