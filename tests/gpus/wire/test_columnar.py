"""Columns against the nodes they are made of."""

import struct
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.gpus.overview import Audience, Counts, Node, PodRef, Slot, Summary
from genet.gpus.wire import columnar
from genet.gpus.wire.columnar import ColumnarGroup, columns, row

NOTHING = Summary(*(0,) * 6, by_type={"a": Counts(*(0,) * 6)})
STATUSES = ("free", "used", "unknown", "unhealthy", "external")
A, B = ColumnarGroup("a", "A", "r/a"), ColumnarGroup("b", "B", "r/b")


def slot(status="free", utilization=None, used=None, total=None, users=()):
    pods = tuple(PodRef(name=f"p{n}", namespace="x", user=user, started_at=None) for n, user in enumerate(users))
    rest = dict.fromkeys(("uuid", "attribution", "reason", "power", "temperature", "replicas", "idle_since"))
    return Slot(
        index=0,
        status=status,
        utilization=utilization,
        memory_used=used,
        memory_total=total,
        pod=None,
        pods=pods,
        slices=(),
        **rest,
    )


def node(name, *slots, ready=True, schedulable=True):
    return Node(
        node_name=name,
        node_ip=None,
        device_type=None,
        total_devices=len(slots),
        used_devices=0,
        slots=slots,
        time_sharing_enabled=False,
        ready=ready,
        schedulable=schedulable,
    )


def of(*nodes, audience=Audience.MEMBER):
    return columns([(A, [row(n) for n in nodes])], NOTHING, audience)


def words(column):
    raw = b64decode(column)
    return list(struct.unpack(f"<{len(raw) // 2}H", raw))


def test_states_are_numbered_as_the_contract_says():
    assert list(b64decode(of(node("n", *map(slot, STATUSES))).state)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("utilization", "expected"), [(0, 0), (100, 100), (None, 255), (101, 100), (-1, 0), (300, 100)]
)
def test_utilization_is_a_percentage_or_not_known(utilization, expected):
    assert list(b64decode(of(node("n", slot(utilization=utilization))).util)) == [expected]


@pytest.mark.parametrize(
    ("used", "total", "expected"),
    [
        (0, 100, 0),
        (1, 3, 33),
        (2, 3, 67),
        (1, 2, 50),
        (1, 200, 1),
        (9, 8, 100),
        (-9, 8, 0),
        (None, 8, 255),
        (5, None, 255),
        (5, 0, 255),
    ],
)
def test_memory_is_a_percentage_or_not_known(used, total, expected):
    assert list(b64decode(of(node("n", slot(used=used, total=total))).mem)) == [expected]


def test_a_device_belongs_to_one_user_to_several_or_to_none():
    slots = [slot(users=users) for users in ((), ("zoe",), ("ann", "zoe"), ("ann", "ann"), (None,), ("ann", None))]
    seen = of(node("n", *slots))
    assert seen.users == ("ann", "zoe")
    assert words(seen.owner) == [0, 2, 65535, 1, 0, 1]


def test_owners_are_little_endian():
    users = [f"user{number:03}" for number in range(300)]
    seen = of(node("n", *(slot(users=[user]) for user in users)))
    assert b64decode(seen.owner)[2 * 299 :] == b"\x2c\x01"


def test_more_users_than_numbers_are_several():
    seen = of(
        *(node(f"n{start}", *(slot(users=[f"u{start + n:06}"]) for n in range(512))) for start in range(0, 65536, 512))
    )
    assert words(seen.owner)[65533:] == [65534, 65535, 65535]


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.SUMMARY])
def test_without_login_there_is_no_column_of_owners_and_nobody_s_name(audience):
    seen = of(node("n", slot("used", users=["ann"])), audience=audience)
    assert (seen.users, seen.owner) == ((), None)


def test_a_node_of_two_groups_is_there_twice():
    part, other = row(node("n1", slot())), row(node("n1", slot("used"), slot("used"), ready=False, schedulable=False))
    seen = columns([(A, [part]), (B, [row(node("n0")), other])], NOTHING, Audience.MEMBER)
    assert seen.groups == (A, B)
    assert seen.nodes == columnar.ColumnarNodes(
        name=("n1", "n0", "n1"), group=(0, 1, 1), devices=(1, 0, 2), ready=(1, 1, 0), schedulable=(1, 1, 0)
    )
    assert list(b64decode(seen.state)) == [0, 1, 1]


percents = st.none() | st.integers(0, 100)
slots = st.builds(
    slot,
    status=st.sampled_from(STATUSES),
    utilization=percents,
    used=percents,
    total=st.just(100),
    users=st.lists(st.sampled_from(["ann", "bob", "zoe"]) | st.none(), max_size=3),
)
fleets = st.lists(st.lists(slots, max_size=4), max_size=6)


@given(fleets)
def test_the_columns_say_of_each_device_what_its_slot_says(fleet):
    seen = of(*(node(f"n{n}", *devices) for n, devices in enumerate(fleet)))
    assert seen.nodes.devices == tuple(map(len, fleet))
    flat = [device for devices in fleet for device in devices]
    assert [STATUSES[state] for state in b64decode(seen.state)] == [device.status for device in flat]
    assert [None if util == 255 else util for util in b64decode(seen.util)] == [device.utilization for device in flat]
    assert [None if mem == 255 else mem for mem in b64decode(seen.mem)] == [device.memory_used for device in flat]
    for device, owner in zip(flat, words(seen.owner), strict=True):
        users = {pod.user for pod in device.pods} - {None}
        assert users == ({seen.users[owner - 1]} if 0 < owner < 65535 else set()) or (owner == 65535 and len(users) > 1)
