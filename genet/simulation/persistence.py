"""What the API server checks of claims and volumes: what stays as it is, what may grow; in the real server's words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from genet.simulation.errors import Cause, forbidden
from genet.simulation.quantity import parse
from genet.simulation.resources import KINDS
from genet.simulation.store import Object, Store

_SOURCES: Final = frozenset({"hostPath", "nfs", "csi", "local", "iscsi", "fc", "rbd", "cephfs"})
_MUTABLE: Final = frozenset({"volumeAttributesClassName"})
_FORBIDDEN_CLAIM_UPDATE: Final = (
    "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
    "claims"
)
_NOT_RESIZABLE: Final = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


def check_volume(volume: Object) -> Iterator[Cause]:
    spec = volume.setdefault("spec", {})
    if not spec.get("accessModes"):
        yield "FieldValueRequired", "spec.accessModes", "Required value"
    if "storage" not in spec.get("capacity", {}):
        yield "FieldValueRequired", "spec.capacity", "Required value"
    sources = _SOURCES & spec.keys()
    if not sources:
        yield "FieldValueRequired", "spec", "Required value: must specify a volume type"
    elif len(sources) > 1:
        for name in sorted(sources)[1:]:
            yield "FieldValueForbidden", f"spec.{name}", "Forbidden: may not specify more than 1 volume type"
    if ".." in spec.get("hostPath", {}).get("path", "").split("/"):
        why = f"Invalid value: \"{spec['hostPath']['path']}\": must not contain '..'"
        yield "FieldValueInvalid", "spec.hostPath.path", why


def check_volume_update(volume: Object, old: Object) -> Iterator[Cause]:
    if any(volume["spec"].get(name) != old["spec"].get(name) for name in _SOURCES):
        yield (
            "FieldValueForbidden",
            "spec.persistentvolumesource",
            "Forbidden: spec.persistentvolumesource is immutable after creation",
        )


def check_claim_update(claim: Object, old: Object) -> Iterator[Cause]:
    """A volume is written into a claim once; its requests grow while it is bound, and shrink no further than it has."""
    spec, before = claim.get("spec", {}), old.get("spec", {})
    allowed = set(_MUTABLE)
    if not before.get("volumeName"):
        allowed.add("volumeName")
    if old.get("status", {}).get("phase") == "Bound":
        allowed.add("resources")
    if any(spec.get(key) != before.get(key) for key in {*spec, *before} - allowed):
        yield "FieldValueForbidden", "spec", _FORBIDDEN_CLAIM_UPDATE
    elif _asked(spec) < _asked(before) and _asked(spec) < _has(old):
        yield (
            "FieldValueForbidden",
            "spec.resources.requests.storage",
            "Forbidden: field can not be less than status.capacity",
        )


def admit_growth(store: Store, claim: Object, old: Object) -> None:
    """ApiError 403 where the claim's class lets nothing grow."""
    if _asked(claim.get("spec", {})) <= _asked(old.get("spec", {})):
        return
    found = store.find("storageclasses", "", claim["spec"].get("storageClassName") or "")
    if found is None or not found.get("allowVolumeExpansion"):
        raise forbidden(KINDS["persistentvolumeclaims"], claim["metadata"]["name"], _NOT_RESIZABLE)


def _asked(spec: Mapping[str, Any]) -> float:
    return parse(spec.get("resources", {}).get("requests", {}).get("storage", "0"))


def _has(claim: Object) -> float:
    return parse(claim.get("status", {}).get("capacity", {}).get("storage", "0"))
