"""Which names and groups are let in: they end up in tokens that the API server believes."""

from dataclasses import replace

import pytest

from genet.auth.identities import LONGEST_GROUP, MOST_GROUP_BYTES, MOST_GROUPS, accepted
from genet.errors import Forbidden
from tests.identities import ANN


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "system:admin"},
        {"username": "System:Admin"},
        {"username": " system:admin"},
        {"identifier": "system:admin"},
        {"groups": ("staff", "system:masters")},
        {"groups": ("SYSTEM:masters",)},
    ],
)
def test_what_belongs_to_kubernetes_is_refused(changes):
    with pytest.raises(Forbidden, match="system:"):
        accepted(replace(ANN, **changes))


def test_names_that_only_resemble_them_are_fine():
    user = replace(ANN, username="systems", groups=("system", "ecosystem:x"))
    assert accepted(user) == user


@pytest.mark.parametrize("changes", [{"username": "a\nb"}, {"username": ""}, {"email": "a\0@b"}, {"email": "a" * 257}])
def test_names_that_nobody_can_read_are_refused(changes):
    with pytest.raises(Forbidden):
        accepted(replace(ANN, **changes))


def test_groups_that_cannot_be_used_are_left_out():
    groups = ("a", "a", "", "b\n", "c" * LONGEST_GROUP, "d" * (LONGEST_GROUP + 1), "\u202ee")
    assert accepted(replace(ANN, groups=groups)).groups == ("a", "c" * LONGEST_GROUP)


def test_no_more_groups_are_kept_than_a_header_can_carry():
    many = tuple(f"g{n}" for n in range(1000))
    assert accepted(replace(ANN, groups=many)).groups == many[:MOST_GROUPS]
    long = tuple(f"{n:04}" + "ü" * 98 for n in range(100))
    assert accepted(replace(ANN, groups=long)).groups == long[: MOST_GROUP_BYTES // 200]


def test_groups_that_mean_something_here_are_kept_before_others():
    groups = (*(f"g{n}" for n in range(1000)), "gpu-admins")
    kept = accepted(replace(ANN, groups=groups), {"gpu-admins"}).groups
    assert kept[-1] == "gpu-admins"
    assert len(kept) == MOST_GROUPS
