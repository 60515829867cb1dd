"""Cookies byte by byte, where careless readers see two in one."""

import pytest

from genet.web.cookies import DoubledCookieError, cookie, names
from genet.web.credentials import bearer

NAME = "__Host-genet-session"
OWN = NAME.encode()


def of(*lines):
    return cookie([(b"cookie", line) for line in lines], NAME)


@pytest.mark.parametrize(
    "lines",
    [
        [OWN + b"=good"],
        [b"a=b; " + OWN + b"=good; c=d"],
        [b"a=b;" + OWN + b"=good"],
        [b"a=b", OWN + b"=good"],
        [b"genet-session=bad; " + OWN + b"=good"],
        [OWN + b"2=bad; " + OWN + b"=good; x" + OWN + b"=bad"],
        [b'q="' + OWN + b'=bad"; ' + OWN + b"=good"],
        [b"\t" + OWN + b" =\tgood "],
    ],
)
def test_the_one_cookie_of_a_name_is_found(lines):
    assert of(*lines) == "good"


@pytest.mark.parametrize(
    "lines",
    [[], [b""], [b"a=b"], [OWN], [OWN + b"="], [OWN + b'="good"'], [OWN + b"=a b"], [OWN + b"=a,b"], [OWN + b"=\xff"]],
)
def test_what_genet_has_not_set_is_none(lines):
    assert of(*lines) is None


LOOKALIKES = [
    *(bytes([byte]) + OWN for byte in (0x85, 0xA0, 0x0B, 0x1F, 0x0C, 0x1C, 0x00, 0xC2, 0x22)),
    *(OWN + bytes([byte]) for byte in (0x85, 0xA0, 0x0B, 0x1F, 0x7F)),
    b"\xc2\xa0" + OWN,
    "\u2003".encode() + OWN,
    b"__Host-\xa0genet-session",
    OWN.lower(),
    OWN.upper(),
    b'"' + OWN + b'"',
]


@pytest.mark.parametrize("lookalike", [OWN, *LOOKALIKES])
@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("is_one_header", [True, False])
def test_two_that_could_be_meant_are_none_at_all(lookalike, is_last, is_one_header):
    pair = [OWN + b"=good", lookalike + b"=bad"]
    pair = pair if is_last else pair[::-1]
    with pytest.raises(DoubledCookieError):
        of(*([b"; ".join(pair)] if is_one_header else pair))


@pytest.mark.parametrize("lookalike", LOOKALIKES)
def test_nor_does_a_lookalike_stand_for_it(lookalike):
    with pytest.raises(DoubledCookieError):
        of(lookalike + b"=bad")


def test_names_are_those_a_cookie_can_have():
    assert names([(b"Cookie", b"a=1; \xa0b=2; c=3; =x"), (b"cookie", b"d")]) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"Bearer genet-sk-1.x"], "genet-sk-1.x"),
        ([b"bearer  genet-sk-1.x "], "genet-sk-1.x"),
        ([b"Bearer other"], "other"),
        ([b"Bearer"], ""),
        ([b"Bearer a", b"Bearer b"], ""),
        ([b"Basic a", b"Bearer b"], ""),
        ([b"Basic a"], None),
        ([b"genet-sk-1.x"], None),
        ([], None),
    ],
)
def test_a_bearer_token_is_one_or_none(values, expected):
    headers = [(b"Authorization", value) for value in values]
    assert bearer(headers, own_alone=False) == expected
    alone = expected if expected is not None and "genet-sk-" in expected else None
    assert bearer(headers, own_alone=True) == alone
