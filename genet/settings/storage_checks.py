"""What types alone cannot say of volumes: keys that belong to other kinds, paths that lead elsewhere. Pure.

A path is all that parts people on a node's disk or an export, so one that can be another person's stops the start; and
one that people could replace by a symbolic link, which the node would follow to its own files.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import PurePosixPath

from genet.settings.checks import Complaint
from genet.settings.storage import USER_IDENTIFIER, Storage, Volume

_KEYS: dict[str, tuple[str, frozenset[str]]] = {
    "size": ("size", frozenset({"pvc", "hostpath", "nfs"})),
    "max_size": ("maxSize", frozenset({"pvc"})),
    "storage_class": ("storageClass", frozenset({"pvc"})),
    "access_mode": ("accessMode", frozenset({"pvc"})),
    "reclaim_policy": ("reclaimPolicy", frozenset({"pvc"})),
    "path": ("path", frozenset({"hostpath", "nfs"})),
    "shared": ("shared", frozenset({"hostpath", "nfs"})),
    "node_selector": ("nodeSelector", frozenset({"hostpath"})),
    "server": ("server", frozenset({"nfs"})),
    "mount_options": ("mountOptions", frozenset({"nfs"})),
    "claim_name": ("claimName", frozenset({"existing"})),
    "size_limit": ("sizeLimit", frozenset({"emptyDir"})),
}
_NEEDED = {"hostpath": ("path",), "nfs": ("server", "path"), "existing": ("claim_name",)}
_INSTEAD = {
    ("size", "emptyDir"): "sizeLimit",
    ("size_limit", "pvc"): "size, or maxSize",
    ("path", "existing"): "claimName",
}
_OF_THE_SYSTEM = ("/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets")
_WHOLE = frozenset(
    {"/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/run", "/sbin", "/usr", "/var", "/var/lib", "/var/run"}
)
"""Without what the image has there nothing runs; directories below them may be mounted."""
_OF_THE_NODE = (
    *("/boot", "/dev", "/etc", "/proc", "/root", "/run", "/sys", "/var/run"),
    *(f"/var/lib/{one}" for one in ("containerd", "containers", "docker", "etcd", "kubelet", "rancher")),
)
"""Keys, sockets and devices: whoever reads them, or writes to a socket that can only be read, has the node."""
_ABOVE_THE_NODES = frozenset({"/bin", "/lib", "/lib64", "/sbin", "/usr", "/var", "/var/lib"})
_OWN_NAMES = re.compile(r"dshm|genet-.*")
"""Volumes that Genet gives pods by itself."""
_SERVER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_CLAIM = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PERSON = "[a-z0-9]+(?:-[a-z0-9]+)+"
"""Whatever a userIdentifier may look like: it always has a hyphen."""
_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTP", 1)},
}


def storage_complaints(storage: Storage, *, people_create: bool = False) -> Iterator[Complaint]:
    """What is wrong with the volumes; `people_create`: people make pods of their own with kubectl."""
    mounted: dict[PurePosixPath, str] = {}
    for number, volume in enumerate(storage.volumes):
        key = f"storage.volumes[{number}]"
        if _OWN_NAMES.fullmatch(volume.name):
            yield f"{key}.name", "expected another one: Genet gives pods volumes of this name itself"
        yield from ((f"{key}.{name}", why) for name, why in _of_kind(volume))
        yield from ((f"{key}.mountPath", why) for why in _mount_path(volume.mount_path))
        where = PurePosixPath(volume.mount_path)
        if where in mounted:
            yield f"{key}.mountPath", f"expected another one than that of {mounted[where]!r}"
        mounted[where] = volume.name
        if people_create and _only_looks_read_only(volume):
            yield (
                f"{key}.readOnly",
                "holds in the pods that Genet makes, and with kubeconfig.allowCreate people make others; "
                "expected shared: true, if that may be, or type nfs",
            )
        if (inside := _held_within(volume, storage)) is not None:
            where_it_says_so = "shared" if volume.shared else "path"
            yield (
                f"{key}.{where_it_says_so}",
                f"{inside!r} keeps the directories of single people in it, and all would read them",
            )
        if (around := _lies_within(volume, storage, people_create=people_create)) is not None:
            yield (
                f"{key}.path",
                f"lies within what people write by {around!r}: whoever puts a symbolic link in its place is given "
                "whatever directory it names; expected one beside it",
            )
        if (taken := _may_be_a_persons(volume, storage)) is not None:
            yield f"{key}.path", f"somebody's userIdentifier may be so: then it is their directory of {taken!r}"


def _of_kind(volume: Volume) -> Iterator[Complaint]:
    for field, (key, kinds) in _KEYS.items():
        if getattr(volume, field) and volume.type not in kinds:
            instead = _INSTEAD.get((field, volume.type))
            hint = f"; expected {instead}" if instead else f"; expected with {' or '.join(sorted(kinds))} alone"
            yield key, f"says nothing for type {volume.type}{hint}"
    for field in _NEEDED.get(volume.type, ()):
        if not getattr(volume, field):
            yield _KEYS[field][0], f"required for type {volume.type}"
    yield from _amounts(volume)
    if volume.has_own_volume and volume.path:
        yield from _source(volume, volume.path)
    if volume.server and not _SERVER.fullmatch(volume.server):
        yield "server", "expected a host name or an address"
    if volume.claim_name and not _CLAIM.fullmatch(volume.claim_name.replace(USER_IDENTIFIER, "user")):
        yield "claimName", f"expected the name of a claim, in which {USER_IDENTIFIER} may stand"


def _amounts(volume: Volume) -> Iterator[Complaint]:
    if volume.max_size is not None and _bytes(volume.max_size) < _bytes(volume.requested):
        yield "maxSize", f"expected no less than size ({volume.requested})"
    for key, amount in (("size", volume.size), ("sizeLimit", volume.size_limit)):
        if amount is not None and _bytes(amount) < 1:
            yield key, "expected more than nothing"


def _source(volume: Volume, path: str) -> Iterator[Complaint]:
    yield from (("path", why) for why in _path(path.replace(USER_IDENTIFIER, "user")))
    if volume.type == "hostpath" and (path in _ABOVE_THE_NODES or _is_below(path, _OF_THE_NODE)):
        yield "path", "expected a directory of its own: the node keeps there what is as good as its root password"
    is_personal = USER_IDENTIFIER in path
    if is_personal and volume.shared:
        yield "shared", f"either this, or {USER_IDENTIFIER} in path: not both"
    if not (is_personal or volume.read_only or volume.shared):
        yield (
            "path",
            f"expected {USER_IDENTIFIER} in it, or readOnly: one person reads and changes there what another wrote; "
            "where that is meant, shared: true says so",
        )


def _path(path: str) -> Iterator[str]:
    if not path.startswith("/"):
        yield "expected an absolute path"
    elif ".." in path.split("/"):
        yield "expected a path without `..`: it leads out of where it begins"
    elif path == "/" or str(PurePosixPath(path)) != path or path.startswith("//"):
        yield "expected a directory below /, without `.`, doubled slashes and slash at the end"
    elif re.search(r"[{}:\x00-\x1f\x7f]", path):
        yield f"expected neither colons nor control characters, nor braces but those of {USER_IDENTIFIER}"


def _mount_path(path: str) -> Iterator[str]:
    yield from _path(path)
    if _is_below(path, _OF_THE_SYSTEM):
        yield f"expected a path outside {', '.join(_OF_THE_SYSTEM)}"
    if path in _WHOLE:
        yield "expected a directory below it: what the image has there would be hidden"


def _is_below(path: str, directories: Iterable[str]) -> bool:
    return any(path == directory or path.startswith(f"{directory}/") for directory in directories)


def _only_looks_read_only(volume: Volume) -> bool:
    """Kubernetes knows no host path that is read-only by itself."""
    is_everybodys = volume.type == "hostpath" and USER_IDENTIFIER not in (volume.path or "")
    return is_everybodys and volume.read_only and not volume.shared


def _held_within(volume: Volume, storage: Storage) -> str | None:
    """The name of another volume whose directories of single people lie in this one, which everybody reads."""
    if _is_personal(volume):
        return None
    others = (other for other in _beside(volume, storage) if _is_personal(other))
    return next((other.name for other in others if _is_within(other, volume)), None)


def _lies_within(volume: Volume, storage: Storage, *, people_create: bool) -> str | None:
    """The name of another volume which people may write to, and in which this one's directory is a name like others.

    A node follows symbolic links in the path of what it mounts, also out of the directory: to its own files.
    """
    # Kubernetes knows no host path that is read-only by itself
    others = (
        other
        for other in _beside(volume, storage)
        if not other.read_only or (people_create and other.type == "hostpath")
    )
    # of single people's in what is everybody's it is said there
    return next(
        (
            other.name
            for other in others
            if _is_within(volume, other) and not (_is_personal(volume) and not _is_personal(other))
        ),
        None,
    )


def _may_be_a_persons(volume: Volume, storage: Storage) -> str | None:
    """The name of another volume of which this fixed path is one person's, should somebody be called so."""
    if _is_personal(volume):
        return None
    others = (other for other in _beside(volume, storage) if _is_personal(other))
    own = (volume.path or "").split("/")
    return next((other.name for other in others if _covers((other.path or "").split("/"), own)), None)


