from decimal import Decimal

import pytest

from genet.kube.quantity import parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("4", 4),
        ("500m", Decimal("0.5")),
        ("100n", Decimal("1e-7")),
        ("16Gi", 16 * 1024**3),
        ("1.5Ki", 1536),
        ("2k", 2000),
        ("3M", 3_000_000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1.5e-1", Decimal("0.15")),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("-1Gi", -(1024**3)),
        ("+2", 2),
    ],
)
def test_quantities_are_exact(text, number):
    assert parse(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "1 Gi", "Gi", ".", "1K", "1gi", "1mi", "1e", "1e3Gi", "0x10", "NaN", "inf", "1_0", "\u0661"),
        *("1e1000000", "-1e9999999999999999999", "1E-9999999999999999999999"),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="not a quantity"):
        parse(text)
