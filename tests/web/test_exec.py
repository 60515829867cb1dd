"""Commands over HTTP on the embedded cluster: what they answer, and that nothing is left of those that were ended."""

import asyncio

import httpx
import pytest

from tests.replicas import settings, until
from tests.web.desk import NAMESPACE, POD, desk_of

MIB = 1024 * 1024


@pytest.fixture
async def desk(replica, cluster, kubeconfig):
    async with desk_of(replica, cluster, settings(kubeconfig)) as one:
        yield one


async def test_a_command_runs_and_its_outputs_come_back_apart(desk):
    answer = await desk.exec("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "exitCode": 3, "stdout": "out\n", "stderr": "err\n",
            "truncated": False, "timedOut": False, "processLeft": False,
        },
    )  # fmt: skip


@pytest.mark.parametrize("word", ["$(hostname)", "a; echo b", "'", '"', "$0", "-n", "a\nb", "", "`x`", "&&"])
async def test_no_shell_reads_the_arguments(desk, word):
    assert (await desk.exec("echo", "x", word)).json()["stdout"] == f"x {word}\n"


async def test_of_each_stream_one_mebibyte_is_kept(desk):
    done = (await desk.exec("sh", "-c", "head -c 1048577 /dev/zero; head -c 1048576 /dev/zero >&2; exit 5")).json()
    assert (done["exitCode"], done["truncated"]) == (5, True)
    assert (len(done["stdout"]), len(done["stderr"])) == (MIB, MIB)
    assert not (await desk.exec("head", "-c", str(MIB), "/dev/zero")).json()["truncated"]


@pytest.mark.parametrize(
    "script",
    ["sleep 71 & sleep 72", "setsid sleep 71 & sleep 72", "trap '' TERM HUP; sleep 71", "setsid sh -c 'sleep 7'"],
)
async def test_a_time_out_kills_the_command_with_all_it_started(desk, script):
    done = (await desk.exec("sh", "-c", f"echo begun; {script}", timeoutSeconds=1)).json()
    assert (done["timedOut"], done["exitCode"], done["processLeft"]) == (True, None, False)
    assert done["stdout"] == "begun\n"
    assert not desk.runs("sleep 7", "sh -c echo begun")
    assert desk.runs("sleep 3600"), "the pod's own process is none of it"


async def test_a_client_that_hangs_up_ends_its_command(desk):
    asking = asyncio.create_task(desk.exec("sh", "-c", "sleep 71 & sleep 72"))
    await until(lambda: len(desk.runs("sleep 7")) == 2)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await desk.is_alone()


async def test_the_servers_end_ends_commands_too(desk):
    asking = asyncio.create_task(desk.exec("sleep", "71"))
    await until(lambda: desk.runs("sleep 71"))
    await desk.services.shells.close()
    assert not desk.runs("sleep 71")
    assert (await asking).json()["exitCode"] is None


@pytest.mark.parametrize("command", ["nosuch", "cd/", "exit"])
async def test_what_cannot_be_started_is_said(desk, command):
    refused = await desk.exec(command)
    assert (refused.status_code, refused.json()["code"]) == (422, "exec_failed")
    assert command in refused.json()["detail"]
    assert (await desk.exec("sh", "-c", "nosuch")).json()["exitCode"] == 127, "the shell was started"


async def test_an_image_without_a_shell_runs_commands_that_cannot_be_ended(replica, cluster, kubeconfig):
    bare = {"image": "cluster.local/distroless:1", "command": ["sleep", "3600"]}
    async with desk_of(replica, cluster, settings(kubeconfig), **bare) as desk:
        assert (await desk.exec("echo", "hi")).json()["stdout"] == "hi\n"
        done = (await desk.exec("sleep", "71", timeoutSeconds=1)).json()
        assert (done["timedOut"], done["processLeft"]) == (True, True)
        refused = await desk.exec("nosuch")
        assert (refused.status_code, refused.json()["code"]) == (422, "exec_failed")


async def test_one_person_runs_so_many_at_once_and_others_are_not_kept_from_it(desk):
    running = [asyncio.create_task(desk.exec("sleep", f"7{number}")) for number in range(8)]
    await until(lambda: len(desk.runs("sleep 7")) == 8)
    refused = await desk.exec("true")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    other = await desk.exec("true", user="admin", params={"owner": "alice-alice"})
    assert other.status_code == 200
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    async with asyncio.timeout(10):
        while (await desk.exec("true")).status_code != 200:
            pass
    await desk.is_alone()


async def test_a_foreign_pod_is_not_found(desk):
    for user, params in (("mallory", {}), ("mallory", {"owner": "alice-alice"}), ("admin", {})):
        assert (await desk.exec("true", user=user, params=params)).status_code == 404
    assert (await desk.exec("hostname", user="admin", params={"owner": "alice-alice"})).json()["stdout"] == f"{POD}\n"


async def test_what_does_not_run_says_so(desk):
    unknown = await desk.exec("true", container="other")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "container")
    status = desk.cluster.store.get("pods", NAMESPACE, POD)
    waiting = {**status["status"]["containerStatuses"][0], "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    stopped = {**status, "status": {**status["status"], "containerStatuses": [waiting]}}
    desk.cluster.store.update("pods", stopped, subresource="status")
    refused = await desk.exec("true")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["command"]),
        ({"command": []}, ["command"]),
        ({"command": "ls"}, ["command"]),
        ({"command": ["a", 1]}, ["command[1]"]),
        ({"command": ["a\0b"]}, ["command[0]"]),
        ({"command": ["a"], "timeoutSeconds": 0}, ["timeoutSeconds"]),
        ({"command": ["a"], "timeoutSeconds": 3601}, ["timeoutSeconds"]),
        ({"command": ["a"], "timeoutSeconds": "5", "tty": True}, ["tty", "timeoutSeconds"]),
        ({"command": ["a", 1, "b\0"], "container": "other"}, ["command[1]", "command[2]", "container"]),
        ({"command": 5, "container": "other"}, ["command", "container"]),
    ],
)
async def test_all_bad_fields_are_named(desk, body, fields):
    answer = await desk.http.post(f"/api/pods/{POD}/exec", params={"user": "alice"}, json=body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, fields)


async def test_what_is_wrong_with_a_word_is_said_in_plain_words(desk):
    refused = (await desk.exec("a", "b\0")).json()
    assert refused["errors"] == [{"field": "command[1]", "message": "holds a NUL character"}]


async def test_a_command_ends_with_the_token_that_let_it_in(desk):
    body = {"name": "t", "scopes": ["pods:write"], "expiresInDays": 1}
    token = (await desk.http.post("/api/tokens", params={"user": "alice"}, json=body)).json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    async with httpx.AsyncClient(base_url=desk.url, headers=headers, trust_env=False) as http:
        asking = asyncio.create_task(http.post(f"/api/pods/{POD}/exec", json={"command": ["sleep", "71"]}, timeout=30))
        await until(lambda: desk.runs("sleep 71"))
        await desk.http.delete(f"/api/tokens/{token['id']}", params={"user": "alice"})
        ended = (await asking).json()
    assert (ended["exitCode"], ended["timedOut"]) == (None, False)
    await desk.is_alone()


async def test_a_token_needs_the_scope(desk):
    made = await desk.http.post(
        "/api/tokens",
        params={"user": "alice"},
        json={"name": "t", "scopes": ["pods:read"], "expiresInDays": 1},
    )
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    async with httpx.AsyncClient(base_url=desk.url, headers=headers, trust_env=False) as http:
        refused = await http.post(f"/api/pods/{POD}/exec", json={"command": ["true"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
