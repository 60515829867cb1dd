"""What is kept of a login between two commands: one file for each issuer and client, for the owner's eyes alone.

kubectl runs side by side with itself, and a refresh token may be used once: who renews holds the lock of that login
and looks again before asking. A file is replaced as a whole, so readers need no lock.

Traps: the kernel drops an flock when its process dies, so no lock is ever stale; the lock is a file of its own, since
a lock on a file that is being replaced excludes nobody.
"""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from genet.client import private_file
from genet.client.errors import ClientError

Kept = TypeVar("Kept")

_VERSION = 1
_LONGEST = 1024 * 1024
_OTHERS = 0o077
_API_TOKEN = "API token"  # noqa: S105 # stands where logins have their client's id


class Login(NamedTuple):
    """Times are seconds since 1970; `…_good_until` is when a new one should be asked for, a while before it ends."""

    issuer: str
    client_id: str
    subject: str
    id_token: str
    id_token_ends: int
    id_token_good_until: int
    access_token: str
    access_token_good_until: int
    refresh_token: str | None
    ca_data: str | None
    """Base64 of the PEM authorities that the server was checked with; None: the system's."""
    logged_in_at: int


class ApiToken(NamedTuple):
    """An API token that somebody gave for one server."""

    server: str
    token: str
    ca_data: str | None
    """As that of a login."""
    kept_at: int


class Store:
    """The logins of one person, and their API tokens.

    Args:
        directory: made when the first login is kept.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, issuer: str, client_id: str) -> Login | None:
        """None also for a file that another version wrote."""
        return self._login(self._path(issuer, client_id, "json"))

    def latest(self) -> Login | None:
        """The login that was begun last."""
        found = [login for path in self._directory.glob("*.json") if (login := self._login(path))]
        return max(found, key=lambda login: login.logged_in_at, default=None)

    @contextmanager
    def locked(self, issuer: str, client_id: str) -> Iterator[None]:
        """Nobody else of this person renews, replaces or removes that login meanwhile."""
        self._make_directory()
        path = self._path(issuer, client_id, "lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def keep(self, login: Login) -> None:
        """To be called under the lock."""
        self._write(self._path(login.issuer, login.client_id, "json"), login._asdict())

    def forget(self, issuer: str, client_id: str) -> None:
        """To be called under the lock, whose file stays: others may be waiting for it."""
        with suppress(FileNotFoundError):
            self._path(issuer, client_id, "json").unlink()

    def read_token(self, server: str) -> ApiToken | None:
        return self._token(self._path(server, _API_TOKEN, "token"))

    def latest_token(self) -> ApiToken | None:
        """The one that was kept last."""
        found = [token for path in self._directory.glob("*.token") if (token := self._token(path))]
        return max(found, key=lambda token: token.kept_at, default=None)

    def keep_token(self, token: ApiToken) -> None:
        self._write(self._path(token.server, _API_TOKEN, "token"), token._asdict())

    def keep_known_host(self, pod: str, lines: str) -> Path:
        """A file of host keys for ssh; a pod's name is no path."""
        self._make_directory()
        path = self._path(pod, "known host", "hosts")
        private_file.replace(path, lines)
        return path

    def forget_token(self, server: str) -> bool:
        """False: there was none."""
        try:
            self._path(server, _API_TOKEN, "token").unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, issuer: str, client_id: str, suffix: str) -> Path:
        name = hashlib.sha256(f"{issuer}\n{client_id}".encode()).hexdigest()[:32]
        return self._directory / f"{name}.{suffix}"

    def _write(self, path: Path, document: dict[str, Any]) -> None:
        self._make_directory()
        private_file.replace(path, json.dumps({"version": _VERSION, **document}))

    def _login(self, path: Path) -> Login | None:
        return _known(Login, self._read(path))

    def _token(self, path: Path) -> ApiToken | None:
        return _known(ApiToken, self._read(path))

    def _make_directory(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = self._directory.stat()
        if about.st_uid != os.geteuid():
            raise ClientError(
                f"{self._directory} belongs to somebody else, so no login is kept there",
                hint="Set XDG_CACHE_HOME to a directory of your own.",
            )
        if about.st_mode & _OTHERS:
            self._directory.chmod(0o700)

    def _read(self, path: Path) -> bytes | None:
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        with os.fdopen(file, "rb") as opened:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & _OTHERS:
                raise ClientError(
                    f"{path} is not yours alone, so the login in it is not used", hint="Remove it and log in again."
                )
            return opened.read(_LONGEST)


def default_directory(environ: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/genet`, and `~/.cache/genet` where that is not set or no absolute path."""
    named = environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "genet"


def _known(kind: Callable[..., Kept], text: bytes | None) -> Kept | None:
    """None also for what another version wrote."""
    try:
        document = json.loads(text or b"null")
        return kind(**document) if document.pop("version") == _VERSION else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
