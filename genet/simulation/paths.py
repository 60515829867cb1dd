"""What a request means: its path to a target, its query to the options of a list or watch, its Accept to a form."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from genet.simulation.errors import ApiError, bad_request
from genet.simulation.resources import Kind
from genet.simulation.store import Key


@dataclass(frozen=True)
class Target:
    """`/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}/{subresource}`, taken apart.

    `namespace` is "" for cluster-scoped kinds and None for a list across namespaces.
    """

    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""


def target_of(path: str, kinds: Mapping[str, Kind]) -> Target:
    """ApiError 404 for what no kind is served at."""
    root, *parts = path.strip("/").split("/")
    group = parts.pop(0) if root == "apis" and parts else ""
    version, *rest = parts or [""]
    namespace: str | None = None
    match rest:
        case ["namespaces", name, plural, *_] if group or plural not in kinds["namespaces"].subresources:
            namespace, rest = name, rest[2:]
    plural, name, subresource, *extra = (*rest, "", "", "")[: max(3, len(rest))]
    kind = kinds.get(plural)
    if kind is None or extra or version != kind.version or group != kind.group:
        raise unknown_path()
    if namespace is not None if not kind.namespaced else namespace is None and name:
        raise unknown_path()
    return Target(kind, namespace if kind.namespaced else "", name, subresource)


def unknown_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


@dataclass(frozen=True)
class ListOptions:
    labels: str
    fields: str
    limit: int
    after: Key | None
    """the last key of the page before"""
    at: int | None
    """the revision that all pages of one list show"""


def list_options(query: Mapping[str, str], current: int) -> ListOptions:
    revision, token = query.get("resourceVersion", ""), query.get("continue", "")
    after, at = None, None
    limit = number(query, "limit")
    if token:
        if revision not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        after, at = _decode(token)
    elif revision:
        wanted = known_revision(revision, current)
        if wanted == 0:
            limit = 0  # answered from the real server's watch cache, which gives all at once
        elif query.get("resourceVersionMatch", "Exact" if limit else "") == "Exact":
            at = wanted
    return ListOptions(query.get("labelSelector", ""), query.get("fieldSelector", ""), limit, after, at)


def continue_token(revision: int, last: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode({"rv": revision, "after": last})).decode().rstrip("=")


def known_revision(text: str, current: int) -> int:
    """A resourceVersion of the client's; ApiError 400 for none, 504 for one from the future."""
    if not text.isdecimal():
        raise bad_request(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > current:
        message = f"Timeout: Too large resource version: {text}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
    return int(text)


def number(query: Mapping[str, Any], name: str) -> int:
    try:
        return int(query.get(name) or 0)
    except ValueError as error:
        raise bad_request(f"invalid {name}: {query[name]!r}") from error


def flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


class _Token(msgspec.Struct):
    rv: int
    after: Key


def _decode(token: str) -> tuple[Key, int]:
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=_Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    return decoded.after, decoded.rv
