"""Where settings come from: defaults < YAML file < environment, checked as a whole, errors with the key's path.

Trap: YAML 1.1 reads `23:00` as the number 1380, so such values must be quoted; the error says so.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec

from genet.settings import Settings
from genet.settings.checks import login_complaints
from genet.settings.commit_checks import commit_complaints
from genet.settings.pod_checks import pod_complaints
from genet.settings.section import SECRET
from genet.settings.storage_checks import storage_complaints

PREFIX = "GENET_"
FILE_VARIABLE = "GENET_CONFIG"
NO_SETTINGS = frozenset({FILE_VARIABLE, "GENET_URL", "GENET_TOKEN"})
"""Names of the environment that are for other parts: which file to read, and two of the command line."""
MASK = "********"

_PATH = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)


class ConfigurationError(Exception):
    """The configuration cannot be used; the text names the key and what was expected."""


def load(
    environ: Mapping[str, str], file: Path | None = None, *, defaults: Mapping[str, Any] | None = None
) -> Settings:
    """Read and check the configuration.

    Args:
        environ: the process environment.
        file: YAML file; None: the one `GENET_CONFIG` names, if any.
        defaults: values below the file's, used by `genet demo`.

    Raises:
        ConfigurationError: naming the key.
    """
    if file is None and environ.get(FILE_VARIABLE):
        file = Path(environ[FILE_VARIABLE])
    layers: dict[str, Any] = {}
    _overlay(layers, dict(defaults or {}))
    if file is not None:
        _overlay(layers, _read(file))
    _overlay(layers, _from_environment(environ))
    try:
        settings = msgspec.convert(layers, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_explain(str(error), layers)) from error
    _check(settings)
    return settings


def effective(settings: Settings) -> dict[str, Any]:
    """The configuration as plain data in the file's own spelling, secrets masked."""
    document: dict[str, Any] = _masked(settings, msgspec.to_builtins(settings))
    if settings.prometheus_url:
        document["prometheusURL"] = _without_credentials(settings.prometheus_url)
    document["proxy"] = {key: url and _without_credentials(url) for key, url in document["proxy"].items()}
    return document


def _without_credentials(url: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", f"{MASK}@", url)


def _masked(value: Any, document: Any) -> Any:
    """What `value` was turned into, without what its Structs call a secret."""
    if isinstance(value, tuple):
        return [_masked(item, shown) for item, shown in zip(value, document, strict=True)]
    if not isinstance(value, msgspec.Struct):
        return document
    shown = {}
    for field in msgspec.structs.fields(value):
        own, told = getattr(value, field.name), document[field.encode_name]
        is_shown = own is None or not _is_secret(field.type)
        shown[field.encode_name] = _masked(own, told) if is_shown else MASK
    return shown


def _is_secret(kind: Any) -> bool:
    marks = [meta.extra or {} for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    return any(SECRET in mark for mark in marks) or any(map(_is_secret, get_args(kind)))


def schema() -> dict[str, Any]:
    """JSON Schema of the YAML file."""
    return msgspec.json.schema(Settings)


def _read(file: Path) -> dict[str, Any]:
    try:
        document = msgspec.yaml.decode(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{file}: not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError(f"{file}: expected a mapping at the top")
    return document


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in NO_SETTINGS:
            continue
        *parents, leaf = _keys(variable)
        target = found
        for key in parents:
            target = target.setdefault(key, {})
        target[leaf] = _value(variable, text)
    return found


def _keys(variable: str) -> list[str]:
    """`GENET_GPU__AVAILABLE_TYPES` -> ["gpu", "availableTypes"], spelled as the Structs spell it."""
    keys = []
    node: Any = Settings
    for part in variable.removeprefix(PREFIX).split("__"):
        wanted = part.replace("_", "").lower()
        known = msgspec.structs.fields(node) if _is_struct(node) else ()
        fields = {field.encode_name.lower(): field for field in known}
        if wanted not in fields:
            raise ConfigurationError(f"{variable}: no such setting")
        keys.append(fields[wanted].encode_name)
        node = fields[wanted].type
    return keys


def _is_struct(node: Any) -> bool:
    return isinstance(node, type) and issubclass(node, msgspec.Struct)


def _value(variable: str, text: str) -> Any:
    """Lists and mappings are JSON; everything else stays text, which the conversion turns into numbers and booleans."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{variable}: not JSON: {error}") from error


def _overlay(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value


def _explain(message: str, layers: Mapping[str, Any]) -> str:
    match = _PATH.match(message)
    what, path = (match["what"], (match["path"] or "").lstrip(".")) if match else (message, "")
    named = re.search(r"(?:unknown|required) field `([^`]*)`", what)
    if named:
        path = f"{path}.{named[1]}".lstrip(".")
        what = "no such setting" if "unknown" in what else "required"
    if path == "lifecycle.autoDeleteTime" and isinstance(layers.get("lifecycle", {}).get("autoDeleteTime"), int):
        what += " (write the time in quotes)"
    return f"{path or 'the configuration'}: {what[:1].lower()}{what[1:]}"


def _check(settings: Settings) -> None:
    """What types alone cannot say."""
    try:
        ZoneInfo(settings.lifecycle.timezone)
    except (ValueError, OSError, KeyError) as error:
        raise ConfigurationError(
            f"lifecycle.timezone: expected an IANA time zone such as Europe/Berlin, got {settings.lifecycle.timezone!r}"
        ) from error
    for key, names in (
        ("gpu.availableTypes", [kind.name for kind in settings.gpu.available_types]),
        ("gpu.presetImages", [image.name for image in settings.gpu.preset_images]),
        ("pod.pullSecrets", [secret.name for secret in settings.pod.pull_secrets]),
        ("storage.volumes", [volume.name for volume in settings.storage.volumes]),
    ):
        doubled = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if doubled is not None:
            raise ConfigurationError(f"{key}: the name {doubled!r} stands twice")
    for key, complaint in storage_complaints(settings.storage, people_create=settings.kubeconfig.allow_create):
        raise ConfigurationError(f"{key}: {complaint}")
    for key, complaint in (*login_complaints(settings), *pod_complaints(settings), *commit_complaints(settings)):
        raise ConfigurationError(f"{key}: {complaint}")
