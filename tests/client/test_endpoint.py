"""Which server is asked with which token: one that is for another server is not used."""

import pytest

from genet.client.endpoint import endpoint
from genet.client.errors import ClientError, LoginNeeded
from genet.client.store import ApiToken, Login, Store

A, B = "https://a.example.org", "https://b.example.org"
TOKEN, OTHER = f"genet-sk-{'a' * 20}.{'x' * 43}", f"genet-sk-{'b' * 20}.{'y' * 43}"


@pytest.fixture
def ask(store: Store):
    def asked(server=None, token_file=None, **environ):
        return endpoint(environ, store, server=server, token_file=token_file, ca_data=None)

    return asked


def keep(store: Store, server: str, token: str, at: int = 1) -> None:
    store.keep_token(ApiToken(server, token, None, at))


def test_the_environment_names_server_and_token(ask):
    assert ask(GENET_URL="a.example.org/", GENET_TOKEN=TOKEN)[:2] == (A, TOKEN)


def test_a_token_of_the_environment_does_not_go_to_another_server(ask, store):
    keep(store, B, OTHER)
    assert ask(B, GENET_URL=A, GENET_TOKEN=TOKEN)[:2] == (B, OTHER)
    with pytest.raises(LoginNeeded, match=r"no API token for https://c\.example\.org"):
        ask("https://c.example.org", GENET_URL=A, GENET_TOKEN=TOKEN)


def test_a_token_without_its_server_goes_nowhere(ask, store):
    keep(store, B, OTHER)
    for server in (None, A):
        with pytest.raises(ClientError, match="GENET_URL"):
            ask(server, GENET_TOKEN=TOKEN)


def test_what_is_kept_goes_to_the_server_it_was_kept_for(ask, store):
    keep(store, A, TOKEN, 1)
    keep(store, B, OTHER, 2)
    assert ask()[:2] == (B, OTHER)
    assert ask("a.example.org")[:2] == (A, TOKEN)
    assert store.forget_token(B)
    assert not store.forget_token(B)
    assert ask()[:2] == (A, TOKEN)


def test_a_file_with_a_token_goes_before_all_else(ask, store, tmp_path):
    keep(store, A, OTHER)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert ask(A, file, GENET_URL=A, GENET_TOKEN=OTHER)[:2] == (A, TOKEN)


@pytest.mark.parametrize(
    "text", ["", "ghp_0123456789012345678901234567890", f"{TOKEN}\r\nX: y", "genet-at-" + "x" * 40]
)
def test_what_is_no_token_of_genet_is_neither_sent_nor_shown(ask, tmp_path, text):
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ClientError, match="holds no API token") as found:
        ask(A, file)
    assert not text or text not in str(found.value)


def test_a_server_on_this_machine_may_need_no_token_and_others_do(ask):
    assert ask("http://127.0.0.1:8080") == ("http://127.0.0.1:8080", None, None)
    with pytest.raises(LoginNeeded, match="--with-token"):
        ask(A)
    with pytest.raises(LoginNeeded, match="--server"):
        ask()


def test_a_login_tells_the_server_and_is_no_credential(ask, store):
    login = Login(A, "kube", "alice", "i", 2**40, 2**40, "a", 2**40, "r", None, 1)
    with store.locked(A, "kube"):
        store.keep(login)
    with pytest.raises(LoginNeeded, match=r"genet login --with-token https://a\.example\.org"):
        ask()


def test_no_token_travels_over_plain_http(ask):
    with pytest.raises(ClientError, match="not https"):
        ask("http://a.example.org", GENET_URL="http://a.example.org", GENET_TOKEN=TOKEN)


def test_a_token_that_others_may_read_is_not_used(ask, store, tmp_path):
    keep(store, A, TOKEN)
    (file,) = (tmp_path / "cache" / "genet").glob("*.token")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(ClientError, match="not yours alone"):
        ask()
