import asyncio
import json

import aiohttp
import pytest

from tests.simulation.serving import PODS, pod, serving

LOG = f"{PODS}/p/log"


@pytest.fixture
async def kube():
    async with serving() as client:
        await client.namespace()
        yield client


async def running(kube, *, last=None, **state):
    await kube.ask("POST", PODS, pod(nodeName="n"))
    status = {"name": "main", "state": state or {"running": {}}, "lastState": last or {}}
    await kube.patch(f"{PODS}/p/status", {"status": {"phase": "Running", "containerStatuses": [status]}})


async def text(kube, path=LOG, **params):
    async with kube.session.get(kube.url + path, params=params) as response:
        return await response.text()


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        ({}, ["line 1", "line 2", "line 3"]),
        ({"tailLines": 1}, ["line 3"]),
        ({"tailLines": 0}, []),
        ({"sinceSeconds": 2}, ["line 3"]),
        ({"limitBytes": 6}, ["line 1"]),
        ({"tailLines": 1, "timestamps": "true"}, ["2026-01-02T03:04:03.000000000Z line 3"]),
    ],
)
async def test_logs_are_cut_as_asked(kube, params, lines):
    await running(kube)
    assert (await text(kube, **params)).splitlines() == lines


async def test_a_followed_log_goes_on_until_the_container_ends(kube):
    await running(kube)
    containers = kube.api._pod_streams._containers
    async with kube.session.get(kube.url + LOG, params={"follow": "true", "tailLines": 1}) as response:
        assert await response.content.readline() == b"line 3\n"
        containers.coming.put_nowait("news")
        assert await response.content.readline() == b"news\n"
        containers.coming.put_nowait("")
        assert await response.content.read() == b""


async def test_the_log_of_an_earlier_life_needs_one(kube):
    await running(kube)
    refused = await kube.ask("GET", LOG, previous="true")
    assert refused["message"] == 'previous terminated container "main" in pod "p" not found'
    await kube.patch(f"{PODS}/p/status", {"status": {"containerStatuses": [
        {"name": "main", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}},
    ]}})  # fmt: skip
    assert (await text(kube, previous="true")).startswith("old 1")


async def test_a_waiting_container_has_no_log_yet(kube):
    await running(kube, waiting={"reason": "ImagePullBackOff"})
    refused = await kube.ask("GET", LOG)
    assert refused["message"].endswith("is waiting to start: trying and failing to pull image")


async def test_a_pod_without_a_node_has_an_empty_log(kube):
    await kube.ask("POST", PODS, pod())
    assert await text(kube) == ""


async def test_the_container_must_be_named_among_several(kube):
    containers = [{"name": name, "image": "busybox"} for name in ("a", "b")]
    await kube.ask("POST", PODS, pod(containers=containers, nodeName="n"))
    assert (await kube.ask("GET", LOG))["message"].endswith("choose one of: [a b]")
    assert (await kube.ask("GET", LOG, container="c"))["message"] == "container c is not valid for pod p"


async def execute(kube, *command, protocol="v5.channel.k8s.io", typed=(), **params):
    """Runs a command; gives what came on each channel."""
    query = [("command", word) for word in command] + [(key, "true") for key in ("stdout", "stderr", *params)]
    heard = {1: b"", 2: b"", 3: b""}
    async with kube.session.ws_connect(
        f"{kube.url}{PODS}/p/exec?" + "&".join(f"{key}={value}" for key, value in query), protocols=(protocol,)
    ) as socket:
        assert socket.protocol == protocol
        for data in typed:
            await socket.send_bytes(data)
        async for message in socket:
            heard[message.data[0]] += message.data[1:]
    return heard[1], heard[2], json.loads(heard[3])


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v5.channel.k8s.io"])
async def test_exec_gives_both_outputs_and_the_exit_status(kube, protocol):
    await running(kube)
    assert await execute(kube, "echo", "hi", protocol=protocol) == (
        b"echo hi\n", b"warned\n", {"metadata": {}, "status": "Success"},
    )  # fmt: skip
    _, _, status = await execute(kube, "exit", "3", protocol=protocol)
    assert (status["reason"], status["details"]["causes"]) == (
        "NonZeroExitCode", [{"reason": "ExitCode", "message": "3"}],
    )  # fmt: skip


async def test_exec_reads_its_input_until_it_is_closed(kube):
    await running(kube)
    out, _, status = await execute(kube, "cat", stdin=True, typed=(b"\0one ", b"\0two", b"\xff\0"))
    assert (out, status["status"]) == (b"one two", "Success")


async def test_a_command_hears_that_its_input_has_ended_when_its_client_goes(kube):
    await running(kube)
    async with kube.session.ws_connect(f"{kube.url}{PODS}/p/exec?command=cat&stdin=true") as socket:
        await socket.send_bytes(b"\0x")
        assert (await socket.receive_bytes()) == b"\1x"
    async with asyncio.timeout(5):
        while kube.api.faults._streams:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_exec_needs_a_running_container_a_command_and_a_websocket(kube):
    await kube.ask("POST", PODS, pod())
    assert "does not have a host assigned" in (await kube.ask("GET", f"{PODS}/p/exec", command="ls"))["message"]
    await kube.ask("DELETE", f"{PODS}/p")
    await running(kube, waiting={})
    assert (await kube.ask("GET", f"{PODS}/p/exec"))["code"] == 400
    assert (await kube.ask("POST", f"{PODS}/p/exec?command=ls"))["message"] == "Upgrade request required"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await execute(kube, "ls")
    assert refused.value.status == 500
    await kube.patch(f"{PODS}/p/status", {"status": {"phase": "Succeeded"}})
    assert "completed pod" in (await kube.ask("GET", f"{PODS}/p/exec", command="ls"))["message"]
