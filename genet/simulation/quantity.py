"""Kubernetes quantities to numbers. The simulation's own, so that one mistake cannot pass on both sides of a test."""

import functools
from typing import Final

_SUFFIXES: Final = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def parse(text: str | float) -> float:
    """`500m` -> 0.5, `16Gi` -> 17179869184, `1e3` -> 1000; ValueError for what is no quantity."""
    if isinstance(text, int | float):
        return text
    for suffix, factor in _SUFFIXES.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)
