"""Kubernetes quantities ("500m", "16Gi", "1e3") as exact numbers.

Trap: `M` is 10^6 and `m` is 1/1000, and "1E" is an exa while "1E3" is an exponent.
"""

import re
from decimal import Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


def parse(text: str) -> Decimal:
    """The number a quantity stands for, in the resource's base unit (cores, bytes, devices).

    Raises:
        ValueError: not a quantity, or with an exponent beyond all that can be reckoned with.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, suffix = match.groups()
    try:
        return Decimal(number + (exponent or "")) * _FACTORS[suffix or ""]
    except ArithmeticError as error:
        raise ValueError(f"not a quantity that can be reckoned with: {text!r}") from error
