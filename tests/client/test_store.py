import os
import stat
import threading
from pathlib import Path

import pytest

from genet.client.errors import ClientError
from genet.client.store import Login, Store, default_directory

LOGIN = Login("https://genet.example.org", "kube", "alice-a", "id", 600, 540, "access", 540, "refresh", None, 0)
ISSUER = LOGIN.issuer


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "new" / "genet"


@pytest.fixture
def store(directory):
    return Store(directory)


def keep(store, login=LOGIN):
    with store.locked(login.issuer, login.client_id):
        store.keep(login)


def test_a_login_that_is_kept_is_found_again(store):
    assert store.read(ISSUER, "kube") is None
    keep(store)
    assert store.read(ISSUER, "kube") == LOGIN
    assert store.read(ISSUER, "other") is None
    assert store.read(ISSUER + "/", "kube") is None


def test_nobody_else_can_read_it(store, directory):
    umask = os.umask(0)
    try:
        keep(store)
        keep(store, LOGIN._replace(id_token="newer"))
    finally:
        os.umask(umask)
    assert mode(directory) == 0o700
    assert {mode(path) for path in directory.iterdir()} == {0o600}
    assert len(list(directory.iterdir())) == 2  # the login and its lock


def test_a_directory_that_others_may_enter_is_closed(store, directory):
    directory.mkdir(mode=0o755, parents=True)
    keep(store)
    assert mode(directory) == 0o700


def test_a_file_that_others_may_read_is_not_used(store, directory):
    keep(store)
    (path,) = directory.glob("*.json")
    path.chmod(0o640)
    with pytest.raises(ClientError, match="not yours alone"):
        store.read(ISSUER, "kube")


def test_a_link_is_not_followed(store, directory, tmp_path):
    keep(store)
    (path,) = directory.glob("*.json")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        store.read(ISSUER, "kube")


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"version": 1}', '{"version": 2, "issuer": "x"}'])
def test_what_cannot_be_read_is_no_login(store, directory, text):
    keep(store)
    (path,) = directory.glob("*.json")
    path.write_text(text)
    assert store.read(ISSUER, "kube") is None
    assert store.latest() is None


def test_what_a_killed_process_left_is_no_obstacle(store, directory):
    directory.mkdir(parents=True)
    keep(store)
    (path,) = directory.glob("*.json")
    path.with_suffix(f".{os.getpid()}").write_text("half")
    keep(store, LOGIN._replace(id_token="newer"))
    found = store.read(ISSUER, "kube")
    assert found is not None
    assert found.id_token == "newer"


def test_the_login_begun_last_is_the_one_meant(store):
    keep(store, LOGIN._replace(logged_in_at=2))
    keep(store, LOGIN._replace(issuer="https://other.example.org", logged_in_at=1))
    found = store.latest()
    assert found is not None
    assert found.issuer == ISSUER


def test_one_at_a_time_holds_the_lock_of_a_login(store):
    entered = threading.Event()

    def other():
        with store.locked(ISSUER, "kube"):
            entered.set()

    with store.locked(ISSUER, "kube"):
        waiting = threading.Thread(target=other)
        waiting.start()
        with store.locked("https://other.example.org", "kube"):
            assert not entered.wait(0.2)
    assert entered.wait(10)
    waiting.join()


def test_what_is_forgotten_is_gone(store, directory):
    keep(store)
    with store.locked(ISSUER, "kube"):
        store.forget(ISSUER, "kube")
        store.forget(ISSUER, "kube")
    assert store.read(ISSUER, "kube") is None
    assert not list(directory.glob("*.json"))


def test_it_lies_where_caches_lie():
    assert default_directory({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/genet")
    assert default_directory({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "genet"
    assert default_directory({}) == Path.home() / ".cache" / "genet"
