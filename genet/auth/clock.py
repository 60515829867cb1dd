"""The time, passed in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Says what time it is, with its zone."""


def utc_now() -> datetime:
    return datetime.now(UTC)
