"""Renderings of a fleet: what they say, when they are made anew, and what each audience can learn from them."""

import asyncio
import gzip
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from genet.gpus.overview import Audience, Form, GPUOverview, Moment, Sources, SourceState
from genet.gpus.wire.columnar import ColumnarOverview
from genet.gpus.wire.fleet import Fleet
from genet.gpus.wire.renderings import Renderings, Representation
from tests.gpus.builders import A100, node, pod
from tests.gpus.wire.test_fleet import NOW, put, small_fleet

LATER = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
VARIANTS = [(form, audience) for form in Form for audience in Audience]
SLOT_KEYS = {
    *("index", "uuid", "status", "attribution", "reason", "utilization", "memoryUsed", "memoryTotal", "power"),
    *("temperature", "pod", "pods", "slices", "replicas", "idleSince"),
}
NODE_KEYS = {
    *("nodeName", "nodeIP", "deviceType", "totalDevices", "usedDevices", "slots", "timeSharingEnabled"),
    *("ready", "schedulable"),
}
COLUMN_KEYS = {"v", "updatedAt", "sources", "summary", "groups", "nodes", "users", "state", "util", "mem", "owner"}
SECRETS = (b"ann", b"10.0.0.1", b"GPU-n1", b"user-", b"2026-06-01T12:00:00Z")


def moment(state="ok", at=NOW):
    ok = SourceState(state="ok", message=None, checked_at=at)
    prometheus = SourceState(state=state, message=None, checked_at=at)
    return Moment(at, Sources(kubernetes=ok, prometheus=prometheus, dra=SourceState("off", None, None)))


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


async def nothing():
    pass


def renderings_of(fleet, **more):
    return Renderings(fleet, nothing, lambda: True, **more)


async def shown(fleet, form=Form.OBJECT, audience=Audience.MEMBER, given=None):
    return Representation(await renderings_of(fleet).latest(form, audience), given or moment(), form)


def decoded(seen):
    return msgspec.json.decode(seen.plain, type=GPUOverview)


async def test_every_key_of_the_contract_is_there():
    document = msgspec.json.decode((await shown(small_fleet())).plain)
    assert set(document) == {"acceleratorGroups", "summary", "updatedAt", "prometheusEnabled", "sources"}
    assert set(document["sources"]["dra"]) == {"state", "message", "checkedAt"}
    group = document["acceleratorGroups"][0]
    assert set(group) == {"type", "label", "resourceName", "nodes", "totalDevices", "usedDevices"}
    assert set(group["nodes"][0]) == NODE_KEYS
    slot = group["nodes"][0]["slots"][0]
    assert set(slot) == SLOT_KEYS
    assert slot["pods"] == [slot["pod"]]
    assert slot["pod"] == {
        "name": "a",
        "namespace": "user-ann-a",
        "user": "ann-a",
        "startedAt": "2026-06-01T12:00:00Z",
    }
    six = {f"{what}Devices" for what in ("total", "used", "free", "unknown", "unhealthy", "external")}
    assert set(document["summary"]) == six | {"byType"}
    assert set(document["summary"]["byType"]["a100"]) == six
    assert document["updatedAt"] == "2026-06-01T12:00:00Z"
    assert document["prometheusEnabled"] is True


@pytest.mark.parametrize(("state", "enabled"), [("ok", True), ("unavailable", True), ("off", False)])
async def test_prometheus_is_enabled_unless_it_is_off(state, enabled):
    assert decoded(await shown(small_fleet(), given=moment(state))).prometheus_enabled is enabled


@pytest.mark.parametrize("audience", Audience)
async def test_every_key_of_the_columns_is_there(audience):
    document = msgspec.json.decode((await shown(small_fleet(), Form.COLUMNAR, audience)).plain)
    assert set(document) == COLUMN_KEYS
    assert (document["v"], document["updatedAt"]) == (1, "2026-06-01T12:00:00Z")
    assert set(document["nodes"]) == {"name", "group", "devices", "ready", "schedulable"}


async def test_both_forms_say_the_same():
    objects = decoded(await shown(small_fleet()))
    columns = msgspec.json.decode((await shown(small_fleet(), Form.COLUMNAR)).plain, type=ColumnarOverview)
    assert columns.summary == objects.summary
    assert [group.type for group in columns.groups] == [group.type for group in objects.accelerator_groups]
    nodes = [found for group in objects.accelerator_groups for found in group.nodes]
    assert columns.nodes.name == tuple(found.node_name for found in nodes)
    assert columns.nodes.devices == tuple(found.total_devices for found in nodes)
    assert columns.users == ("ann-a",)


@pytest.mark.parametrize("form", Form)
async def test_without_login_people_see_the_shape_and_nobody_s_name(form):
    at = moment(at=LATER)
    seen = await shown(small_fleet(), form, Audience.PUBLIC, at)
    for secret in SECRETS:
        assert secret not in seen.plain
        assert secret not in gzip.decompress(seen.gzipped)
        assert secret in (await shown(small_fleet(), Form.OBJECT, Audience.MEMBER, at)).plain


async def test_without_login_people_see_what_is_used():
    overview = decoded(await shown(small_fleet(), audience=Audience.PUBLIC))
    assert overview.summary == decoded(await shown(small_fleet())).summary
    slot = overview.accelerator_groups[0].nodes[0].slots[0]
    assert (slot.status, slot.utilization, slot.pods) == ("used", 7, ())


@pytest.mark.parametrize("form", Form)
async def test_the_summary_s_audience_sees_sums_alone(form):
    seen = await shown(small_fleet(), form, Audience.SUMMARY)
    assert b"n1" not in seen.plain
    assert msgspec.json.decode(seen.plain)["summary"]["usedDevices"] == 1


