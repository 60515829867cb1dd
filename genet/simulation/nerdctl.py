"""The program `nerdctl`, as far as a Job uses it that saves a running container as an image; nothing is stored.

`commit` wants a container that runs on the same node, through a socket that is mounted from it, and takes 2 s; `push`
wants what was committed there before, and takes 2 s. A `commit` that is killed leaves the container paused until
`unpause`, but what runs in it here does not notice. What goes wrong is told by a word in the image's name, in the words
of nerdctl and containerd:

    commit  nospace       the node's disk is full
            toodeep       too many layers to be mounted
            endless       takes for ever (activeDeadlineSeconds ends the Job)
    push    collected     a layer of the base image is not on the node any more; commit warns of it
            unauthorized  the registry does not know who pushes
            forbidden     it does, and lets it not
            ratelimit     too many requests
            unreachable   no such host

Other programs in a Job's containers do as in every pod: `["sh", "-c", "echo some line; exit 3"]` logs and fails. Also
by their names (failures.py): an image with `missing` in it cannot be pulled, a program `no-such-…` does not start, and
a socket `/run/no-such-…` of type Socket is not on the node.

Trap: its own lines are logfmt, as there is no terminal; the digest of `commit` and the progress of `push` stand bare.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from genet.simulation.shell import FOREVER, Write
from genet.simulation.store import Store, timestamp

Obj = dict[str, Any]

SECONDS: Final = 2.0
"""What each of the two takes."""
_CONTAINERS_OF_KUBERNETES: Final = "k8s.io"
_VALUED: Final = frozenset({"--address", "--namespace", "--data-root", "--hosts-dir", "--snapshotter", "--message"})
_FLAGS: Final = frozenset({"--insecure-registry", "--debug", "--pause", "--quiet"})
_DIGEST: Final = "sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270"
_COMMIT_FAILURES: Final = {
    "nospace": "failed to export layer: failed to write compressed diff: failed to create diff tar stream: write "
    "/var/lib/containerd/io.containerd.content.v1.content/ingest/6c1f/data: no space left on device: unknown",
    "toodeep": "failed to export layer: failed to mount /var/lib/containerd/tmpmounts/containerd-mount1: "
    "mount options is too long: unknown",
}


class _Fatal(Exception):
    """What it ends with, after code 1."""


@dataclass(frozen=True, slots=True)
class _Call:
    command: str
    operands: Sequence[str]
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Nerdctl:
    """All nodes' containerds, as somebody sees them who saves containers."""

    store: Store
    sleep: Callable[[float], Awaitable[None]]
    committed: dict[tuple[str, str], str] = field(default_factory=dict)
    """(node, image): the containerID that it was made of."""
    pushed: dict[str, str] = field(default_factory=dict)
    """What the registries have by now: image, and the containerID that it was made of."""
    paused: set[str] = field(default_factory=set)
    """containerIDs."""

    async def run(self, pod: Obj, container: Obj, args: Sequence[str], write: Write) -> int:
        """Its exit code."""
        try:
            await self._do(pod, container, _parsed(args), write)
        except _Fatal as error:
            await self._log(write, "fatal", str(error))
            return 1
        return 0

    async def _do(self, pod: Obj, container: Obj, call: _Call, write: Write) -> None:
        _check_socket(pod, container, call.options.get("--address", "/run/containerd/containerd.sock"))
        match call.command, call.operands:
            case "commit", [container_id, image]:
                await self._commit(pod, call, container_id, image, write)
            case "push", [image]:
                await self._push(pod, call, image, write)
            case "unpause", [container_id]:
                await self._unpause(pod, container_id, write)
            case _:
                raise _Fatal(f"unknown subcommand or wrong number of arguments: {call.command}")

    async def _commit(self, pod: Obj, call: _Call, container_id: str, image: str, write: Write) -> None:
        node = pod["spec"]["nodeName"]
        if call.options.get("--namespace") != _CONTAINERS_OF_KUBERNETES or not self._runs(node, container_id):
            raise _Fatal(f"no such container {container_id}")
        await self._log(
            write, "warning", 'Image lacks label "nerdctl/platform", assuming the platform to be "linux/amd64"'
        )
        if "collected" in image:
            missing = f"failed to ensure the base image's content: content digest {_DIGEST}: not found"
            await self._log(write, "warning", missing)
        pauses = call.options.get("--pause", "true") == "true" and container_id not in self.paused
        if pauses:
            self.paused.add(container_id)
        await self.sleep(FOREVER if "endless" in image else SECONDS)
        if pauses:
            self.paused.discard(container_id)
        for word, failure in _COMMIT_FAILURES.items():
            if word in image:
                raise _Fatal(failure)
        if not self._runs(node, container_id):
            raise _Fatal(f"no such container {container_id}")
        self.committed[node, image] = container_id
        await write(f"{_digest(container_id, image)}\n".encode())

    async def _push(self, pod: Obj, call: _Call, image: str, write: Write) -> None:
        made_of = self.committed.get((pod["spec"]["nodeName"], image))
        if made_of is None:
            reduced = f"{image}-tmp-reduced-platform"
            raise _Fatal(f'failed to create a tmp single-platform image "{reduced}": image "{image}": not found')
        if "collected" in image:
            raise _Fatal(f'failed to create a tmp single-platform image "{image}": content digest {_DIGEST}: not found')
        digest = _digest(made_of, image)
        what = f"application/vnd.oci.image.manifest.v1+json, {digest}"
        await self._log(write, "info", f"pushing as a reduced-platform image ({what})")
        if "--insecure-registry" in call.options:
            await self._log(write, "warning", f'skipping verifying HTTPS certs for "{image.partition("/")[0]}"')
        await write(f"manifest-{digest}: waiting        |--------------------------------------|\n".encode())
        await self.sleep(SECONDS)
        if why := _push_failure(image):
            raise _Fatal(why)
        self.pushed[image] = made_of
        await write(f"manifest-{digest}: done           |++++++++++++++++++++++++++++++++++++++|\n".encode())
        await write(b"elapsed: 2.0 s    total:  11.2 M (5.6 MiB/s)\n")

    async def _unpause(self, pod: Obj, container_id: str, write: Write) -> None:
        if not self._runs(pod["spec"]["nodeName"], container_id):
            raise _Fatal(f"no such container {container_id}")
        if container_id not in self.paused:
            raise _Fatal(f"container {container_id} is not paused")
        self.paused.discard(container_id)
        await write(f"{container_id}\n".encode())

    def _runs(self, node: str, container_id: str) -> bool:
        wanted = f"containerd://{container_id}"
        for pod in self.store.list("pods"):
            if pod["spec"].get("nodeName") == node:
                for status in pod.get("status", {}).get("containerStatuses", ()):
                    if status.get("containerID") == wanted and "running" in status["state"]:
                        return True
        return False

    async def _log(self, write: Write, level: str, message: str) -> None:
        quoted = message.replace("\\", "\\\\").replace('"', '\\"')
        await write(f'time="{timestamp(self.store.clock())}" level={level} msg="{quoted}"\n'.encode())


