"""What a bench says: one line a measure, with its bar where it has one."""

from dataclasses import dataclass
from typing import NamedTuple


class Bar(NamedTuple):
    value: float
    limit: float
    unit: str
    is_least: bool = False
    """Whether more is better."""

    def __str__(self) -> str:
        sign = ">=" if self.is_least else "<="
        met = self.value >= self.limit if self.is_least else self.value <= self.limit
        bar = f"{sign} {self.limit:g} {self.unit}"
        if met:
            return f"{bar}: met"
        factor = self.limit / self.value if self.is_least else self.value / self.limit
        return f"{bar}: MISSED by {factor:.2f} times"


def most(value: float, limit: float, unit: str) -> Bar:
    return Bar(value, limit, unit)


def least(value: float, limit: float, unit: str) -> Bar:
    return Bar(value, limit, unit, is_least=True)


@dataclass
class Table:
    """Prints as it goes, so that whoever waits sees something."""

    section: str = ""

    def head(self, section: str) -> None:
        print(f"\n{section}", flush=True)

    def row(self, what: str, value: str, ratio: str = "", bar: Bar | None = None) -> None:
        print(f"  {what:<46} {value:>22}  {ratio:<42} {bar or ''}".rstrip(), flush=True)
