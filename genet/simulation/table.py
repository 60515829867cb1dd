"""The form of an answer: the object itself, or the Table that `kubectl get` asks for in its Accept header."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from genet.simulation import events
from genet.simulation.columns import COLUMNS, GENERIC
from genet.simulation.paths import EVENTS_GROUP, Target
from genet.simulation.store import Object

Form = Callable[[Object], Object]


def form(request: web.Request, target: Target, clock: Callable[[], datetime]) -> Form:
    """What the client asked to see of every object, in a watch too."""
    if _asks_for_table(request):
        return lambda obj: _table(request, target, [obj], {"resourceVersion": _version(obj)}, clock())
    return events.to_group if target.group == EVENTS_GROUP else _itself


def list_form(request: web.Request, target: Target, items: Sequence[Object], metadata: Object, now: datetime) -> Object:
    if _asks_for_table(request):
        return _table(request, target, items, metadata, now)
    shape = events.to_group if target.group == EVENTS_GROUP else _itself
    bare = [{key: value for key, value in shape(obj).items() if key not in ("kind", "apiVersion")} for obj in items]
    version = f"{target.group}/{target.kind.version}" if target.group else target.kind.version
    return {"kind": f"{target.kind.kind}List", "apiVersion": version, "metadata": metadata, "items": bare}


def _itself(obj: Object) -> Object:
    return obj


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


def _asks_for_table(request: web.Request) -> bool:
    """Tables are for reading; of the forms a client accepts, the first counts."""
    first = request.headers.get("Accept", "").partition(",")[0].replace(" ", "")
    return request.method == "GET" and "as=Table" in first.split(";")


def _table(request: web.Request, target: Target, items: Sequence[Object], metadata: Object, now: datetime) -> Object:
    names, cells = COLUMNS.get(target.kind.plural, GENERIC)
    definitions = [
        {"name": name.removeprefix("+"), "type": "string", "format": "name" if name == "Name" else "",
         "description": "", "priority": int(name.startswith("+"))}
        for name in names.split(",")
    ]  # fmt: skip
    include = request.query.get("includeObject", "Metadata")
    rows = [{"cells": cells(obj, now), **_row_object(obj, include)} for obj in items]
    return {
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions,
        "rows": rows,
    }  # fmt: skip


def _row_object(obj: Object, include: str) -> dict[str, Any]:
    if include == "None":
        return {}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return {"object": obj if include == "Object" else partial}
