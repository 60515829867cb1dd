"""The bodies of requests: read in whatever form they come, and checked against the URL that they were sent to."""

from typing import Any

import msgspec
from aiohttp import web

from genet.simulation import protobuf
from genet.simulation.errors import ApiError, bad_request
from genet.simulation.paths import Target
from genet.simulation.store import Object


async def body_of(request: web.Request) -> Object:
    """Without a Content-Type it is JSON, as for the real server; ApiError 400, 413 or 415."""
    if request.content_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(await request.read())
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media "
                       f"types include: application/json, {protobuf.CONTENT_TYPE}")  # fmt: skip
    decoded = decode(await request.read())
    if not isinstance(decoded, dict):
        raise bad_request("the body of the request is not a JSON object")
    return decoded


def decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise bad_request(f"the body of the request is not JSON: {error}") from error


def checked(obj: Object, target: Target) -> Object:
    """The manifest in its stored form, with the namespace and name of the URL; ApiError 400 when it names others."""
    kind = target.kind
    obj = _without_nulls(obj)
    metadata = obj.setdefault("metadata", {})
    named = obj.get("kind", kind.kind), obj.get("apiVersion", kind.api_version)
    if named != (kind.kind, kind.api_version) or not isinstance(metadata, dict):
        raise bad_request(f'{named[0]} in version "{named[1]}" cannot be handled as a {kind.kind}')
    if metadata.get("namespace", target.namespace) not in ("", target.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if target.name and metadata.get("name", target.name) != target.name:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match "
                          f"the name on the URL ({target.name})")  # fmt: skip
    if target.namespace:
        metadata["namespace"] = target.namespace
    if target.name:
        metadata["name"] = target.name
    return obj


def _without_nulls(value: Any) -> Any:
    """A null is a field left out, as it is to the real server's types."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
