#!/usr/bin/env python3
"""Stands in for nerdctl where there is none to be had: its `commit`, `push` and `unpause`, done through `ctr`.

Only what Genet's Job says is understood, in nerdctl's own words; everything else is an error, so that a Job that says
something else is seen. What it is asked for it does for real: the container is paused, containerd compares its snapshot
with that of its image, the layer, configuration and manifest go into containerd as an image, and that to a registry.

As nerdctl does, and unlike a small script:
- it keeps a lock below its data root, so that directory must be writable;
- it wants every layer of the container's image in containerd's content store: what is not there is warned of, and
  then cannot be pushed (`content digest …: not found`);
- it reads accounts from `config.json` in DOCKER_CONFIG;
- with `--insecure-registry` it asks for HTTPS without a check first, and for HTTP if there is none.

Unlike nerdctl, it writes the layer below TMPDIR before containerd gets it, and never asks a registry for a layer of the
container's image that containerd has not kept. It stands alone: Python and `ctr` are all that the image has.
"""

import argparse
import base64
import fcntl
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

_CHUNK: Final = 1 << 20
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_OCI: Final = "application/vnd.oci.image.manifest.v1+json"
_OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_LAYERS: Final = {
    _OCI: "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.distribution.manifest.v2+json": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


class Blob(NamedTuple):
    digest: str
    size: int
    path: Path


class Containerd:
    """`ctr` on one socket and namespace."""

    def __init__(self, address: str, namespace: str) -> None:
        self._command = ["ctr", "--address", address, "--namespace", namespace]

    def __call__(self, *arguments: str) -> bytes:
        done = subprocess.run([*self._command, *arguments], capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def write(self, path: Path, *arguments: str) -> None:
        """Keep what it prints as that file."""
        with path.open("wb") as out:
            done = subprocess.run([*self._command, *arguments], stdout=out, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())

    def read(self, digest: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self("content", "get", digest))
        return document

    def has(self, digest: str) -> bool:
        return digest in self("content", "ls", "--quiet").decode().split()

    def target(self, image: str) -> str:
        """The digest that an image's name stands for."""
        for line in self("images", "ls").decode().splitlines()[1:]:
            name, _, digest, *_ = line.split()
            if name == image:
                return digest
        raise LookupError(f'image "{image}": not found')

    def state(self, container: str) -> str:
        listed = (line.split() for line in self("tasks", "ls").decode().splitlines())
        return next((words[2] for words in listed if words[0] == container), "STOPPED")


def commit(containerd: Containerd, data_root: Path, container: str, name: str, *, pause: bool) -> None:
    with _locked(data_root, container), tempfile.TemporaryDirectory() as directory:
        try:
            info = json.loads(containerd("containers", "info", container))
        except RuntimeError as error:
            raise LookupError(f"no such container: {container}") from error
        manifest, config = _image(containerd, containerd.target(info["Image"]))
        for layer in manifest["layers"]:
            if not containerd.has(layer["digest"]):
                _say("warning", f"content digest {layer['digest']}: not found, and it cannot be fetched")
        packed = Path(directory) / "layer"
        pause = pause and containerd.state(container) == "RUNNING"  # else it is left as it is, as nerdctl does
        if pause:
            containerd("tasks", "pause", container)
        try:
            snapshot = ["snapshots", "--snapshotter", info["Snapshotter"]]
            containerd.write(packed, *snapshot, "diff", info["SnapshotKey"])
        finally:
            if pause:
                containerd("tasks", "resume", container)
        layer_blob, diff_id = _layer(packed)
        new = _with_layer(config, diff_id, info["Spec"]["process"]["args"])
        containerd("images", "import", str(_archive(Path(directory), new, manifest, layer_blob, name)))
        print(_digest(json.dumps(new).encode()), flush=True)


def push(containerd: Containerd, name: str, *, insecure: bool) -> None:
    containerd.target(name)
    account = _account(name.split("/", maxsplit=1)[0])
    who = ["--user", account] if account else []
    _say("info", f"pushing as a reduced-platform image ({name})")
    try:
        containerd("images", "push", *who, *(["--skip-verify"] if insecure else []), name)
    except RuntimeError as error:
        if not insecure or not any(
            words in str(error) for words in ("server gave HTTP response to HTTPS client", "connection refused")
        ):
            raise
        _say("warning", "the server does not seem to support HTTPS, falling back to plain HTTP")
        containerd("images", "push", *who, "--plain-http", name)
    print("done", flush=True)


def unpause(containerd: Containerd, container: str) -> None:
    if containerd.state(container) != "PAUSED":
        raise LookupError(f"container {container} is not paused")
    containerd("tasks", "resume", container)
    print(container, flush=True)


def _locked(data_root: Path, container: str) -> io.TextIOWrapper:
    directory = data_root / "containers" / container
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _image(containerd: Containerd, digest: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest of this machine's kind, and its configuration."""
    document = containerd.read(digest)
    if document["mediaType"] in _INDEXES:
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        ours = [one for one in document["manifests"] if one.get("platform", {}).get("architecture") == machine]
        document = containerd.read(ours[0]["digest"])
    return document, containerd.read(document["config"]["digest"])


def _layer(packed: Path) -> tuple[Blob, str]:
    """The layer, and the digest of what it is when unpacked."""
    raw, unpacked = hashlib.sha256(), hashlib.sha256()
    with packed.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            raw.update(chunk)
    with gzip.open(packed) as stream:
        while chunk := stream.read(_CHUNK):
            unpacked.update(chunk)
    return Blob(f"sha256:{raw.hexdigest()}", packed.stat().st_size, packed), f"sha256:{unpacked.hexdigest()}"


def _with_layer(config: dict[str, Any], diff_id: str, command: Sequence[str]) -> dict[str, Any]:
    rootfs = config["rootfs"]
    history = [*config.get("history", []), {"created_by": " ".join(command)}]
    return config | {"rootfs": rootfs | {"diff_ids": [*rootfs["diff_ids"], diff_id]}, "history": history}


def _archive(directory: Path, config: dict[str, Any], base: dict[str, Any], layer: Blob, name: str) -> Path:
    """An OCI archive of what is new; the layers below are in containerd."""
    media_type = base.get("mediaType", _OCI)
    config_bytes = json.dumps(config).encode()
    described = {"mediaType": base["config"]["mediaType"], "digest": _digest(config_bytes), "size": len(config_bytes)}
    top = {"mediaType": _LAYERS[media_type], "digest": layer.digest, "size": layer.size}
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": described, "layers": [*base["layers"], top]}
    manifest_bytes = json.dumps(manifest).encode()
    root = {
        "mediaType": media_type,
        "digest": _digest(manifest_bytes),
        "size": len(manifest_bytes),
        "annotations": {"io.containerd.image.name": name},
    }
    index = {"schemaVersion": 2, "mediaType": _OCI_INDEX, "manifests": [root]}
    path = directory / "archive"
    with tarfile.open(path, "w") as tar:
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(tar, "index.json", json.dumps(index).encode())
        for content in (config_bytes, manifest_bytes):
            _add(tar, f"blobs/sha256/{_digest(content).removeprefix('sha256:')}", content)
        tar.add(layer.path, f"blobs/sha256/{layer.digest.removeprefix('sha256:')}")
    layer.path.unlink()
    return path


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _account(host: str) -> str | None:
    """`NAME:PASSWORD` of that registry."""
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    if not path.exists():
        return None
    entry = json.loads(path.read_text()).get("auths", {}).get(host)
    return base64.b64decode(entry["auth"]).decode() if entry else None


def _say(level: str, message: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(f'time="{now}" level={level} msg={json.dumps(message)}', file=sys.stderr, flush=True)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    for word in argv:
        if word == "--pause":  # which takes its value after `=` alone, as a switch does
            raise SystemExit("the container to commit is missing")
    parser = argparse.ArgumentParser(prog="nerdctl", allow_abbrev=False)
    parser.add_argument("--address", default="/run/containerd/containerd.sock")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--data-root", type=Path, default=Path("/var/lib/nerdctl"))
    parser.add_argument("--insecure-registry", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("commit", allow_abbrev=False)
    one.add_argument("--pause", choices=["true", "false"], default="true")
    one.add_argument("container")
    one.add_argument("name")
    commands.add_parser("push", allow_abbrev=False).add_argument("name")
    commands.add_parser("unpause", allow_abbrev=False).add_argument("container")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    arguments = _arguments(argv)
    containerd = Containerd(arguments.address.removeprefix("unix://"), arguments.namespace)
    try:
        if arguments.command == "commit":
            pause = arguments.pause == "true"
            commit(containerd, arguments.data_root, arguments.container, arguments.name, pause=pause)
        elif arguments.command == "unpause":
            unpause(containerd, arguments.container)
        else:
            push(containerd, arguments.name, insecure=arguments.insecure_registry)
    except (RuntimeError, LookupError, OSError) as error:
        _say("fatal", str(error))
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
