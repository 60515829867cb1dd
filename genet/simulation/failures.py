"""What goes wrong by its name, in the words of a real kubelet and containerd. Pure.

An image with `missing` in its name does not exist, with `forbidden` it may not be pulled, with `unreachable` its
registry does not answer, with `ratelimit` it was pulled too often; a name with capitals is none. A program whose name
begins with `no-such-` is not in its image, and a path of the node that begins so in its last part is not there. All
other images, programs and paths are there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

Obj = dict[str, Any]
Exists = Callable[[str, str], Obj | None]
"""Looks up an object of the pod's namespace: plural and name."""

NO_SUCH: Final = "no-such-"
_HOST_PATH_TYPES: Final = {"Socket": "a socket file", "File": "a file", "Directory": "a directory"}
_REPOSITORY: Final = re.compile(r"([^/]*[.:][^/]*/)?([^:@]*)")


def invalid_name(image: str) -> str | None:
    """What the kubelet says of a name that is none."""
    match = _REPOSITORY.match(image)
    if match is None or match[2] == match[2].lower():
        return None
    cause = "invalid reference format: repository name must be lowercase"
    return f'Failed to apply default image tag "{image}": couldn\'t parse image reference "{image}": {cause}'


def pull_failure(image: str) -> str | None:
    """What containerd says; None: the image can be pulled."""
    head = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}"'
    host = image.partition("/")[0]
    if "missing" in image:
        return f"{head}: {image}: not found"
    if "forbidden" in image:
        return f"{head}: pulling from host {host} failed with status code [manifests 1]: 403 Forbidden"
    if "ratelimit" in image:
        return f"{head}: pulling from host {host} failed with status code [manifests 1]: 429 Too Many Requests"
    if "unreachable" in image:
        path = image.partition("/")[2].replace(":", "/manifests/")
        return f'{head}: failed to do request: Head "https://{host}/v2/{path}": dial tcp: lookup {host}: no such host'
    return None


def start_failure(argv: Sequence[str]) -> str | None:
    """What runc says of a program that is not there."""
    if not argv or not argv[0].rpartition("/")[2].startswith(NO_SUCH):
        return None
    stat = f"stat {argv[0]}: no such file or directory" if "/" in argv[0] else "executable file not found in $PATH"
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: exec: "{argv[0]}": {stat}'
    )


def unmet_mount(volume: Obj, exists: Exists) -> str | None:
    """Why a volume cannot be mounted yet."""
    path, kind = (str(volume.get("hostPath", {}).get(field) or "") for field in ("path", "type"))
    if kind in _HOST_PATH_TYPES and path.rpartition("/")[2].startswith(NO_SUCH):
        text = f"hostPath type check failed: {path} is not {_HOST_PATH_TYPES[kind]}"
        return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {text}'
    for field, plural, kind in (("secret", "secrets", "secret"), ("configMap", "configmaps", "configmap")):
        source = volume.get(field)
        if source is None or source.get("optional"):
            continue
        name = source.get("secretName") or source.get("name", "")
        if exists(plural, name) is None:
            return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind} "{name}" not found'
    return None


def unmet_variables(container: Obj, namespace: str, exists: Exists) -> Iterator[str]:
    """Why the variables of a container cannot be filled in."""
    references = (
        ("secretKeyRef", "secrets", "secret", "Secret"),
        ("configMapKeyRef", "configmaps", "configmap", "ConfigMap"),
    )
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        for field, plural, word, kind in references:
            wanted = source.get(field)
            if wanted is None or wanted.get("optional"):
                continue
            found = exists(plural, wanted["name"])
            if found is None:
                yield f'{word} "{wanted["name"]}" not found'
            elif wanted["key"] not in {**(found.get("data") or {}), **(found.get("stringData") or {})}:
                yield f"couldn't find key {wanted['key']} in {kind} {namespace}/{wanted['name']}"
