"""The whole way with real parts: `genet serve` with its provider, the command line, and kubectl calling it."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from genet.client.store import Store
from tests.client.front import Front, fronting
from tests.processes import GENET, ROOT, configuration, embedded_cluster, environment, free_port, program, until

PERSON = Path(__file__).parent / "person_with_browser.py"
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl in PATH")


@dataclass
class World:
    url: str
    """Of Genet, which is the issuer as well."""
    front: Front
    ca_file: Path
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def world(tmp_path_factory, authority) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("genet")
    port = free_port()
    url = f"https://127.0.0.1:{port}"
    certificate = authority.issue(directory)
    ca_data = base64.b64encode(authority.ca_file.read_bytes()).decode()
    tls = {"certFile": str(certificate[0]), "keyFile": str(certificate[1])}
    with (
        embedded_cluster("empty", directory) as cluster,
        fronting(cluster["server"], url, certificate, authority.ca_file) as front,
    ):
        config = configuration(
            directory,
            cluster["kubeconfig"],
            server={"publicURL": url, "tls": tls, "metricsPort": None, "drainSeconds": 0},
            oidcProvider={"enabled": True, "deviceFlow": True},
            cluster={"name": "lab", "server": front.url, "caData": ca_data},
            kubeconfig={"issuerCAData": ca_data},
        )
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        command = [*GENET, "serve", "--config", str(config), "--port", str(port)]
        with program(command, log=directory / "genet.log"):
            until(lambda: _is_ready(url, trusting), what="genet serve is ready")
            yield World(url, front, authority.ca_file, trusting)
        assert "unhandled error" not in (directory / "genet.log").read_text()


def _is_ready(url: str, trusting: ssl.SSLContext) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, verify=trusting).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@dataclass
class Person:
    world: World
    home: Path

    @property
    def env(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return environment(
            HOME=str(self.home), XDG_CACHE_HOME=str(self.home / "cache"), PATH=path,
            BROWSER=f"{sys.executable} {PERSON} %s {self.world.ca_file}", KUBECONFIG=str(self.home / "kubeconfig"),
        )  # fmt: skip

    def runs(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip

    def genet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.runs(*GENET, *arguments)

    def expires(self) -> None:
        """Nothing that is kept is good any more, but the refresh token."""
        store = Store(self.home / "cache" / "genet")
        login = store.latest()
        assert login is not None
        with store.locked(login.issuer, login.client_id):
            store.keep(login._replace(id_token_good_until=0, access_token_good_until=0))


@pytest.fixture
def person(world, tmp_path) -> Person:
    person = Person(world, tmp_path)
    done = person.genet("login", world.url, "--ca-file", str(world.ca_file))
    assert done.returncode == 0, done.stderr
    assert "a browser may print what it likes" not in done.stdout
    return person


def test_a_server_with_an_authority_of_its_own_must_be_trusted_first(world, tmp_path):
    done = Person(world, tmp_path).genet("login", world.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--ca-file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_login_says_who_one_is_until_logout(person):
    assert "dev-user" in (said := person.genet("whoami").stdout)
    assert person.world.url in said
    login = Store(person.home / "cache" / "genet").latest()
    assert login is not None
    assert person.genet("logout").returncode == 0
    done = person.genet("whoami")
    assert (done.returncode, done.stdout) == (1, "")
    assert "genet login" in done.stderr
    form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token, "client_id": "kube"}
    answer = httpx.post(f"{person.world.url}/oidc/token", data=form, trust_env=False, verify=person.world.trusting)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_somebody_without_a_browser_here_logs_in_by_a_code(world, tmp_path):
    person = Person(world, tmp_path)
    with subprocess.Popen(
        [*GENET, "login", world.url, "--device", "--ca-file", str(world.ca_file), "--time-limit", "60"],
        env=person.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        line = next(line for line in process.stderr if line.startswith("or open "))
        elsewhere = person.runs(sys.executable, str(PERSON), line.removeprefix("or open ").strip(), str(world.ca_file))
        assert elsewhere.returncode == 0, elsewhere.stderr
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.startswith("You are dev-user")


def test_an_expired_token_is_renewed_at_the_server(person):
    first = person.genet("credential", "--issuer", person.world.url)
    again = person.genet("credential", "--issuer", person.world.url)
    assert first.stdout == again.stdout
    store = Store(person.home / "cache" / "genet")
    before = store.latest()
    person.expires()
    renewed = person.genet("credential", "--issuer", person.world.url)
    assert renewed.returncode == 0, renewed.stderr
    after = store.latest()
    assert before is not None
    assert after is not None
    assert json.loads(renewed.stdout)["status"]["token"] == after.id_token
    # within the same second the ID token would be the same
    assert (after.access_token, after.refresh_token) != (before.access_token, before.refresh_token)
    assert after.id_token_good_until > 0


@needs_kubectl
def test_kubectl_comes_in_with_what_the_command_line_gives_it(person):
    done = person.genet("kubeconfig", "--output", str(person.home / "kubeconfig"))
    assert done.returncode == 0, done.stderr
    assert person.world.url in (person.home / "kubeconfig").read_text()
    person.world.front.seen.clear()
    done = person.runs("kubectl", "get", "pods")
    assert done.returncode == 0, done.stderr
    assert "user-dev-user" in done.stderr  # No resources found in the person's own namespace
    assert {claims and claims["sub"] for claims in person.world.front.seen} == {_subject(person)}


@needs_kubectl
def test_four_kubectl_at_once_come_in_with_an_expired_token(person):
    person.genet("kubeconfig", "--output", str(person.home / "kubeconfig"))
    person.expires()
    started = [
        subprocess.Popen(
            ["kubectl", "get", "pods"], env=person.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * 4, ended


@needs_kubectl
def test_kubectl_says_what_to_do_without_a_login(person):
    person.genet("kubeconfig", "--output", str(person.home / "kubeconfig"))
    assert person.genet("logout").returncode == 0
    done = person.runs("kubectl", "get", "pods")
    assert done.returncode != 0
    assert f"genet login {person.world.url}" in done.stderr


def _subject(person: Person) -> str:
    login = Store(person.home / "cache" / "genet").latest()
    assert login is not None
    return login.subject
