"""What somebody typed becomes what the API is asked. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from genet.client.errors import ClientError


class Mistyped(ClientError):
    """What was typed cannot be meant; nothing was asked of the server."""


OPTIONS: Final[Mapping[str, str]] = {
    "image": "--image",
    "gpuType": "--type",
    "gpuCount": "--gpus",
    "gpuDevices": "--card",
    "name": "--name",
    "cpu": "--cpu",
    "memory": "--memory",
    "nodeName": "--node",
    "shmSize": "--shm",
    "workingDir": "--workdir",
    "env": "--env",
    "command": "-- COMMAND",
}
"""Where on the command line a field of the request is given."""
OPTIONS_OF_COMMIT: Final[Mapping[str, str]] = {"image": "IMAGE"}

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?:[0-9]+[smhd])+")
_LONGEST: Final = 10 * 366 * 86400


def pod_request(file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A PodRequest: what the file says, and over it what was typed; None and nothing at all mean the same."""
    typed = {field: value for field, value in given.items() if value not in (None, [])}
    env = [_variable(text) for text in typed.pop("env", [])]
    known = file.get("env", [])
    request = {**file, **typed}
    if env:
        named = {one["name"] for one in env}
        kept = [one for one in known if not (isinstance(one, dict) and one.get("name") in named)]
        request["env"] = [*kept, *env]
    if "image" not in request:
        raise Mistyped("which image is not said", hint="Name one: --image debian:13")
    return request


def request_file(text: bytes, name: str) -> dict[str, Any]:
    """Raises Mistyped for what is no JSON object."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Mistyped(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Mistyped(f"{name} is no JSON object")
    return document


def seconds_of(text: str) -> int:
    """`90s`, `10m`, `1h30m`, `2d`; raises Mistyped for anything else."""
    parts = re.findall(r"([0-9]+)([smhd])", text) if _DURATION.fullmatch(text) else []
    seconds = sum(int(count) * _UNITS[unit] for count, unit in parts)
    if not 0 < seconds <= _LONGEST:
        raise Mistyped(f"{text!r} is no time such as 90s, 10m, 8h or 1h30m")
    return seconds


def extension(text: str) -> dict[str, Any]:
    """An ExtendRequest: `8h` from now, `until 2026-01-31 18:00` (here), or `none`."""
    if text == "none":
        return {"until": None}
    at = text.removeprefix("until").strip()
    if at != text or re.match(r"[0-9]{4}-", text):
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise Mistyped(f"{at!r} is no time such as 2026-01-31T18:00") from None
        return {"until": moment.astimezone().isoformat()}
    return {"hours": seconds_of(text) / 3600}


def refused(fields: Sequence[tuple[str, str]], options: Mapping[str, str] = OPTIONS) -> str:
    """What is wrong with which option."""
    return "\n".join(f"  {_named(field, options)}: {message}" for field, message in fields)


def _named(field: str, options: Mapping[str, str]) -> str:
    option = options.get(re.split(r"[.\[]", field)[0])
    return f"{field} ({option})" if option else field


def _variable(text: str) -> dict[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise Mistyped(f"--env {text.partition('=')[0]}: expected NAME=VALUE")
    return {"name": name, "value": value}
