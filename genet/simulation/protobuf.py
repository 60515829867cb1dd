"""Reads the few manifests that kubectl's own commands send as protobuf, whatever the server accepts.

`kubectl create -f`, apply, label and delete send JSON; `kubectl create namespace` or `create quota` do not, and do not
fall back. Only the messages in the table are read, without fields that those commands never set.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from genet.simulation.errors import ApiError, bad_request

MAGIC = b"k8s\0"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

Schema = Mapping[int, tuple[str, Any]]
"""field number -> name, and type: str, bytes, a schema, or {None: type} for a map"""

ENVELOPE: Schema = {1: ("type", {1: ("apiVersion", str), 2: ("kind", str)}), 2: ("raw", bytes)}
QUANTITY: Schema = {1: ("", str)}
"""a message of one unnamed field is that field"""
METADATA: Schema = {
    1: ("name", str), 2: ("generateName", str), 3: ("namespace", str), 11: ("labels", {None: str}),
    12: ("annotations", {None: str}),
}  # fmt: skip
MESSAGES: Mapping[str, Schema] = {
    "ConfigMap": {1: ("metadata", METADATA), 2: ("data", {None: str})},
    "Namespace": {1: ("metadata", METADATA)},
    "ResourceQuota": {1: ("metadata", METADATA), 2: ("spec", {1: ("hard", {None: QUANTITY})})},
    "Secret": {1: ("metadata", METADATA), 2: ("data", {None: bytes}), 3: ("type", str)},
    "ServiceAccount": {1: ("metadata", METADATA)},
}


def decode(body: bytes) -> dict[str, Any]:
    """The manifest in its JSON form; ApiError 400 for what is not protobuf, 415 for a kind that is not in the table."""
    try:
        envelope = _message(body.removeprefix(MAGIC), ENVELOPE)
        kind = envelope["type"]["kind"]
        if kind not in MESSAGES:
            message = f"the embedded cluster does not read {kind} as protobuf; send it as JSON"
            raise ApiError(415, "UnsupportedMediaType", message)
        return {**envelope["type"], **_message(base64.b64decode(envelope["raw"]), MESSAGES[kind])}
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise bad_request("the body of the request is not Kubernetes protobuf") from error


def _message(data: bytes, schema: Schema) -> Any:
    decoded: dict[str, Any] = {}
    for number, value in _fields(data):
        name, type_ = schema.get(number, ("", None))
        if isinstance(type_, Mapping) and None in type_:
            entry = _message(value, {1: ("key", str), 2: ("value", type_[None])})
            decoded.setdefault(name, {})[entry["key"]] = entry.get("value", "")
        elif type_ is not None:
            decoded[name] = _value(value, type_)
    return decoded.get("", "") if "" in decoded else decoded


def _value(value: Any, type_: Any) -> Any:
    if isinstance(type_, Mapping):
        return _message(value, type_)
    if type_ is bytes:
        return base64.b64encode(value).decode()
    return value.decode()


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields; numbers are read over."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        size, position = _varint(data, position)
        if tag & 7 == 2:  # noqa: PLR2004 - the wire type of strings, bytes and messages
            yield tag >> 3, data[position : position + size]
            position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - no more bytes follow
            return number, position