def _beside(volume: Volume, storage: Storage) -> Iterator[Volume]:
    """The others on the same disk or server."""
    for other in storage.volumes:
        same = (other.type, other.server) == (volume.type, volume.server)
        if same and other is not volume and volume.path and other.path:
            yield other


def _is_personal(volume: Volume) -> bool:
    return USER_IDENTIFIER in (volume.path or "")


def _is_within(inner: Volume, outer: Volume) -> bool:
    """Whether the directory of one lies below that of the other, for some person."""
    below, above = (inner.path or "").split("/"), (outer.path or "").split("/")
    return len(below) > len(above) and _covers(above, below)


def _covers(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether the first names of a path may be these, for some person; either may have a person's name in it."""
    return all(_meets(one, other) for one, other in zip(above, below, strict=False)) and len(above) <= len(below)


def _meets(one: str, other: str) -> bool:
    if one == other:
        return True
    return any(
        USER_IDENTIFIER in pattern and re.fullmatch(_PERSON.join(map(re.escape, pattern.split(USER_IDENTIFIER))), text)
        for pattern, text in ((one, other), (other, one))
    )


def _bytes(quantity: str) -> Decimal:
    number, unit = re.fullmatch(r"([0-9.]+)(.*)", quantity).groups()  # type: ignore[union-attr] # its type says so
    return Decimal(number) * _FACTORS[unit]
