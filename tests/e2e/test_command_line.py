"""`genet pods` on the real cluster: a pod from its making to its end, by commands that people type."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import workbench
from tests.e2e.conftest import IMAGE, missing
from tests.processes import GENET, ROOT, environment, until

pytestmark = pytest.mark.e2e


@dataclass
class CommandLine:
    env: dict[str, str]

    def run(self, *arguments: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GENET, "pods", *arguments],
            env=self.env, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds,
            check=False,
        )  # fmt: skip

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*GENET, "pods", *arguments], env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@pytest.fixture
def genet(replica, person, tmp_path: Path) -> CommandLine:
    scopes = ["pods:read", "pods:write"]
    request = {"name": "command line", "scopes": scopes, "expiresInDays": 1}
    made = replica.client(person.name).post("/api/tokens", json=request)
    assert made.status_code == 201, made.text
    own = {"GENET_URL": replica.url, "GENET_TOKEN": made.json()["token"]}
    return CommandLine(environment(HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path), **own))


def test_a_pod_is_made_used_and_given_back(genet):
    said = "trap 'exit 0' TERM; i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done"
    made = genet.run("create", "--image", IMAGE, "--name", "one", "--env", "A=b", "--", "sh", "-c", said)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("one is Running on ")
    assert "waiting until it runs" in made.stderr
    done = genet.run("exec", "one", "--", "sh", "-c", "echo $A; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "b\n", "err\n")
    late = genet.run("exec", "one", "--timeout", "1s", "--", "sleep", "60")
    assert (late.returncode, "took longer" in late.stderr) == (124, True)
    assert "line 0\n" in genet("logs", "one")
    follower = genet.begin("logs", "-f", "one", "--tail", "3")
    assert follower.stdout is not None
    first = int(follower.stdout.readline().split()[1])
    assert [int(follower.stdout.readline().split()[1]) for _ in range(20)] == list(range(first + 1, first + 21))
    assert "is kept until" in genet("extend", "one", "8h")
    assert "Status:       Running" in genet("describe", "one")
    assert genet("delete", "-y", "one") == "one is deleted\n"
    _, err = follower.communicate(timeout=60)
    assert follower.returncode in (0, 4), err
    until(lambda: "No pods." in genet("list"), seconds=60)


def test_a_shell_in_the_own_terminal_with_its_size(genet):
    genet("create", "--image", IMAGE, "--name", "two", "--", "sleep", "9999")
    typed = [b"stty size\r", b"echo gen''et\r", b"exit 5\r"]
    code, shown = in_terminal(genet, ["exec", "-it", "two"], typed, after=b"# ", rows=31, columns=101)
    assert (code, "31 101" in shown, "\r\ngenet\r\n" in shown) == (5, True, True), shown
    genet("delete", "-y", "two")


def test_why_a_pod_does_not_start_is_said_while_one_waits(genet):
    made = genet.run("create", "--image", "cluster.local/nosuch:1", "--name", "three", "--timeout", "15s")
    assert made.returncode == 1
    assert "nosuch" in made.stderr
    assert "More: genet pods describe three" in made.stderr
    genet("delete", "-y", "three")


def test_ssh_is_told_the_pods_host_key(genet, replica, person, tmp_path):
    workbench.load(os.environ.get("GENET_TEST_CLUSTER") or missing("GENET_TEST_CLUSTER names no tool for images"))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text()
    replica.client(person.name).post("/api/profile/ssh-keys", json={"name": "e2e", "key": public}).raise_for_status()
    genet("create", "--image", workbench.WORKBENCH, "--name", "four", "--cpu", "300m", "--memory", "64Mi")
    enter = ["ssh", "four", "-F", "none", "-o", "BatchMode=yes", "-i", str(key), "echo $SSH_CONNECTION; exit 9"]
    done = until(lambda: (tried := genet.run(*enter)).returncode == 9 and tried, seconds=90, what="ssh lets one in")
    assert len(done.stdout.split()) == 4
    assert "Permanently added" not in done.stderr, "no host key is taken on trust"
    genet("delete", "-y", "four")


def in_terminal(
    genet: CommandLine, arguments: list[str], typed: list[bytes], *, after: bytes, rows: int, columns: int
) -> tuple[int, str]:
    """Exit code and all that was shown; each line is typed when another prompt has been shown."""
    pid, screen = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.chdir(ROOT)
        os.execve(GENET[0], [*GENET, "pods", *arguments], {**genet.env, "TERM": "xterm"})  # noqa: S606
    shown, since, waiting, deadline = b"", 0, list(typed), time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([screen], [], [], 1)[0]:
            continue
        try:
            shown += os.read(screen, 65536)
        except OSError:
            break  # how Linux tells the end of a terminal
        if waiting and after in shown[since:]:
            since = len(shown)
            os.write(screen, waiting.pop(0))
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")
