"""Logging in with a browser, at an issuer that may lie, while others knock at the port."""

import base64
import os
import pty
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from genet.client.calls import Calls
from genet.client.errors import ClientError, LoginNeeded, OAuthRefused, Unreachable
from genet.client.login import Way, log_in, no_browser, renew
from genet.client.provider import discover
from tests.client.issuer import issuing


def redirect_of(url):
    (redirect,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    return redirect


def test_a_person_logs_in_with_a_browser(person, browser, issuer):
    login = person.logs_in()
    assert (login.subject, login.issuer, login.id_token) == ("alice-a", issuer.url, issuer.id_tokens[-1])
    assert login.refresh_token in issuer.live
    browser.close()
    ((status, page),) = browser.answers
    assert status == 200
    assert "You may close this page" in page
    assert login.id_token not in page


def test_answers_to_other_logins_change_nothing_and_waiting_goes_on(person, browser):
    seen: list[int] = []

    def knock(url):
        at = redirect_of(url)
        seen.extend(
            browser.get(at + query)[0]
            for query in ("?code=x&state=guessed", "?error=access_denied&state=guessed", "?code=x", "", "favicon.ico")
        )

    browser.before = knock
    assert person.logs_in().subject == "alice-a"
    assert seen == [400, 400, 400, 400, 404]


def test_a_connection_that_says_nothing_holds_up_nobody(person, browser):
    silent = []

    def connect(url):
        address = urlsplit(redirect_of(url))
        silent.append(socket.create_connection((address.hostname, address.port)))

    browser.before = connect
    assert person.logs_in().subject == "alice-a"
    silent[0].close()


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
def test_only_a_plain_visit_is_answered(person, browser, method):
    answers = []

    def knock(url):
        address = urlsplit(redirect_of(url))
        (state,) = parse_qs(urlsplit(url).query)["state"]
        with socket.create_connection((address.hostname, address.port)) as connection:
            host = f"{address.hostname}:{address.port}"
            connection.sendall(f"{method} /?code=x&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answers.append(connection.recv(100).split()[1])

    browser.before = knock
    person.logs_in()
    assert answers == [b"501"]


def test_a_name_that_was_pointed_at_this_machine_is_not_answered(person, browser):
    answers = []

    def knock(url):
        address = urlsplit(redirect_of(url))
        (state,) = parse_qs(urlsplit(url).query)["state"]
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(f"GET /?code=x&state={state} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode())
            answers.append(connection.recv(100).split()[1])

    browser.before = knock
    person.logs_in()
    assert answers == [b"400"]


def test_time_is_limited(person, browser):
    with pytest.raises(ClientError, match="nobody logged in"):
        log_in_without_browser(person, limit_seconds=0.05)


def log_in_without_browser(person, **fields):
    with Calls(None) as calls:
        provider = discover(person.issuer.url, calls, "kube")
        return log_in(provider, "kube", None, Way(open_url=no_browser, **fields), clock=time.time)


def test_the_port_is_closed_afterwards(person, browser):
    urls: list[str] = []
    browser.before = urls.append
    person.logs_in()
    address = urlsplit(redirect_of(urls[0]))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_a_refusal_is_said_in_both_places(person, browser, issuer):
    issuer.answer = lambda answer: {"error": "access_denied", "state": answer["state"], "iss": answer["iss"]}
    with pytest.raises(OAuthRefused, match="access_denied"):
        person.logs_in()
    browser.close()
    assert browser.answers[0][0] == 400
    assert "access_denied" in browser.answers[0][1]


def test_what_the_server_says_is_text_in_the_page(person, browser, issuer):
    issuer.answer = lambda answer: {"error": "<script>", "state": answer["state"], "iss": answer["iss"]}
    with pytest.raises(OAuthRefused):
        person.logs_in()
    browser.close()
    assert "<script>" not in browser.answers[0][1]


@pytest.mark.parametrize("iss", ["https://evil.example", None])
def test_an_answer_of_another_server_is_not_redeemed(person, issuer, iss):
    issuer.answer = lambda answer: {name: value for name, value in {**answer, "iss": iss}.items() if value}
    with pytest.raises(ClientError, match="nothing of it was used"):
        person.logs_in()
    assert "/token" not in issuer.asked


@pytest.mark.parametrize("claims", [{"nonce": "other"}, {"aud": "other"}, {"iss": "https://x"}, {"exp": 1}], ids=str)
def test_a_wrong_id_token_is_no_login(person, issuer, store, claims):
    issuer.claims = claims
    with pytest.raises(ClientError):
        person.logs_in()
    assert store.latest() is None


@pytest.mark.parametrize(
    ("tokens", "words"),
    [({"id_token": None}, "no ID token"), ({"token_type": "mac"}, "unknown kind"), ({"access_token": 1}, "else than")],
    ids=str,
)
def test_half_an_answer_is_no_login(person, issuer, tokens, words):
    issuer.tokens = tokens
    with pytest.raises(Unreachable, match=words):
        person.logs_in()


@pytest.mark.parametrize(
    ("discovery", "words"),
    [
        ({"issuer": "https://other.example"}, "says its issuer is https://other.example"),
        ({"token_endpoint": "http://example.org/token"}, "not https"),
        ({"authorization_endpoint": "file:///etc/passwd"}, "no URL"),
        ({"revocation_endpoint": "http://example.org/revoke"}, "not https"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"token_endpoint": None}, "else than expected"),
    ],
    ids=str,
)
def test_an_issuer_where_tokens_are_not_safe_is_refused(person, issuer, discovery, words):
    issuer.discovery = discovery
    with pytest.raises(ClientError, match=words):
        person.logs_in()
    assert issuer.asked == ["/.well-known/openid-configuration"]


def test_plain_http_to_elsewhere_is_not_even_asked():
    with Calls(None) as calls, pytest.raises(ClientError, match="not https"):
        discover("http://192.0.2.1:8080", calls, "kube")


def test_a_slash_at_the_end_is_forgiven_to_people_alone(issuer):
    issuer.discovery = {"issuer": f"{issuer.url}/"}
    with Calls(None) as calls:
        assert discover(issuer.url, calls, "kube", as_typed=True).metadata.issuer == f"{issuer.url}/"
        with pytest.raises(ClientError, match="says its issuer is"):
            discover(issuer.url, calls, "kube")


@pytest.mark.parametrize(("path", "words"), [("elsewhere", "answers 303"), ("large", "too much"), ("x", "answers 404")])
def test_what_is_no_discovery_document_is_not_followed(issuer, path, words):
    with Calls(None) as calls, pytest.raises(Unreachable, match=words):
        discover(f"{issuer.url}/{path}", calls, "kube")


def test_a_server_without_tls_is_told_from_one_with(issuer):
    with Calls(None) as calls, pytest.raises(Unreachable, match="http://"):
        discover(issuer.url.replace("http://", "https://"), calls, "kube")


def test_the_authority_must_be_known(authority, tmp_path, browser, store):
    with issuing(authority.issue(tmp_path)) as issuer:
        with Calls(None) as calls, pytest.raises(Unreachable, match="--ca-file"):
            discover(issuer.url, calls, "kube")
        ca_data = base64.b64encode(authority.ca_file.read_bytes()).decode()
        with Calls(ca_data) as calls:
            provider = discover(issuer.url, calls, "kube")
            assert log_in(provider, "kube", ca_data, Way(open_url=browser_over(issuer, browser)), clock=time.time)


def browser_over(issuer, browser):
    """A browser that trusts the issuer already: only what comes back to this machine matters here."""

    def open_url(url):
        return browser.open(issuer.authorize({k: v for k, (v,) in parse_qs(urlsplit(url).query).items()}))

    return open_url


@pytest.mark.parametrize("ca_data", ["!", base64.b64encode(b"no certificate").decode(), ""])
def test_what_is_no_authority_is_said_to_be_none(ca_data):
    with pytest.raises(ClientError, match="PEM"):
        Calls(ca_data)


def test_the_address_of_a_browser_elsewhere_can_be_pasted(person, issuer, capfd):
    keyboard, terminal = pty.openpty()
    opened = threading.Event()
    asked = []

    def tells(url):
        asked.append(url)
        opened.set()

    def pastes():
        opened.wait(10)
        where = issuer.authorize({k: v for k, (v,) in parse_qs(urlsplit(asked[0]).query).items()})
        os.write(keyboard, b"what?\n")
        os.write(keyboard, f"{where}\n".encode())

    typing = threading.Thread(target=pastes)
    typing.start()
    with Calls(None) as calls:
        way = Way(open_url=tells, terminal=terminal, limit_seconds=20)
        login = log_in(discover(issuer.url, calls, "kube"), "kube", None, way, clock=time.time)
    typing.join()
    os.close(keyboard)
    os.close(terminal)
    assert login.subject == "alice-a"
    said = capfd.readouterr()
    assert said.out == ""
    assert "paste it here" in said.err
    assert "answers no login that began here" in said.err


def test_a_device_code_is_asked_about_as_seldom_as_the_server_likes(person, issuer, capfd):
    issuer.device_answers = ["authorization_pending", "slow_down", "authorization_pending"]
    slept: list[float] = []
    login = log_in_without_browser(person, by_device=True, sleep=slept.append)
    assert login.subject == "alice-a"
    assert slept == [5, 5, 10, 10]
    assert "BCDF-GHJK" in capfd.readouterr().err


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
def test_a_device_code_that_is_refused_ends_the_login(person, issuer, error):
    issuer.device_answers = ["authorization_pending", error]
    with pytest.raises(OAuthRefused, match=error):
        log_in_without_browser(person, by_device=True, sleep=lambda _: None)


def test_a_device_code_that_nobody_enters_ends(person, issuer):
    issuer.device_answers = ["authorization_pending"] * 100
    with pytest.raises(ClientError, match="in time"):
        log_in_without_browser(person, by_device=True, sleep=lambda _: None)
    assert len(issuer.forms) == 12


def test_without_a_device_flow_another_way_is_named(person, issuer):
    issuer.discovery = {"device_authorization_endpoint": None}
    with pytest.raises(ClientError, match="--no-browser"):
        log_in_without_browser(person, by_device=True)


def test_a_renewed_login_is_the_same_persons(person, issuer):
    login = person.logs_in()
    with Calls(None) as calls:
        provider = discover(issuer.url, calls, "kube")
        renewed = renew(provider, login, clock=time.time)
        assert renewed.refresh_token != login.refresh_token
        assert renewed.logged_in_at == login.logged_in_at
        issuer.claims = {"sub": "bob-b"}
        with pytest.raises(ClientError, match="somebody else"):
            renew(provider, renewed, clock=time.time)
        with pytest.raises(LoginNeeded):
            renew(provider, login, clock=time.time)  # its refresh token was used


def test_no_error_quotes_a_secret(person, issuer):
    login = person.logs_in()
    issuer.failing = 500
    with Calls(None) as calls, pytest.raises(ClientError) as failed:
        renew(discover(issuer.url, calls, "kube"), login, clock=time.time)
    assert login.refresh_token is not None
    assert login.refresh_token not in repr(failed.value)
    assert failed.value.__cause__ is None
