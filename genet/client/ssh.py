"""How the system's ssh is started for a pod: where to, as whom, and which host keys are the pod's own.

Trap: arguments of ssh can run programs of this machine (`-oProxyCommand=…`), and a server that is not what it was could
send some. So of what it says only user, address and port are taken, each of them checked, and the arguments are put
together here. Whoever answers there must have a host key whose fingerprint Genet names; ssh is told that key, in a file
of its own, and believes no other.
"""

import base64
import binascii
import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from genet.client.errors import ClientError, printable
from genet.client.pods import Document, Pod

_LINE: Final = re.compile(
    r"ssh (?:-p (?P<before>[0-9]{1,5}) )?(?P<user>[a-z_][a-z0-9_-]{0,31})@(?P<host>[A-Za-z0-9:][A-Za-z0-9.:-]{0,252})"
    r"(?: -p (?P<after>[0-9]{1,5}))?"
)
_KEY: Final = re.compile(r"(?:ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+) [A-Za-z0-9+/]+=*")
_USUAL_PORT: Final = 22
_PORTS: Final = 65536
_SCAN_SECONDS: Final = 10


class Target(NamedTuple):
    user: str
    host: str
    port: int


def target(pod: Pod) -> Target:
    """Raises ClientError where the pod has no way in by ssh, or what the server says of it is no such way."""
    line = pod.connection.ssh
    if line is None:
        raise ClientError(
            f"{pod.name} cannot be reached by ssh{f' while it is {pod.status}' if pod.status != 'Running' else ''}",
            hint=f"Try: genet pods exec -it {pod.name}",
        )
    found = _LINE.fullmatch(line)
    port = int(found["before"] or found["after"] or _USUAL_PORT) if found else 0
    if found is None or not 0 < port < _PORTS:
        raise ClientError(f"the server says how to reach the pod in words that are not used: {printable(line)}")
    return Target(found["user"], found["host"], port)


def fingerprints(document: Document) -> list[str]:
    """`SHA256:…` of the host keys that the API names for the pod; none where it names none."""
    connection = document.get("connection")
    named = connection.get("hostKeyFingerprints") if isinstance(connection, dict) else None
    return [one for one in named or () if isinstance(one, str)]


def scan(to: Target) -> str:
    """The public host keys of whoever answers there, as `ssh-keyscan` prints them."""
    command = ["ssh-keyscan", "-T", str(_SCAN_SECONDS), "-p", str(to.port), "--", to.host]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * _SCAN_SECONDS, check=False)  # noqa: S603 # checked words, no shell
    except FileNotFoundError:
        raise ClientError("ssh-keyscan is not there", hint="Install the OpenSSH client.") from None
    except subprocess.TimeoutExpired:
        raise ClientError(f"{to.host} port {to.port} does not answer") from None
    return done.stdout


def known_hosts(to: Target, scanned: str, expected: Sequence[str]) -> str:
    """The lines to believe: of the keys that were found those whose fingerprints Genet names.

    Raises:
        ClientError: somebody else answers there, or nobody.
    """
    found = [" ".join(line.split()[1:3]) for line in scanned.splitlines() if not line.startswith("#")]
    keys = [key for key in found if _KEY.fullmatch(key)]
    if not keys:
        raise ClientError(f"{to.host} port {to.port} does not answer as ssh does", hint="Does the pod run yet?")
    own = [key for key in keys if _fingerprint(key) in expected]
    if not own:
        raise ClientError(f"whoever answers at {to.host} port {to.port} is not the pod: the host key is another one")
    return "".join(f"{_known_as(to)} {key}\n" for key in own)


def arguments(to: Target, known: Path | None, more: Sequence[str]) -> list[str]:
    """Of ssh.

    Args:
        to: checked, so it is no option.
        known: the file of host keys to believe, and no others; None: ssh asks as it always does.
        more: as the person typed them: ssh takes options behind the host as well, then a command.
    """
    pinned = [] if known is None else [
        "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes",
        "-o", "UpdateHostKeys=no",
    ]  # fmt: skip
    return ["ssh", "-p", str(to.port), "-l", to.user, *pinned, to.host, *more]


def config(pod: Pod, to: Target, known: Path | None) -> str:
    """A block for `~/.ssh/config`."""
    lines = [f"Host {pod.id}", f"  HostName {to.host}", f"  Port {to.port}", f"  User {to.user}"]
    if known is not None:
        lines += [f'  UserKnownHostsFile "{known}"', "  StrictHostKeyChecking yes"]
    return "\n".join(lines)


def _fingerprint(key: str) -> str:
    try:
        digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    except binascii.Error:
        return ""
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _known_as(to: Target) -> str:
    return to.host if to.port == _USUAL_PORT else f"[{to.host}]:{to.port}"
