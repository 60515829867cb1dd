"""Label and field selectors: text to a predicate over objects, with the errors of the real server."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from genet.simulation.errors import bad_request
from genet.simulation.resources import Kind

Predicate = Callable[[Mapping[str, Any]], bool]

_EVENT_FIELDS = frozenset(f"involvedObject.{name}" for name in (
    "kind", "namespace", "name", "uid", "fieldPath",
)) | {"reason", "type"}  # fmt: skip
FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset({
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
        "status.podIP",
    }),
    "events": _EVENT_FIELDS,
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "jobs": frozenset({"status.successful"}),
    "certificatesigningrequests": frozenset({"spec.signerName"}),
}  # fmt: skip
"""What each plural can be selected by, besides name and namespace."""

_SET = re.compile(r"(?P<key>[^\s!=(),]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(r"(?P<key>[^\s!=(),]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s!=(),]*)")
_EXISTS = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=(),]+)")
_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


def everything(_: Mapping[str, Any]) -> bool:
    return True


def parse(kind: Kind, labels: str, fields: str) -> Predicate:
    """The conjunction of both selectors; ApiError 400."""
    tests = [*_label_tests(labels), *_field_tests(kind, fields)]
    if not tests:
        return everything
    return lambda obj: all(test(obj) for test in tests)


def _label_tests(text: str) -> list[Predicate]:
    return [_label_test(part.strip()) for part in _OUTSIDE_PARENTHESES.split(text)] if text.strip() else []


def _label_test(text: str) -> Predicate:
    if match := _SET.fullmatch(text):
        values = {value.strip() for value in match["values"].split(",")}
        return _among(match["key"], values, wanted=match["op"] == "in")
    if match := _EQUALITY.fullmatch(text):
        return _among(match["key"], {match["value"]}, wanted=match["op"] != "!=")
    if match := _EXISTS.fullmatch(text):
        key, wanted = match["key"], not match["absent"]
        return lambda obj: (key in _labels(obj)) is wanted
    raise bad_request(f"unable to parse requirement: {text!r} is not a label selector")


def _among(key: str, values: set[str], *, wanted: bool) -> Predicate:
    return lambda obj: (_labels(obj).get(key) in values) is wanted


def _labels(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def _field_tests(kind: Kind, text: str) -> list[Predicate]:
    tests = []
    for part in filter(None, text.split(",")):
        match = _EQUALITY.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"invalid selector: {text!r}; can't understand {part!r}")
        path, value, wanted = match["key"], match["value"], match["op"] != "!="
        if path not in ("metadata.name", "metadata.namespace") and path not in FIELDS.get(kind.plural, ()):
            raise bad_request(f"field label not supported: {path}")
        tests.append(_field_test(path.split("."), value, wanted=wanted))
    return tests


def _field_test(path: list[str], value: str, *, wanted: bool) -> Predicate:
    return lambda obj: (_text(obj, path) == value) is wanted


def _text(obj: Any, path: list[str]) -> str:
    for name in path:
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    if isinstance(obj, bool):
        return str(obj).lower()
    if obj is None:
        return "false" if path[-1] == "unschedulable" else ""
    return str(obj)
