"""The commands as people type them, each a process; kubectl itself where a kubeconfig is merged."""

import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.client.issuer import Issuer
from tests.processes import GENET, ROOT, environment, free_port

BROWSER = Path(__file__).parent / "person_with_browser.py"
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl in PATH")


def kubeconfig(server: str, name: str = "lab", user: str = "lab") -> str:
    """Of somebody else's making."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": server}}],
            "users": [{"name": user, "user": {"token": "precious"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": "default"}}],
            "current-context": name,
        }
    )


@dataclass
class Person:
    issuer: Issuer
    home: Path

    def genet(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GENET, *arguments],
            env=environment(
                **{"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"),
                   "BROWSER": f"{sys.executable} {BROWSER} %s", **env}
            ),
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def does(self, *arguments: str, **env: str) -> str:
        done = self.genet(*arguments, **env)
        assert done.returncode == 0, done.stderr
        self.tells_no_secret(done)
        return done.stdout

    def fails(self, *arguments: str, **env: str) -> str:
        done = self.genet(*arguments, **env)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("genet: ")
        assert "Traceback" not in done.stderr
        self.tells_no_secret(done)
        return done.stderr

    def tells_no_secret(self, done: subprocess.CompletedProcess[str]) -> None:
        for secret in (*self.issuer.live, *self.issuer.access_tokens, *self.issuer.id_tokens):
            assert secret not in done.stdout + done.stderr

    def kubectl(self, file: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(file), *arguments], env=environment(HOME=str(self.home)),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


@pytest.fixture
def somebody(issuer, tmp_path) -> Person:
    return Person(issuer, tmp_path)


@pytest.fixture
def person(somebody: Person) -> Person:
    somebody.does("login", somebody.issuer.url)
    return somebody


def test_who_logs_in_is_told_who_they_are(person):
    said = person.does("whoami")
    assert said.splitlines() == ["alice-a", "mail: a@example.org", "groups: lab", f"server: {person.issuer.url}"]


def test_what_the_server_says_of_somebody_cannot_rewrite_the_terminal(somebody):
    somebody.issuer.claims = {"sub": "\x1b[2Jroot", "email": "\x1b]0;x\x07", "groups": ["\x9b2J"]}
    said = somebody.does("login", somebody.issuer.url)
    assert not {"\x1b", "\x07", "\x9b"} & set(said + somebody.does("whoami"))


@pytest.mark.parametrize("command", ["whoami", "logout", "kubeconfig"])
def test_without_a_login_every_command_says_how_to_log_in(somebody, command):
    assert "genet login SERVER" in somebody.fails(command)
    assert "genet login http://localhost:1" in somebody.fails(command, "--server", "http://localhost:1")


def test_logout_ends_the_login_at_the_server_and_here(person):
    (token,) = person.issuer.live
    assert "Logged out" in person.does("logout")
    assert person.issuer.revoked == [token]
    assert not list((person.home / "cache" / "genet").glob("*.json"))


def test_logout_without_the_server_still_forgets_and_says_so(person):
    person.issuer.discovery = {"revocation_endpoint": f"http://127.0.0.1:{free_port()}/revoke"}
    assert "could not be told" in person.fails("logout")
    assert not list((person.home / "cache" / "genet").glob("*.json"))


def test_a_server_that_is_not_there_is_said_in_words(somebody):
    assert "cannot reach" in somebody.fails("login", f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("server", ["http://genet.example.org", "ftp://x", "https://"])
def test_no_login_goes_over_plain_http(somebody, server):
    assert somebody.fails("login", server)


def test_a_missing_file_of_authorities_is_said_in_words(somebody):
    assert "/nowhere" in somebody.fails("login", somebody.issuer.url, "--ca-file", "/nowhere")


def test_nobody_who_logs_in_is_waited_for_without_end(somebody):
    done = somebody.genet("login", somebody.issuer.url, "--no-browser", "--time-limit", "0.1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "genet: nobody logged in within 0.1 seconds" in done.stderr


def test_an_interrupt_is_no_accident(somebody):
    keyboard, terminal = pty.openpty()
    # where the tests run in the background, they ignore interrupts, and programs begin as their parent is
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*GENET, "login", somebody.issuer.url, "--no-browser"],
            env=environment(HOME=str(somebody.home)), cwd=ROOT, stdin=terminal, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(terminal)
    with process:
        assert process.stderr is not None
        assert "Log in with your browser" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    os.close(keyboard)
    assert process.returncode == 130
    assert err.endswith("genet: interrupted\n")


def test_the_kubeconfig_gets_a_file_of_its_own(person):
    said = person.does("kubeconfig")
    (file,) = (person.home / ".kube").iterdir()
    assert f"export KUBECONFIG={file}" in said
    assert json.loads(file.read_text())["clusters"][0]["cluster"] == {"server": "https://lab.example.org"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_kubeconfig_goes_where_it_is_wanted(person, tmp_path):
    file = tmp_path / "there"
    person.does("kubeconfig", "--output", str(file))
    assert file.read_text() == person.does("kubeconfig", "--output", "-")


def test_whatever_the_server_says_kubectl_asks_this_program_about_this_login(person):
    person.issuer.place |= {"users": [{"name": "x", "user": {"exec": {"command": "sh"}}}], "kubeconfig": "exec: sh"}
    document = json.loads(person.does("kubeconfig", "--output", "-"))
    (plugin,) = [user["user"] for user in document["users"]]
    assert plugin["exec"]["command"] == "genet"
    assert plugin["exec"]["args"] == ["credential", "--issuer", person.issuer.url, "--client-id", "kube"]
    assert set(plugin) == {"exec"}
    assert [set(cluster["cluster"]) for cluster in document["clusters"]] == [{"server"}]


@pytest.mark.parametrize(
    "said",
    [{"server": "http://lab.example.org"}, {"server": "file:///etc/passwd"}, {"cluster": "\x1b]0;x"}, {"user": ""},
     {"namespace": "a\nb"}, {"server": None}, {"caData": ["x"]}],
)  # fmt: skip
def test_a_kubeconfig_that_cannot_be_is_not_written(person, said):
    person.issuer.place |= said
    assert "\x1b" not in person.fails("kubeconfig")
    assert not (person.home / ".kube").exists()


def test_a_login_that_the_server_ended_is_begun_anew_for_the_kubeconfig(person):
    person.issuer.access_tokens.clear()
    assert f"genet login {person.issuer.url}" in person.fails("kubeconfig")


def test_a_login_that_takes_the_place_of_another_ends_it(person):
    (old,) = person.issuer.live
    person.does("login", person.issuer.url)
    assert person.issuer.revoked == [old]
    assert len(person.issuer.live) == 1


@needs_kubectl
def test_a_merge_keeps_what_was_there(person):
    file = person.home / ".kube" / "config"
    file.parent.mkdir()
    file.write_text(kubeconfig("https://other.example.org", "other", "other"))
    said = person.does("kubeconfig", "--merge")
    assert str(file) in said
    assert set(person.kubectl(file, "config", "get-contexts", "-o", "name").split()) == {"lab", "other"}
    assert person.kubectl(file, "config", "current-context").strip() == "lab"
    person.issuer.place["namespace"] = "user-new"
    person.does("kubeconfig", "--merge")
    assert "user-new" in person.kubectl(file, "config", "view", "--minify")
    assert [path.name for path in file.parent.iterdir()] == ["config"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@needs_kubectl
def test_a_merge_into_nothing_makes_the_file_that_kubeconfig_names(person):
    file = person.home / "new" / "config"
    person.does("kubeconfig", "--merge", KUBECONFIG=f"{file}{os.pathsep}/elsewhere")
    assert person.kubectl(file, "config", "current-context").strip() == "lab"


@needs_kubectl
@pytest.mark.parametrize(
    "theirs",
    [
        kubeconfig("https://somebody.elses.example.org"),
        kubeconfig("https://lab.example.org"),
        kubeconfig("https://lab.example.org", user="lab-alice-a"),
        json.dumps(
            {"apiVersion": "v1", "kind": "Config", "users": [{"name": "lab-alice-a", "user": {"token": "precious"}}]}
        ),
        "neither: [yaml",
    ],
    ids=["cluster", "same server", "same server and user", "user", "broken"],
)
def test_a_merge_that_would_overwrite_something_changes_nothing(person, theirs):
    file = person.home / ".kube" / "config"
    file.parent.mkdir()
    file.write_text(theirs)
    assert "nothing was changed" in person.fails("kubeconfig", "--merge")
    assert file.read_text() == theirs
    assert [path.name for path in file.parent.iterdir()] == ["config"]


def test_a_merge_without_kubectl_says_what_is_missing(person, tmp_path):
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(kubeconfig("https://other.example.org", "other"))
    assert "kubectl" in person.fails("kubeconfig", "--merge", PATH=str(tmp_path))
