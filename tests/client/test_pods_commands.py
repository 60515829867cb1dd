"""`genet pods` as people type it, each a process, against a real replica over the embedded cluster."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest
import yaml

from tests.client.people import SLEEP, Person, person_of
from tests.processes import GENET, ROOT


@pytest.fixture
async def alice(replica, url, tmp_path) -> Person:
    return await person_of(replica, url, tmp_path, "alice")


async def test_a_pod_from_its_making_to_its_end(alice):
    done = await alice.pods("create", "--image", "debian:13", "--name", "train", "--env", "A=b", *SLEEP)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("train is Running on ")
    assert "train is made; waiting until it runs" in done.stderr
    listed = await alice.does("list")
    assert re.search(r"^train +Running +0 ", listed, re.MULTILINE)
    assert "1 of 3 pods, 0 of 4 GPUs in use" in listed
    assert "is kept until" in await alice.does("extend", "train", "8h")
    assert "is kept until 2" in await alice.does("extend", "pod-alice-alice-train", "8h")
    described = await alice.does("describe", "train")
    assert "Image:        debian:13" in described
    assert await alice.does("delete", "train", "--yes") == "train is deleted\n"
    assert "No pods." in await alice.does("list")


async def test_answers_for_programs_are_the_apis_own(alice, replica):
    made = await alice.does("create", "--image", "debian:13", "--name", "a", "-o", "json", *SLEEP)
    listed = json.loads(await alice.does("list", "-o", "json"))
    assert [pod["id"] for pod in listed] == ["pod-alice-alice-a"]
    assert json.loads(made)["id"] == listed[0]["id"]
    assert yaml.safe_load(await alice.does("list", "-o", "yaml")) == json.loads(await alice.does("list", "-o", "json"))
    assert await alice.does("list", "-o", "name") == "pod-alice-alice-a\n"
    assert json.loads(await alice.does("describe", "a", "-o", "json"))["pod"]["name"] == "a"


async def test_a_request_comes_from_a_file_or_from_stdin(alice, tmp_path):
    file = tmp_path / "request.json"
    file.write_text('{"image": "debian:13", "name": "a", "command": ["sleep", "9"], "cpu": "1"}')
    made = json.loads(await alice.does("create", "-f", str(file), "--cpu", "2", "--no-wait", "-o", "json"))
    assert (made["name"], made["cpu"]) == ("a", "2")
    assert "b" in await alice.does("create", "-f", "-", "--no-wait", stdin='{"image": "debian:13", "name": "b"}')
    assert "not JSON" in await alice.fails(2, "create", "-f", "-", stdin="{")


async def test_every_refused_field_is_named_with_its_option(alice):
    said = await alice.fails(2, "create", "--image", "debian:13", "--name", "A_b", "--gpus", "1", "--type", "none")
    assert "gpuType (--type): " in said
    assert "name (--name): " in said


async def test_a_pod_that_is_not_there_has_an_exit_code_of_its_own(alice):
    for command in (["describe"], ["delete", "-y"], ["extend"], ["logs"], ["ssh"], ["restart", "-y"]):
        verb, *rest = command
        more = ["8h"] if verb == "extend" else []
        assert "no pod 'x'" in await alice.fails(4, verb, *rest, "x", *more), verb
    assert "no pod 'x'" in await alice.fails(4, "exec", "x", "--", "true")


async def test_nobody_else_has_pods_with_my_name(alice, replica, url, tmp_path):
    await alice.does("create", "--image", "debian:13", "--name", "a", "--no-wait", *SLEEP)
    bob = await person_of(replica, url, tmp_path / "bob", "bob")
    assert "No pods." in await bob.does("list")
    await bob.fails(4, "delete", "-y", "a")
    await bob.fails(4, "delete", "-y", "pod-alice-alice-a", "--owner", "alice-alice")
    admin = await person_of(replica, url, tmp_path / "admin", "admin")
    assert "pod-alice-alice-a" in await admin.does("list", "--owner", "alice-alice", "-o", "name")
    assert re.search(r"^alice-alice +a ", await admin.does("list", "--all"), re.MULTILINE)
    await admin.does("delete", "-y", "a", "--owner", "alice-alice")


async def test_what_a_token_was_not_made_for_is_said(replica, url, tmp_path):
    reader = await person_of(replica, url, tmp_path, "alice", "pods:read")
    await reader.does("list")
    assert "pods:write" in await reader.fails(3, "create", "--image", "debian:13")
    wrong = f"genet-sk-{'a' * 20}.{'x' * 43}"
    assert "not valid" in await reader.fails(3, "list", GENET_TOKEN=wrong)


async def test_a_token_is_kept_after_the_server_has_said_whose_it_is(alice, tmp_path):
    none = {"GENET_URL": "", "GENET_TOKEN": ""}
    done = await alice.genet("login", "--with-token", alice.url, stdin=f"{alice.token}\n", **none)
    assert done.returncode == 0, done.stderr
    assert "You are alice" in done.stdout
    assert "0 of 3 pods" in await alice.does("list", **none)
    done = await alice.genet("kubeconfig", **none)
    assert f"you are not logged in; the API token for {alice.url} is for `genet pods` alone" in done.stderr
    done = await alice.genet("logout", **none)
    assert "forgotten here" in done.stdout
    assert "--server" in await alice.fails(3, "list", **none)
    wrong = f"genet-sk-{'a' * 20}.{'x' * 43}"
    done = await alice.genet("login", "--with-token", alice.url, stdin=wrong, **none)
    assert done.returncode == 1
    assert not list((tmp_path / "cache").rglob("*.token"))


async def test_who_gives_no_token_after_all_is_told_so(alice):
    code, shown = await on_terminal(alice, ["login", "--with-token", alice.url], typed=b"\x04", after=b"API token: ")
    assert (code, "genet: nothing was given" in shown, "Traceback" in shown) == (1, True, False)


async def test_delete_asks_and_says_what_is_lost(alice):
    await alice.does("create", "--image", "debian:13", "--name", "a", "--no-wait", *SLEEP)
    said = await alice.fails(2, "delete", "a")
    assert "Everything outside of /workspace is lost" in said
    assert "--yes" in said
    code, shown = await on_terminal(alice, ["pods", "delete", "a"], typed=b"n\n")
    assert (code, "Delete a? [y/N]" in shown) == (1, True)
    assert "a" in await alice.does("list", "-o", "name")
    code, shown = await on_terminal(alice, ["pods", "delete", "a"], typed=b"y\n")
    assert (code, "a is deleted" in shown) == (0, True)


async def test_a_pod_that_cannot_start_is_said_and_stays(alice):
    done = await alice.pods("create", "--image", "missing:1", "--name", "a", "--timeout", "4s")
    assert done.returncode == 1
    assert "a does not run after" in done.stderr
    assert "missing:1" in done.stderr
    assert "a" in await alice.does("list", "-o", "name")


async def test_an_interrupt_leaves_the_pod_and_says_so(alice):
    process = await asyncio.create_subprocess_exec(
        *GENET, "pods", "create", "--image", "missing:1", "--name", "a", env=alice.env(), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert b"is made" in await process.stderr.readline()
    await process.stderr.readline()  # of the progress: it waits now
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert b"a stays" in err
    assert "pod-alice-alice-a" in await alice.does("list", "-o", "name")


async def test_logs_are_followed_until_the_container_ends(alice):
    said = "echo one; echo two; sleep 99999"
    await alice.does("create", "--image", "debian:13", "--name", "a", "--", "sh", "-c", said)
    assert "one\ntwo\n" in await alice.does("logs", "a")
    process = await asyncio.create_subprocess_exec(
        *GENET, "pods", "logs", "-f", "a", "--tail", "100", "--since", "10m", env=alice.env(), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert [await process.stdout.readline() for _ in range(2)] == [b"one\n", b"two\n"]
    await alice.does("delete", "-y", "a")
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err


async def on_terminal(person: Person, arguments: list[str], typed: bytes, after: bytes = b"] ") -> tuple[int, str]:
    """Exit code and all that was shown; something is typed once `after` has been shown."""

    def run() -> tuple[int, str]:
        pid, screen = pty.fork()
        if pid == 0:
            os.chdir(ROOT)
            os.execve(GENET[0], [*GENET, *arguments], person.env(TERM="xterm"))  # noqa: S606
        shown, waiting, deadline = b"", typed, time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([screen], [], [], 1)[0]:
                continue
            try:
                data = os.read(screen, 65536)
            except OSError:
                break  # how Linux tells the end of a terminal
            shown += data
            if waiting and after in shown:
                os.write(screen, waiting)
                waiting = b""
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(screen)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")

    return await asyncio.to_thread(run)


async def test_a_command_in_a_pod_has_its_output_and_its_exit_code(alice):
    await alice.does("create", "--image", "debian:13", "--name", "a", *SLEEP)
    done = await alice.pods("exec", "a", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n"), done.stderr
    assert "which command" in await alice.fails(2, "exec", "a")
    done = await alice.pods("exec", "a", "--timeout", "1s", "--", "sleep", "60")
    assert (done.returncode, "took longer than 1s" in done.stderr) == (124, True)


async def test_a_shell_in_the_terminal(alice):
    await alice.does("create", "--image", "debian:13", "--name", "a", *SLEEP)
    assert "-it needs a terminal" in await alice.fails(2, "exec", "-it", "a")
    code, shown = await on_terminal(alice, ["pods", "exec", "-it", "a"], typed=b"echo gen''et\rexit 5\r", after=b"# ")
    assert (code, "\r\ngenet\r\n" in shown) == (5, True), shown