def _parsed(args: Sequence[str]) -> _Call:
    options: dict[str, str] = {}
    words: list[str] = []
    rest = iter(args)
    for arg in rest:
        name, is_set, value = arg.partition("=")
        if not arg.startswith("-"):
            words.append(arg)
        elif name in _VALUED:
            options[name] = value if is_set else next(rest, "")
        elif name in _FLAGS:
            options[name] = value or "true"
        else:
            raise _Fatal(f"unknown flag: {name}")
    return _Call(words[0] if words else "", words[1:], options)


def _check_socket(pod: Obj, container: Obj, address: str) -> None:
    sockets = {item["name"] for item in pod["spec"].get("volumes") or () if "hostPath" in item}
    mounts = [item["mountPath"] for item in container.get("volumeMounts") or () if item["name"] in sockets]
    if not any(address == path or address.startswith(f"{path.rstrip('/')}/") for path in mounts):
        raise _Fatal(f'cannot access containerd socket "{address}": no such file or directory')


def _push_failure(image: str) -> str | None:
    host, _, rest = image.partition("/")
    repository = rest.rpartition(":")[0] or rest
    if "unauthorized" in image:
        token = f"https://{host}/token?scope=repository%3A{repository.replace('/', '%2F')}%3Apull%2Cpush"
        return (
            "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
            f"{token}: 401 Unauthorized"
        )
    if "forbidden" in image:
        return (
            "push access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
        )
    if "ratelimit" in image:
        url = f"https://{host}/v2/{repository}/blobs/uploads/"
        return f"failed to copy: unexpected status from POST request to {url}: 429 Too Many Requests"
    if "unreachable" in image:
        url = f"https://{host}/v2/{repository}/blobs/{_DIGEST}"
        return f'failed to do request: Head "{url}": dial tcp: lookup {host}: no such host'
    return None


def _digest(container_id: str, image: str) -> str:
    return f"sha256:{hashlib.sha256(f'{container_id} {image}'.encode()).hexdigest()}"
