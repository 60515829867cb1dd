"""The checks of the real server that clients meet in practice: names, labels, the shape of pods, fields that stay.

Not a schema: unknown fields pass, and most wrong types do too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from genet.simulation import persistence, signing
from genet.simulation.errors import Cause, bad_request, invalid
from genet.simulation.quantity import parse
from genet.simulation.resources import Kind
from genet.simulation.store import Object

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
MAX_LABEL, MAX_SUBDOMAIN = 63, 253
POD_MUTABLE = frozenset({
    "activeDeadlineSeconds", "containers", "initContainers", "terminationGracePeriodSeconds", "tolerations",
    "schedulingGates",
})  # fmt: skip

LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
NAMES: Mapping[str, tuple[re.Pattern[str], int, str]] = {
    "namespaces": (LABEL, MAX_LABEL, LABEL_TEXT),
    "services": (LABEL_1035, MAX_LABEL, LABEL_1035_TEXT),
}
"""Names of kinds that take no subdomain: pattern, bytes at most, what is said of others."""
FORBIDDEN_POD_UPDATE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing "
    "tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_create(kind: Kind, obj: Object) -> None:
    """ApiError 422 that names every bad field."""
    causes = [*_metadata(kind, obj)]
    if kind.plural == "pods":
        causes += _pod(obj)
    elif kind.plural == "persistentvolumeclaims":
        causes += _claim(obj)
    elif kind.plural == "persistentvolumes":
        causes += persistence.check_volume(obj)
    elif kind.plural == signing.PLURAL:
        causes += signing.check(obj)
    if causes:
        raise invalid(kind, obj["metadata"].get("name", ""), causes)


def check_update(kind: Kind, obj: Object, old: Object) -> None:
    causes = [*_metadata(kind, obj)]
    spec, before = obj.get("spec", {}), old.get("spec", {})
    if kind.plural == "pods" and _changed(_images_apart(spec), _images_apart(before), POD_MUTABLE - {"containers"}):
        causes.append(("FieldValueForbidden", "spec", FORBIDDEN_POD_UPDATE))
    if kind.plural == "persistentvolumeclaims":
        causes += persistence.check_claim_update(obj, old)
    elif kind.plural == "persistentvolumes":
        causes += persistence.check_volume_update(obj, old)
    if causes:
        raise invalid(kind, obj["metadata"]["name"], causes)


def check_resources(kind: Kind, pod: Object) -> None:
    """Amounts, after LimitRanges have filled in theirs: readable, requests within limits, devices not overcommitted."""
    causes: list[Cause] = []
    for place, container in _places(pod["spec"]):
        field = f"{place}.resources"
        requests, limits = (container["resources"].get(part, {}) for part in ("requests", "limits"))
        for name, amount in requests.items():
            limit, extended = limits.get(name), "/" in name
            if limit is None and extended:
                why = "Required value: Limit must be set for non overcommitable resources"
                causes.append(("FieldValueRequired", f"{field}.limits", why))
            elif limit is not None and parse(amount) > parse(limit):
                why = f"must be less than or equal to {name} limit of {limit}"
                causes.append(_invalid(f"{field}.requests", amount, why))
            elif limit is not None and extended and parse(amount) != parse(limit):
                causes.append(_invalid(f"{field}.requests", amount, f"must be equal to {name} limit of {limit}"))
    if causes:
        raise invalid(kind, pod["metadata"].get("name", ""), causes)


def _metadata(kind: Kind, obj: Object) -> Iterator[Cause]:
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    if name and not kind.group.startswith("rbac."):
        pattern, limit, text = NAMES.get(kind.plural, (SUBDOMAIN, MAX_SUBDOMAIN, SUBDOMAIN_TEXT))
        if not pattern.fullmatch(name):
            yield _invalid("metadata.name", name, text)
        if len(name) > limit:
            yield _invalid("metadata.name", name, f"must be no more than {limit} bytes")
    for field in ("labels", "annotations"):
        entries = metadata.get(field) or {}
        if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
            raise bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
                              f"metadata.{field} must be a map of strings")  # fmt: skip
        for key, value in entries.items():
            if not QUALIFIED.fullmatch(key if field == "labels" else key.lower()):
                yield _invalid(
                    f"metadata.{field}", key, "name part must consist of alphanumeric characters, '-', '_' or '.'"
                )
            if field == "labels" and not VALUE.fullmatch(value):
                yield _invalid(
                    f"metadata.{field}", value, "a valid label is up to 63 alphanumeric characters, '-', '_' or '.'"
                )


def _pod(pod: Object) -> Iterator[Cause]:
    if not pod.setdefault("spec", {}).get("containers"):
        yield _required("spec.containers")
    seen: set[str] = set()
    for field, container in _places(pod["spec"]):
        name = container.get("name", "")
        if container.get("restartPolicy"):
            yield "FieldValueForbidden", f"{field}.restartPolicy", "Forbidden: the embedded cluster runs no sidecars"
        if not name:
            yield _required(f"{field}.name")
        elif not LABEL.fullmatch(name):
            yield _invalid(f"{field}.name", name, LABEL_TEXT)
        if name in seen:
            yield "FieldValueDuplicate", f"{field}.name", f'Duplicate value: "{name}"'
        seen.add(name)
        if not container.get("image"):
            yield _required(f"{field}.image")
        for part in ("requests", "limits"):
            for amount in container.get("resources", {}).get(part, {}).values():
                _check_quantity("Pod", amount)


def _places(spec: Object) -> Iterator[tuple[str, Object]]:
    """All containers, and what errors call them."""
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            yield f"spec.{kind}[{index}]", container


def _claim(claim: Object) -> Iterator[Cause]:
    spec = claim.setdefault("spec", {})
    if not spec.get("accessModes"):
        yield "FieldValueRequired", "spec.accessModes", "Required value: at least 1 access mode is required"
    asked = spec.get("resources", {}).get("requests", {}).get("storage")
    if asked is None:
        yield _required("spec.resources[storage]")
    else:
        _check_quantity("PersistentVolumeClaim", asked)


def _check_quantity(kind: str, amount: Any) -> None:
    try:
        parse(amount)
    except (ValueError, TypeError) as error:
        raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: quantities must match the regular '
                          "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'") from error  # fmt: skip


def _changed(spec: Mapping[str, Any], before: Mapping[str, Any], mutable: frozenset[str]) -> bool:
    return any(spec.get(key) != before.get(key) for key in {*spec, *before} - mutable)


def _images_apart(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without what may change in its containers."""
    bare = [[{key: value for key, value in item.items() if key != "image"} for item in spec.get(kind) or ()]
            for kind in ("initContainers", "containers")]  # fmt: skip
    return {**spec, "containers": bare}


def _required(field: str) -> Cause:
    return "FieldValueRequired", field, "Required value"


def _invalid(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", field, f'Invalid value: "{value}": {why}'
