"""What types alone cannot say of volumes: keys that belong to other kinds, paths that lead elsewhere. Pure.

A path is all that parts people on a node's disk or an export, so one that can be another person's stops the start.
"""

import re
from collections.abc import Iterator
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
_OWN_NAMES = re.compile(r"dshm|genet-.*")
"""Volumes that Genet gives pods by itself."""
_SERVER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_CLAIM = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
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
        if volume.shared and (inside := _held_within(volume, storage)) is not None:
            yield f"{key}.shared", f"{inside!r} keeps the directories of single people in it, and all would read them"


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
    if any(path == system or path.startswith(f"{system}/") for system in _OF_THE_SYSTEM):
        yield f"expected a path outside {', '.join(_OF_THE_SYSTEM)}"
    if path in _WHOLE:
        yield "expected a directory below it: what the image has there would be hidden"


def _only_looks_read_only(volume: Volume) -> bool:
    """Kubernetes knows no host path that is read-only by itself."""
    is_everybodys = volume.type == "hostpath" and USER_IDENTIFIER not in (volume.path or "")
    return is_everybodys and volume.read_only and not volume.shared


def _held_within(volume: Volume, storage: Storage) -> str | None:
    """The name of another volume whose directories of single people lie in this shared one."""
    for other in storage.volumes:
        same = (other.type, other.server) == (volume.type, volume.server)
        personal = other.path is not None and USER_IDENTIFIER in other.path
        if same and personal and f"{other.path}/".startswith(f"{volume.path}/"):
            return other.name
    return None


def _bytes(quantity: str) -> Decimal:
    number, unit = re.fullmatch(r"([0-9.]+)(.*)", quantity).groups()  # type: ignore[union-attr] # its type says so
    return Decimal(number) * _FACTORS[unit]