@pytest.mark.parametrize(("form", "audience"), VARIANTS)
async def test_two_replicas_with_the_same_content_have_the_same_etag(form, audience):
    one = await shown(small_fleet(), form, audience, moment(at=NOW))
    other = await shown(small_fleet(order=-1), form, audience, moment(at=LATER))
    assert one.etag == other.etag
    assert one.plain != other.plain


async def test_each_form_and_audience_has_an_etag_of_its_own():
    empty = Fleet([])
    assert len({(await shown(empty, *variant)).etag for variant in VARIANTS}) == len(VARIANTS)


@pytest.mark.parametrize(("form", "audience"), VARIANTS)
async def test_what_an_audience_can_see_changes_its_etag(form, audience):
    fleet = small_fleet()
    before = (await shown(fleet, form, audience)).etag
    assert (await shown(fleet, form, audience, moment("stale"))).etag != before
    put(fleet, node("n2", labels=A100), [pod("b", on="n2")])
    assert (await shown(fleet, form, audience)).etag != before


async def test_what_an_audience_cannot_see_leaves_its_etag():
    fleet = small_fleet()
    before = {audience: (await shown(fleet, audience=audience)).etag for audience in Audience}
    put(fleet, node("n2", labels=A100, ip="10.0.0.9"))
    assert (await shown(fleet, audience=Audience.PUBLIC)).etag == before[Audience.PUBLIC]
    assert (await shown(fleet, audience=Audience.MEMBER)).etag != before[Audience.MEMBER]


@pytest.mark.parametrize(("form", "audience"), VARIANTS)
@pytest.mark.parametrize("fleet", [Fleet([]), small_fleet()], ids=["empty", "small"])
async def test_both_codings_are_the_same_document(form, audience, fleet):
    seen = await shown(fleet, form, audience)
    assert gzip.decompress(seen.gzipped) == seen.plain
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert decoder.decompress(seen.gzipped) == seen.plain
    assert (decoder.eof, decoder.unused_data) == (True, b"")


async def test_whoever_asks_at_once_shares_one_rendering():
    renderings = renderings_of(small_fleet())
    first, *others = await asyncio.gather(*(renderings.latest(Form.OBJECT, Audience.MEMBER) for _ in range(5)))
    assert all(other is first for other in others)
    assert await renderings.latest(Form.OBJECT, Audience.MEMBER) is first


async def test_what_is_there_when_somebody_asks_is_in_the_answer():
    fleet = small_fleet()
    renderings = renderings_of(fleet)
    for n in range(20):
        put(fleet, node(f"m{n}"))
        seen = await renderings.latest(Form.OBJECT, Audience.MEMBER)
        assert f'"m{n}"'.encode() in seen.content


class Racing(Fleet):
    """Changes as soon as a view of it has been taken."""

    def view(self, audience):
        seen = super().view(audience)
        put(self, node(f"m{seen.revision}"))
        return seen


async def test_a_rendering_is_of_what_was_there_when_it_was_begun():
    fleet = Racing([])
    renderings = renderings_of(fleet)
    assert (await renderings.latest(Form.OBJECT, Audience.MEMBER)).revision == 0
    seen = await renderings.latest(Form.OBJECT, Audience.MEMBER)
    assert seen.revision == 1
    assert b'"m0"' in seen.content
    assert b'"m1"' not in seen.content


class Costly(Fleet):
    """Takes so long to be rendered that nobody wants to wait for the next time."""

    def __init__(self, clock):
        super().__init__([])
        self.clock = clock

    def view(self, audience):
        self.clock.now += 0.03
        return super().view(audience)


async def test_where_a_rendering_takes_long_the_last_one_is_given_while_it_is_young():
    clock = Clock()
    fleet = Costly(clock)
    renderings = renderings_of(fleet, clock=clock)
    first = await renderings.latest(Form.OBJECT, Audience.MEMBER)
    put(fleet, node("n1"))
    clock.now += 0.001
    assert await renderings.latest(Form.OBJECT, Audience.MEMBER) is first
    clock.now += 1.1
    assert b'"n1"' in (await renderings.latest(Form.OBJECT, Audience.MEMBER)).content


async def test_a_rendering_older_than_wanted_is_not_given_however_young():
    clock = Clock()
    fleet = Costly(clock)
    renderings = renderings_of(fleet, clock=clock)
    await renderings.latest(Form.OBJECT, Audience.MEMBER)
    put(fleet, node("n1"))
    clock.now += 0.001
    seen = await renderings.latest(Form.OBJECT, Audience.MEMBER, at_least=fleet.revision(Audience.MEMBER))
    assert b'"n1"' in seen.content


async def test_what_is_not_settled_is_settled_first():
    fleet, waiting = small_fleet(), [node("m1")]

    async def settle():
        while waiting:
            put(fleet, waiting.pop())

    renderings = Renderings(fleet, settle, lambda: not waiting)
    assert b'"m1"' in (await renderings.latest(Form.OBJECT, Audience.MEMBER)).content
    waiting.append(node("m2"))
    assert b'"m2"' in (await renderings.latest(Form.OBJECT, Audience.MEMBER)).content


async def test_a_failure_is_told_to_who_asked_and_not_kept():
    fleet, is_broken = small_fleet(), True

    async def settle():
        if is_broken:
            raise ZeroDivisionError

    renderings = Renderings(fleet, settle, lambda: True)
    with pytest.raises(ZeroDivisionError):
        await renderings.latest(Form.OBJECT, Audience.MEMBER)
    is_broken = False
    assert (await renderings.latest(Form.OBJECT, Audience.MEMBER)).revision == fleet.revision(Audience.MEMBER)
