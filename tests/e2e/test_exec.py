"""Commands in pods of the real cluster: what they say, how they end, and that nothing is left of what was ended."""

import asyncio
import os
import shutil
import subprocess
import time

import httpx
import pytest

from tests.e2e.conftest import IMAGE, missing
from tests.processes import until

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024


class Commands:
    """Somebody's pod, and what they run in it."""

    def __init__(self, replica, kubectl, person, image=IMAGE, command=None):
        self.url, self.person, self.kubectl = replica.url, person, kubectl
        self.client = replica.client(person.name)
        request = {"image": image, "name": "one", "cpu": "200m", **({"command": command} if command else {})}
        made = self.client.post("/api/pods", json=request)
        assert made.status_code == 201, made.text
        self.pod = made.json()["id"]
        until(lambda: self.client.get("/api/pods").json()["pods"][0]["status"] == "Running", seconds=60)

    def ask(self, *command, **more):
        return self.client.post(f"/api/pods/{self.pod}/exec", json={"command": list(command), **more}, timeout=60)

    def __call__(self, *command, **more):
        answer = self.ask(*command, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def runs(self, name):
        """How many processes have this in their command line, as kubectl sees them."""
        listed = self.kubectl("exec", "-n", self.person.namespace, self.pod, "--", "ps", "-o", "args")
        return sum(name in line for line in listed.splitlines() if "ps -o" not in line)


@pytest.fixture(scope="module")
def commands(replica, kubectl, new_person):
    return Commands(replica, kubectl, new_person())


def test_both_outputs_and_the_exit_code_come_back_apart(commands):
    assert commands("sh", "-c", "echo out; echo err >&2; exit 7") == {
        "exitCode": 7, "stdout": "out\n", "stderr": "err\n",
        "truncated": False, "timedOut": False, "processLeft": False,
    }  # fmt: skip


def test_arguments_are_never_read_by_a_shell(commands):
    words = ["$(id)", "`id`", "; id", "'", '"', "a b", "$0", "-n", "*", "\n", ""]
    assert commands("printf", "%s|", *words)["stdout"] == "".join(f"{word}|" for word in words)


def test_of_each_stream_one_mebibyte_is_kept_and_the_command_ends(commands):
    done = commands("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' o; head -c 2000000 /dev/zero | tr '\\0' e >&2")
    assert (done["exitCode"], done["truncated"]) == (0, True)
    assert (done["stdout"], done["stderr"]) == ("o" * MIB, "e" * MIB)


def test_bytes_that_are_no_text_become_replacement_characters(commands):
    assert commands("printf", "\\303\\050 \\344\\275\\240\\345\\245\\275")["stdout"] == "\ufffd( 你好"


@pytest.mark.parametrize("command", ["nosuch", "/etc", "/etc/passwd", "cd"])
def test_what_cannot_be_started_is_said(commands, command):
    refused = commands.ask(command)
    assert (refused.status_code, refused.json()["code"]) == (422, "exec_failed")
    assert command in refused.json()["detail"]


def test_an_exit_code_of_its_own_is_no_failure_to_start(commands):
    assert commands("sh", "-c", "exit 127")["exitCode"] == 127


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1000 & sleep 1000",
        "sh -c 'sleep 1000 & sh -c \"sleep 1000 & wait\"; wait'",
        "trap '' TERM HUP INT; sleep 1000",
        "(setsid sleep 1000 &); sleep 1000",
        "env -i sleep 1000",
    ],
    ids=["children", "grandchildren", "deaf", "fled", "nameless"],
)
def test_a_time_out_kills_the_command_and_all_it_started(commands, script):
    assert commands.runs("sleep 1000") == 0
    done = commands("sh", "-c", f"echo begun; {script}", timeoutSeconds=2)
    assert (done["timedOut"], done["exitCode"], done["processLeft"]) == (True, None, False)
    assert done["stdout"] == "begun\n"
    assert commands.runs("sleep 1000") == 0
    assert commands.runs("sleep 3600") >= 1, "the pod's own processes are still there"


def test_a_client_that_hangs_up_ends_its_command(commands):
    with pytest.raises(httpx.ReadTimeout):
        commands.client.post(f"/api/pods/{commands.pod}/exec", json={"command": ["sleep", "1234"]}, timeout=2)
    until(lambda: commands.runs("sleep 1234") == 0, seconds=15, what="the command is gone")


def test_others_are_answered_while_commands_run(replica, kubectl, person):
    own = Commands(
        replica, kubectl, person
    )  # whose places are all free: one that was just ended may hold its own still

    async def ask():
        async with httpx.AsyncClient(base_url=own.url, params={"user": person.name}, timeout=60) as http:
            address = f"/api/pods/{own.pod}/exec"
            several = [http.post(address, json={"command": ["sleep", "3"]}) for _ in range(9)]
            running = asyncio.gather(*several)
            await asyncio.sleep(1)
            slowest = 0.0
            for _ in range(20):
                began = time.monotonic()
                assert (await http.get("/healthz")).status_code == 200
                slowest = max(slowest, time.monotonic() - began)
            return await running, slowest

    answers, slowest = asyncio.run(ask())
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [429]
    assert next(a for a in answers if a.status_code == 429).headers["Retry-After"]
    assert slowest < 1


@pytest.fixture
def without_shell(kubectl, tmp_path):
    """An image of three programs, none of which is a shell."""
    image = "cluster.local/genet-noshell:1"
    if image not in kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names}"):
        tool, busybox = os.environ.get("GENET_TEST_CLUSTER"), shutil.which("busybox")
        if not tool or not busybox:
            missing(f"{image} is not on the node, and GENET_TEST_CLUSTER names nothing that could load it")
        (tmp_path / "bin").mkdir()
        for name in ("sleep", "true", "tail"):
            shutil.copy(busybox, tmp_path / "bin" / name)
        subprocess.run([tool, "image", image, str(tmp_path)], check=True, timeout=120)
    return image


def test_without_a_shell_commands_run_and_what_cannot_be_ended_is_said(replica, kubectl, person, without_shell):
    bare = Commands(replica, kubectl, person, without_shell, ["/bin/sleep", "100000"])
    assert bare("true")["exitCode"] == 0
    refused = bare.ask("nosuch")
    assert (refused.status_code, refused.json()["code"]) == (422, "exec_failed")
    done = bare("sleep", "300", timeoutSeconds=1)
    assert (done["timedOut"], done["processLeft"], done["exitCode"]) == (True, True, None)


def test_a_pod_that_ends_or_is_not_there_says_so(replica, kubectl, person):
    own = Commands(replica, kubectl, person)
    assert own.client.post("/api/pods/pod-nobody-x/exec", json={"command": ["true"]}).status_code == 404
    assert replica.client("stranger").post(f"/api/pods/{own.pod}/exec", json={"command": ["true"]}).status_code == 404
    own.client.delete(f"/api/pods/{own.pod}")
    refused = own.ask("true")
    assert (refused.status_code, refused.json()["code"]) in ((409, "not_running"), (404, "not_found"))
