"""The kubeconfig of Genet's user: asked of the server, and put where kubectl finds it.

Two kubeconfigs are merged by kubectl itself, which knows its own format; without `--merge` the file stands alone and
nothing of the person's own is touched. The server's comes first in a merge, so that what changed there wins; an entry
of the same name that is about another cluster stops it.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from genet.client.addresses import origin
from genet.client.calls import Calls
from genet.client.errors import ClientError, LoginNeeded, OAuthRefused, printable
from genet.client.store import Login

_SECONDS = 30


class Kubeconfig(msgspec.Struct, frozen=True):
    """What is used of the answer of `GET /oidc/kubeconfig`, which takes the access token."""

    kubeconfig: str


def fetch(login: Login, calls: Calls) -> str:
    """The YAML text; it holds no secret, so it may lie in a home that is backed up."""
    url = f"{login.issuer.rstrip('/')}/oidc/kubeconfig"
    try:
        return calls.get(url, Kubeconfig, bearer=login.access_token).kubeconfig
    except OAuthRefused as refusal:
        if refusal.code != "invalid_token":
            raise
        raise LoginNeeded("the server has ended the login", hint=f"Log in: genet login {login.issuer}") from None


def own_file(login: Login, home: Path) -> Path:
    """Where it goes unless somebody says otherwise."""
    name = origin(login.issuer).partition("://")[2]
    safe = "".join(character if character.isalnum() or character in ".-" else "-" for character in name)
    return home / ".kube" / f"genet-{safe}"


def default_file(environ: Mapping[str, str], home: Path) -> Path:
    """What kubectl writes to: the first file of KUBECONFIG, else `~/.kube/config`."""
    named = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return Path(named[0]) if named else home / ".kube" / "config"


def write(text: str, file: Path) -> None:
    """Replaces the file as a whole; a link is followed, so that it stays one."""
    file = file.resolve()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


def merge(text: str, file: Path) -> None:
    """Puts the server's entries into a kubeconfig; raises ClientError, and changes nothing, where that is not safe."""
    beside = file.resolve().with_name(f".{file.name}.{os.getpid()}.genet")
    write(text, beside)
    try:
        if file.exists():
            _check_names(beside, file)
            text = _kubectl(beside, file, "--flatten")
        write(text, file)
    finally:
        beside.unlink()


def _check_names(ours: Path, theirs: Path) -> None:
    new, old = _view(ours), _view(theirs)
    servers = {item["name"]: item["cluster"].get("server") for item in old.get("clusters") or ()}
    for item in new.get("clusters") or ():
        if servers.get(item["name"], item["cluster"].get("server")) != item["cluster"].get("server"):
            raise _taken(theirs, "a cluster", item["name"])
    if servers.keys() & {item["name"] for item in new.get("clusters") or ()}:
        return  # it was merged before
    for kind, what in (("users", "a user"), ("contexts", "a context")):
        if taken := {item["name"] for item in old.get(kind) or ()} & {item["name"] for item in new.get(kind) or ()}:
            raise _taken(theirs, what, min(taken))


def _taken(file: Path, what: str, name: str) -> ClientError:
    return ClientError(
        f"{file} has {what} {printable(name)} already, and it is another one; nothing was changed",
        hint="Without --merge the kubeconfig gets a file of its own.",
    )


def _view(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_kubectl(file, "--output=json"))
    return document


def _kubectl(*files_and_option: Path | str) -> str:
    *files, option = map(str, files_and_option)
    environ = {**os.environ, "KUBECONFIG": os.pathsep.join(files)}
    try:
        done = subprocess.run(  # noqa: S603 # no shell, and names of files alone
            ["kubectl", "config", "view", "--raw", option],  # noqa: S607 # the person's own
            env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise ClientError(
            "--merge needs kubectl, which is not there", hint="Install it, or leave --merge out."
        ) from None
    except subprocess.TimeoutExpired:
        raise ClientError("kubectl did not end in time; nothing was changed") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise ClientError(f"kubectl could not read the kubeconfigs; nothing was changed: {printable(done.stderr)}")
    return done.stdout
