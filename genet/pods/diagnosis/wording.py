"""Sentences from a template and params. Pure.

`{name}` is the param itself, `{name:form}` in a form: `amount` (of `params["resource"]`, by its label if it has one),
`bytes`, `time`, `duration` (seconds), or `one|many` (the number with the word for it). What stands in `[[…]]` is left
out where a param in it is null, empty or 0. Values are never looked at for braces, so nobody's words become a template.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from genet.pods.diagnosis.reasons import Param, Params

Language = Literal["en", "zh"]

_FIELD: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_CLAUSE: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_UNITS: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TWICE: Final = 2


@dataclass(frozen=True)
class Text:
    """Both languages' templates of one code."""

    en: str
    zh: str

    @property
    def params(self) -> frozenset[str]:
        return frozenset(fields(self.en))


def fields(template: str) -> set[str]:
    """Names of the params that a template speaks of."""
    named = _FIELD.findall(template)
    return {name for name, _ in named} | (
        {"resource", "label"} if any(form == "amount" for _, form in named) else set()
    )


def worded(template: str, params: Params, language: Language) -> str:
    def clause(match: re.Match[str]) -> str:
        return match[1] if all(params.get(name) for name, _ in _FIELD.findall(match[1])) else ""

    return _FIELD.sub(lambda match: _form(match[1], match[2] or "", params, language), _CLAUSE.sub(clause, template))


def headline(template: str) -> str:
    """Its first sentence, with the clauses that stand in it."""
    depth = 0
    for index, char in enumerate(template):
        depth += (char == "[") - (char == "]")
        if not depth and (char == "。" or template[index : index + 2] == ". "):
            return template[: index + 1]
    return template


def amount(resource: str, label: str | None, number: float, language: Language) -> str:
    """`4 nvidia.com/gpu`, `0.5 cores`, `16 GiB of memory`."""
    chinese = language == "zh"
    match resource:
        case "cpu":
            return f"{number:g} 核 CPU" if chinese else f"{number:g} CPU {'core' if number == 1 else 'cores'}"
        case "memory":
            return f"{size(number)} 内存" if chinese else f"{size(number)} of memory"
        case "ephemeral-storage":
            return f"{size(number)} 本地磁盘" if chinese else f"{size(number)} of local disk"
        case "pods":
            return f"{number:g} 个 Pod" if chinese else f"{number:g} {'pod' if number == 1 else 'pods'}"
    if chinese:
        return f"{number:g} 个 {label or resource}"
    return f"{number:g} x {label}" if label else f"{number:g} {resource}"


def size(number: float) -> str:
    """Bytes in the largest unit that leaves a number above 1, with one decimal at most."""
    for unit, name in _UNITS:
        if abs(number) >= unit:
            return f"{round(number / unit, 1):g} {name}"
    return f"{number:g} B"


def duration(seconds: float, language: Language) -> str:
    for unit, english, chinese in ((_DAY, "day", "天"), (_HOUR, "hour", "小时"), (_MINUTE, "minute", "分钟")):
        if seconds >= _TWICE * unit:
            return _counted(int(seconds // unit), english, chinese, language)
    return _counted(int(seconds), "second", "秒", language)


def _form(name: str, form: str, params: Params, language: Language) -> str:
    value = params.get(name)
    if value is None:
        return "?"
    if "|" in form:
        one, _, many = form.partition("|")
        return f"{value} {one if value == 1 else many}"
    if isinstance(value, int | float):
        return _number(value, form, params, language)
    if form == "time" and isinstance(value, str):
        return _time(value)
    return _plain(value, language)


def _number(value: float, form: str, params: Params, language: Language) -> str:
    match form:
        case "amount":
            label = params.get("label")
            return amount(str(params.get("resource")), str(label) if label else None, value, language)
        case "bytes":
            return size(value)
        case "duration":
            return duration(value, language)
    return f"{value:g}"


def _plain(value: Param, language: Language) -> str:
    if isinstance(value, list):
        return ("、" if language == "zh" else ", ").join(" ".join(item.split()) for item in value)
    return " ".join(str(value).split())  # a sentence is one line, whatever is in it


def _time(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return text


def _counted(number: int, english: str, chinese: str, language: Language) -> str:
    if language == "zh":
        return f"{number} {chinese}"
    return f"{number} {english}" if number == 1 else f"{number} {english}s"
