"""Sealed text: it comes back as it was, for its own purpose, in time, or not at all."""

import os
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.auth.sealing import LONGEST, Purpose, Sealer, Unsealable
from tests.identities import Clock


class Flow(msgspec.Struct, frozen=True):
    nonce: str
    number: int = 0


class Other(msgspec.Struct, frozen=True):
    path: str


LOGIN = Purpose("login", Flow)
RESUME = Purpose("resume", Flow)
HOUR = timedelta(hours=1)


@pytest.fixture
def keys():
    return [os.urandom(32)]


@pytest.fixture
def sealer(keys, clock):
    return Sealer(lambda: keys, clock)


@given(st.text(), st.integers(-(2**63), 2**63 - 1))
def test_what_was_sealed_comes_back(nonce, number):
    sealer = Sealer(lambda: [bytes(32)], Clock())
    sealed = sealer.seal(LOGIN, Flow(nonce, number), HOUR)
    assert sealer.open(LOGIN, sealed) == Flow(nonce, number)


def test_nothing_can_be_read_in_it_and_no_two_are_alike(sealer):
    first, second = (sealer.seal(LOGIN, Flow("s3cret"), HOUR) for _ in range(2))
    assert first != second
    assert "s3cret" not in first
    assert set(first) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_what_was_sealed_for_one_purpose_is_worth_nothing_for_another(sealer):
    sealed = sealer.seal(LOGIN, Flow("n"), HOUR)
    with pytest.raises(Unsealable):
        sealer.open(RESUME, sealed)


def test_it_counts_until_its_time(sealer, clock):
    sealed = sealer.seal(LOGIN, Flow("n"), HOUR)
    clock.advance(seconds=3599)
    assert sealer.open(LOGIN, sealed)
    clock.advance(seconds=1)
    with pytest.raises(Unsealable):
        sealer.open(LOGIN, sealed)


def test_any_of_the_keys_opens_it_and_the_first_seals(sealer, keys, clock):
    sealed = sealer.seal(LOGIN, Flow("old"), HOUR)
    keys.insert(0, os.urandom(32))
    assert sealer.open(LOGIN, sealed) == Flow("old")
    newer = sealer.seal(LOGIN, Flow("new"), HOUR)
    del keys[1]
    assert sealer.open(LOGIN, newer) == Flow("new")
    with pytest.raises(Unsealable):
        sealer.open(LOGIN, sealed)


@given(st.integers(0), st.integers(0))
def test_what_was_changed_anywhere_is_refused(place, choice):
    sealer = Sealer(lambda: [bytes(32)], Clock())
    sealed = sealer.seal(LOGIN, Flow("n"), HOUR)
    at = place % (len(sealed) - 1)  # of the last character some bits mean nothing
    others = "ABCxyz019-_".replace(sealed[at], "")
    other = others[choice % len(others)]
    with pytest.raises(Unsealable):
        sealer.open(LOGIN, sealed[:at] + other + sealed[at + 1 :])


@given(st.text() | st.text(st.sampled_from("ABCabc123-_="), max_size=200))
def test_rubbish_is_refused_and_nothing_else_happens(text):
    with pytest.raises(Unsealable):
        Sealer(lambda: [bytes(32)], Clock()).open(LOGIN, text)


def test_what_is_too_long_is_not_even_decoded(sealer):
    with pytest.raises(Unsealable):
        sealer.open(LOGIN, "A" * (LONGEST + 1))


def test_what_another_version_sealed_under_the_name_is_refused(sealer):
    sealed = sealer.seal(Purpose("login", Other), Other("/"), HOUR)
    with pytest.raises(Unsealable):
        sealer.open(LOGIN, sealed)


def test_a_refusal_says_nothing(sealer):
    with pytest.raises(Unsealable) as caught:
        sealer.open(LOGIN, sealer.seal(RESUME, Flow("s3cret"), HOUR))
    assert str(caught.value) == ""
