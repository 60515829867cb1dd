"""The kubeconfig of Genet's user: its parts asked of the server, the file written here and put where kubectl finds it.

Trap: kubectl runs what a kubeconfig names as a plugin, and sends the files that it names to the server that it names.
So of a file that a server made, its owner could do anything on this machine. The server says only which cluster and
which namespace; that kubectl asks this program, about this login, is written here. JSON is YAML, and quotes everything.

Two kubeconfigs are merged by kubectl itself, which knows its own format; without `--merge` the file stands alone and
nothing of the person's own is touched. The server's comes first in a merge, so that what changed there wins; an entry
of the same name that is about another cluster stops it.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from genet.client import private_file
from genet.client.addresses import origin, safe_url
from genet.client.calls import Calls
from genet.client.credential import API_VERSION
from genet.client.errors import ClientError, LoginNeeded, OAuthRefused, Unreachable, printable
from genet.client.store import Login

_SECONDS = 30
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/ -]{0,252}")


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of `GET /oidc/kubeconfig`, which takes the access token."""

    cluster: str
    server: str
    namespace: str
    user: str
    ca_data: str | None = None


def fetch(login: Login, calls: Calls) -> str:
    """The file's text; it holds no secret, so it may lie in a home that is backed up."""
    url = f"{login.issuer.rstrip('/')}/oidc/kubeconfig"
    try:
        place = calls.get(url, Place, bearer=login.access_token)
    except OAuthRefused as refusal:
        if refusal.code != "invalid_token":
            raise
        raise LoginNeeded("the server has ended the login", hint=f"Log in: genet login {login.issuer}") from None
    return text(login, place)


def text(login: Login, place: Place) -> str:
    """One cluster, and one user who is asked for at this login."""
    safe_url(place.server, "the API server's address")
    if not all(_NAME.fullmatch(name) for name in (place.cluster, place.namespace, place.user)):
        raise Unreachable(f"{origin(login.issuer)} gives names that a kubeconfig cannot have")
    cluster = {"server": place.server}
    if place.ca_data is not None:
        cluster["certificate-authority-data"] = place.ca_data
    authorities = [] if login.ca_data is None else ["--ca-data", login.ca_data]
    plugin = {
        "apiVersion": API_VERSION,
        "command": "genet",
        "args": ["credential", "--issuer", login.issuer, "--client-id", login.client_id, *authorities],
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
    }
    user = f"{place.cluster}-{place.user}"
    context = {"cluster": place.cluster, "namespace": place.namespace, "user": user}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": place.cluster, "cluster": cluster}],
        "users": [{"name": user, "user": {"exec": plugin}}],
        "contexts": [{"name": place.cluster, "context": context}],
        "current-context": place.cluster,
    }
    return json.dumps(document, indent=2) + "\n"


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
    private_file.replace(file, text)


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
    if _plugins(new) & _plugins(old):
        return  # it was merged before, from this very login
    for kind, what in (("clusters", "a cluster"), ("users", "a user"), ("contexts", "a context")):
        if taken := {item["name"] for item in old.get(kind) or ()} & {item["name"] for item in new.get(kind) or ()}:
            raise _taken(theirs, what, min(taken))


def _plugins(config: Mapping[str, Any]) -> set[str]:
    """Users by name, and where their plugin logs in."""
    found = ((item["name"], (item["user"].get("exec") or {}).get("args")) for item in config.get("users") or ())
    return {json.dumps([name, args[:5]]) for name, args in found if args}


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
