"""The three patches of the Kubernetes API: RFC 6902, RFC 7386, and strategic merge as far as kubectl writes it.

All are pure: the patched document is new, the original untouched. Strategic merge knows which lists are merged by which
key from a table, not from the types; lists that it does not name are replaced, as the API does with atomic ones.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from genet.simulation.errors import ApiError, bad_request

MERGE_KEYS: Mapping[str, str] = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ownerReferences": "uid",
    "taints": "key",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""List field -> the key its elements are told apart by."""
UNFIT = "the server rejected our request due to an error in our request"


def json_patch(document: Any, operations: Any) -> Any:
    """RFC 6902; ApiError 400 for what is no patch, 422 for one that does not fit the document."""
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    document = copy.deepcopy(document)
    for operation in operations:
        try:
            document = _apply(document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ApiError(422, "Invalid", UNFIT) from error
    return document


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386; the patch itself is an object, what is in it may be anything."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_merge_patch(document: Any, patch: Mapping[str, Any]) -> Any:
    """A merge patch that merges lists by key; of its directives only `$patch: delete` of a list's element is known."""
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = strategic_merge_patch(merged.get(key), value)
        elif isinstance(value, list) and key in MERGE_KEYS:
            merged[key] = _merge_list(MERGE_KEYS[key], merged.get(key) or (), value)
        else:
            merged[key] = value
    return merged


def _merge_list(key: str, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    merged = {item[key]: item for item in old}
    for item in new:
        if item.get("$patch") == "delete":
            merged.pop(item[key], None)
        else:
            merged[item[key]] = strategic_merge_patch(merged.get(item[key]), item)
    return list(merged.values())


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    verb, path = operation["op"], _pointer(operation["path"])
    if verb in ("move", "copy"):
        value = copy.deepcopy(_read(document, _pointer(operation["from"])))
        if verb == "move":
            _remove(document, _pointer(operation["from"]))
        return _add(document, path, value)
    if verb == "add":
        return _add(document, path, operation["value"])
    if verb == "test":
        if _read(document, path) != operation.get("value"):
            raise ValueError(path)
    elif verb == "replace":
        _read(document, path)
        if not path:
            return operation["value"]
        _put(document, path, operation["value"])
    elif verb == "remove":
        _remove(document, path)
    else:
        raise ValueError(verb)
    return document


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(part: str, limit: int) -> int:
    index = int(part)
    if not 0 <= index < limit:
        raise IndexError(part)
    return index


def _read(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(part, len(document))] if isinstance(document, list) else document[part]
    return document


def _put(document: Any, path: list[str], value: Any) -> None:
    parent = _read(document, path[:-1])
    parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]] = value


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _read(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if path[-1] == "-" else _index(path[-1], len(parent) + 1), value)
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> None:
    parent = _read(document, path[:-1])
    del parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]]
