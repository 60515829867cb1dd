"""What kubectl gets, also when it asks four times at once, in processes of their own as kubectl starts them."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import jwt
import pytest

from genet.client.credential import interactive
from genet.client.errors import LoginNeeded, Unreachable
from genet.client.login import Way
from tests.processes import GENET, ROOT, environment

V1 = "client.authentication.k8s.io/v1"
NOT_FOR_A_GOOD_TOKEN = (
    "asyncio", "cryptography", "email", "http", "httpcore", "httpx", "kubernetes", "litestar", "msgspec", "socket",
    "ssl", "subprocess", "tempfile", "urllib.request", "webbrowser", "yaml",
)  # fmt: skip


def exec_info(*, is_there: bool = False, version: str = V1) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": is_there}})


def started(person, *, info: str | None = None, **env: str) -> subprocess.Popen[str]:
    """`genet credential`, as kubectl starts it."""
    return subprocess.Popen(
        [*GENET, "credential", "--issuer", person.issuer.url, "--client-id", "kube"],
        env=environment(**env, XDG_CACHE_HOME=str(person.cache), KUBERNETES_EXEC_INFO=info or exec_info()),
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def expire(person):
    """Nothing that is kept is good any more, but the refresh token."""
    login = person.store.latest()
    assert login is not None
    with person.store.locked(login.issuer, "kube"):
        person.store.keep(login._replace(id_token_ends=0, id_token_good_until=0, access_token_good_until=0))
    return login


def test_kubectl_gets_the_token_and_when_it_ends(person):
    login = person.logs_in()
    asked = len(person.issuer.asked)
    code, out, err = ended(started(person))
    assert (code, err) == (0, "")
    credential = json.loads(out)
    assert (credential["apiVersion"], credential["kind"]) == (V1, "ExecCredential")
    assert credential["status"].keys() == {"token", "expirationTimestamp"}
    assert credential["status"]["token"] == login.id_token
    ends = datetime.strptime(credential["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%S%z")
    claims = jwt.decode(login.id_token, options={"verify_signature": False})
    assert ends == datetime.fromtimestamp(claims["exp"], UTC)
    assert len(person.issuer.asked) == asked


def test_a_token_that_ends_soon_is_renewed(person):
    old = person.logs_in()
    person.now = lambda: old.id_token_ends - 61
    assert person.asks() == old
    person.now = lambda: old.id_token_ends - 59
    new = person.asks()
    assert new.id_token != old.id_token
    assert person.store.read(old.issuer, "kube") == new
    assert person.issuer.refreshes == 1


def test_tokens_of_a_short_life_are_used_for_half_of_it(person):
    person.issuer.lifetime_seconds = 20
    login = person.logs_in()
    assert 0 <= login.id_token_good_until - (login.id_token_ends - 10) <= 1
    assert person.asks() == login


def test_of_four_at_once_one_renews(person):
    person.logs_in()
    expire(person)
    # whoever asks without the others knowing meets them here
    person.issuer.together = threading.Barrier(2)
    begin = threading.Barrier(4)
    got = []

    def ask():
        begin.wait(10)
        got.append(person.asks())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert person.issuer.refreshes == 1
    assert len(got) == 4
    assert len({login.id_token for login in got}) == 1


def test_of_four_processes_at_once_one_renews(person):
    person.logs_in()
    expire(person)
    person.issuer.together = threading.Barrier(2)
    answers = [ended(process) for process in [started(person) for _ in range(4)]]
    assert [(code, err) for code, _, err in answers] == [(0, "")] * 4
    assert len({out for _, out, _ in answers}) == 1
    assert person.issuer.refreshes == 1


def test_without_a_login_it_says_what_to_do(person):
    code, out, err = ended(started(person))
    assert (code, out) == (1, "")
    assert err == f"genet: you are not logged in\nLog in: genet login {person.issuer.url}\n"


def test_a_login_that_the_server_ended_is_forgotten(person):
    person.logs_in()
    login = expire(person)
    person.issuer.live.clear()
    code, out, err = ended(started(person))
    assert (code, out) == (1, "")
    assert "genet login" in err
    assert login.refresh_token not in err
    assert person.store.latest() is None


def test_an_issuer_that_is_away_costs_nobody_their_login(person):
    old = person.logs_in()
    person.now = lambda: old.id_token_ends - 10
    person.issuer.failing = 503
    assert person.asks() == old  # good for ten seconds still
    with pytest.raises(Unreachable):
        person.asks(for_server=True)
    person.now = lambda: old.id_token_ends + 1
    with pytest.raises(Unreachable):
        person.asks()
    person.issuer.failing = None
    person.issuer.clock = person.now
    assert person.asks().id_token != old.id_token


def test_a_login_that_cannot_be_renewed_is_begun_anew(person):
    person.issuer.tokens = {"refresh_token": None}
    old = person.logs_in()
    person.now = person.issuer.clock = lambda: old.id_token_ends + 1
    with pytest.raises(LoginNeeded):
        person.asks()
    new = person.asks(way=lambda: Way(open_url=person.browser.open))
    assert new.id_token != old.id_token


def test_with_somebody_there_it_logs_in_and_says_nothing_on_stdout_but_the_credential(person, tmp_path):
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, urllib.request as r\nprint('I am a noisy browser')\n"
        "r.build_opener(r.ProxyHandler({})).open(sys.argv[1]).read()\n"
    )
    browser = f"{sys.executable} {script} %s"
    code, out, err = ended(started(person, info=exec_info(is_there=True), BROWSER=browser))
    assert (code, json.loads(out)["status"]["token"]) == (0, person.issuer.id_tokens[-1])
    assert "Log in with your browser" in err
    assert "noisy" in err
    for secret in (*person.issuer.live, *person.issuer.access_tokens, *person.issuer.id_tokens):
        assert secret not in err


@pytest.mark.parametrize(
    "info",
    [exec_info(version="client.authentication.k8s.io/v1beta1"), "{", "[]", '{"kind": "ExecCredential"}', '"x"', "{}"],
)
def test_a_caller_of_another_version_gets_nothing(person, info):
    person.logs_in()
    code, out, err = ended(started(person, info=info))
    assert (code, out) == (1, "")
    assert err.startswith("genet: ")
    assert "Traceback" not in err


def test_whether_somebody_is_there_is_the_callers_to_say():
    assert interactive(exec_info(is_there=True))
    assert not interactive(exec_info(is_there=False))
    assert not interactive(json.dumps({"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": "yes"}}))


@pytest.mark.parametrize("url", ["http://192.0.2.1", "http://genet.example.org"])
def test_an_issuer_over_plain_http_is_refused(person, url):
    done = subprocess.run(
        [*GENET, "credential", "--issuer", url],
        env=environment(XDG_CACHE_HOME=str(person.cache)), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "not https" in done.stderr


def test_a_good_token_is_answered_without_what_takes_time_to_load(person):
    person.logs_in()
    script = (
        "import sys\nfrom genet.cli import main\n"
        f"code = main(['credential', '--issuer', {person.issuer.url!r}])\n"
        "print(*sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(XDG_CACHE_HOME=str(person.cache), KUBERNETES_EXEC_INFO=exec_info(is_there=True)),
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    print(f"a cached credential took {time.monotonic() - began:.2f} s")
    assert json.loads(done.stdout)["status"]["token"]
    assert not set(NOT_FOR_A_GOOD_TOKEN) & set(done.stderr.split())
