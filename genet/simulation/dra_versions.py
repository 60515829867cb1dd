"""`resource.k8s.io` as clusters of different age serve it: v1, v1beta2, v1beta1, or not at all.

Objects are stored in v1's shape; what is read in an older version is turned into that one's. Writing is for v1 only.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from genet.simulation.resources import KINDS, Kind

GROUP: Final = "resource.k8s.io"
OFF: Final = "off"
VERSIONS: Final = ("v1", "v1beta2", "v1beta1", OFF)

Obj = dict[str, Any]


def kinds(version: str) -> dict[str, Kind]:
    """All kinds that are served, those of the group in `version`."""
    versions: Mapping[str, str] = {GROUP: version}
    found = {plural: replace(kind, version=versions.get(kind.group, kind.version)) for plural, kind in KINDS.items()}
    return {plural: kind for plural, kind in found.items() if kind.version != OFF}


def shown(kind: Kind, obj: Obj) -> Obj:
    """An object of the store in the shape of the version that it is asked for in."""
    if kind.group != GROUP or kind.version == "v1":
        return obj
    obj = {**obj, "apiVersion": kind.api_version}
    if kind.version == "v1beta1" and kind.plural == "resourceslices":
        spec = obj["spec"]
        devices = [{"name": item["name"], "basic": {key: value for key, value in item.items() if key != "name"}}
                   for item in spec.get("devices", ())]  # fmt: skip
        obj["spec"] = {**spec, "devices": devices}
    if kind.version == "v1beta1" and kind.plural == "resourceclaims":
        requests = [{"name": item["name"], **item["exactly"]} for item in obj["spec"]["devices"]["requests"]]
        obj["spec"] = {**obj["spec"], "devices": {**obj["spec"]["devices"], "requests": requests}}
    return obj
