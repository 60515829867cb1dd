"""Streams over a fleet that is changed by hand: what each client is told, and that none misses anything."""

import asyncio
import gc
import weakref

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genet.errors import RateLimited
from genet.gpus.model import Reading
from genet.gpus.overview import Audience, Change, Form, GPUOverview
from genet.gpus.wire.channel import Segment
from genet.gpus.wire.fleet import Fleet
from genet.gpus.wire.renderings import Renderings
from genet.gpus.wire.stream import ANONYMOUS_STREAMS, STREAMS_OF_A_USER
from tests.gpus.builders import A100, GPU, node, pod
from tests.gpus.wire.listening import Told
from tests.gpus.wire.test_fleet import small_fleet
from tests.gpus.wire.test_renderings import SECRETS

VARIANTS = [(form, audience) for form in Form for audience in Audience]


@pytest.fixture
def told():
    return Told(small_fleet())


async def test_a_client_gets_a_snapshot_and_then_what_changes(told):
    async with told.client() as client:
        id_, document = await client.snapshot()
        assert msgspec.convert(document, GPUOverview).summary.used_devices == 1
        assert id_ == f"i.{told.fleet.revision(Audience.MEMBER)}.member-object"
        told.put(node("n2", labels=A100), [pod("b", 2, on="n2")])
        await told.streams.tell()
        id_, document = await client.change()
        change = msgspec.convert(document, Change)
        assert id_ == f"i.{told.fleet.revision(Audience.MEMBER)}.member-object"
        assert [(n.node_name, n.used_devices) for n in change.nodes] == [("n2", 2)]
        assert (change.types, change.removed) == (("a100",), ())
        assert change.summary.used_devices == 3
        assert set(document) == {"nodes", "types", "removed", "summary", "sources", "updatedAt"}


async def test_a_burst_of_changes_is_one_event(told):
    async with told.client() as client:
        await client.snapshot()
        for units in (1, 2, 3):
            told.put(node("n2", labels=A100), [pod("b", units, on="n2")])
            told.put(node("n3"), [pod("c", units, on="n3")])
        told.gone("n1")
        await told.streams.tell()
        _, change = await client.change()
        assert [n["nodeName"] for n in change["nodes"]] == ["n2", "n3"]
        assert change["removed"] == ["n1"]
        told.put(node("n3"))
        await told.streams.tell()
        assert [n["nodeName"] for n in (await client.change())[1]["nodes"]] == ["n3"]


async def test_all_of_a_changed_node_is_told_in_the_order_of_the_groups():
    told = Told(Fleet([]))
    told.put(node("n1", {GPU: "1", "amd.com/gpu": "1"}))
    told.put(node("n2", {GPU: "1", "amd.com/gpu": "1"}))
    async with told.client() as client:
        await client.snapshot()
        told.put(node("n1", {GPU: "1", "amd.com/gpu": "1"}), [pod("a")])
        await told.streams.tell()
        _, change = await client.change()
        assert change["types"] == ["amd.com/gpu", GPU]
        assert [(n["nodeName"], n["usedDevices"]) for n in change["nodes"]] == [("n1", 0), ("n1", 1)]
        told.put(node("n1", {GPU: "1"}), [pod("a")])
        await told.streams.tell()
        assert (await client.change())[1]["types"] == [GPU]


async def test_groups_that_come_or_go_bring_a_snapshot(told):
    async with told.client() as client:
        await client.snapshot()
        told.put(node("n4", {"amd.com/gpu": "1"}))
        await told.streams.tell()
        assert len((await client.snapshot())[1]["acceleratorGroups"]) == 3
        told.gone("n4")
        await told.streams.tell()
        assert len((await client.snapshot())[1]["acceleratorGroups"]) == 2


async def test_where_most_nodes_change_a_snapshot_says_it(told):
    names = [f"m{n:03}" for n in range(100)]
    for name in names:
        told.put(node(name))
    async with told.client(Form.COLUMNAR) as client:
        await client.snapshot()
        for name in names:
            told.put(node(name), [pod("a", on=name)])
        await told.streams.tell()
        _, columns = await client.snapshot()
        assert columns["summary"]["usedDevices"] == 101
        for name in names[:16]:
            told.put(node(name))
        await told.streams.tell()
        assert len((await client.change())[1]["nodes"]) == 16


async def test_no_event_waits_until_what_most_nodes_say_is_rendered(told):
    names = [f"m{n:03}" for n in range(100)]
    for name in names:
        told.put(node(name))
    async with told.client(Form.COLUMNAR) as client:
        await client.snapshot()
        told.can_render.clear()
        for name in names:
            told.put(node(name), [pod("a", on=name)])
        await told.streams.tell()
        told.put(node("n1", labels=A100))
        await told.streams.tell()
        _, change = await client.change()
        assert [n["nodeName"] for n in change["nodes"]] == ["n1"]
        told.can_render.set()
        assert (await client.snapshot())[1]["summary"]["usedDevices"] == 100
        told.put(node("n1", labels=A100), [pod("a")])
        await told.streams.tell()
        assert (await client.change())[1]["summary"]["usedDevices"] == 101


async def test_what_comes_while_a_snapshot_is_made_is_in_it_or_follows_it(told):
    async with told.client(Form.COLUMNAR) as client, told.client(Form.COLUMNAR) as late:
        await client.snapshot()
        for n in range(100):
            told.put(node(f"m{n:03}"))
        await told.streams.tell()
        told.put(node("n1", labels=A100))
        await told.streams.tell()
        for one in (client, late):
            summary = None
            while summary != told.fleet.summary().total_devices:
                _, _, data = await one.event()
                summary = data["summary"]["totalDevices"]


async def test_a_round_of_readings_is_told_when_all_of_it_has_been_taken_in(told):
    async with told.client() as client:
        await client.snapshot()
        told.put(node("n2", labels=A100), [pod("b", on="n2")], is_gathered=True)
        told.put(node("n3"), [pod("c", on="n3")])
        await told.streams.tell()
        last, change = await client.change()
        assert [n["nodeName"] for n in change["nodes"]] == ["n3"]
        told.streams.tell_gathered()
        await told.streams.tell()
        assert [n["nodeName"] for n in (await client.change())[1]["nodes"]] == ["n2"]
        async with told.client(last_id=last) as again:
            assert [n["nodeName"] for n in (await again.change())[1]["nodes"]] == ["n2"]


async def test_what_sources_say_of_themselves_is_told(told):
    async with told.client() as client:
        await client.snapshot()
        told.sources = "stale"
        told.fleet.touch()
        await told.streams.tell()
        _, change = await client.change()
        assert (change["nodes"], change["sources"]["prometheus"]["state"]) == ([], "stale")


@pytest.mark.parametrize(("form", "audience"), VARIANTS)
@pytest.mark.parametrize("gzip", [False, True])
async def test_whoever_comes_back_gets_what_was_missed(told, form, audience, gzip):
    async with told.client(form, audience) as client:
        last, _ = await client.snapshot()
    for units in (1, 2):
        told.put(node("n2", labels=A100), [pod("b", units, on="n2")])
        await told.streams.tell()
    async with told.client(form, audience, last, gzip=gzip) as client:
        first, _ = await client.change()
        _, change = await client.change()
        assert change["summary"]["usedDevices"] == 3
    async with told.client(form, audience, first, gzip=gzip) as client:
        assert (await client.change())[1]["summary"]["usedDevices"] == 3


@pytest.mark.parametrize(
    "last",
    [
        None,
        "",
        "i",
        "j.{}.member-object",
        "i.{}.public-object",
        "i.{}.member-columnar",
        "i.{}.member-object.x",
        "i.0.member-object",
        "i.-1.member-object",
        "i.\N{SUPERSCRIPT TWO}.member-object",
        "i.99999.member-object",
        "i.{}",
        "..",
    ],
)
async def test_an_id_that_is_not_known_gets_a_snapshot(told, last):
    async with told.client() as client:
        await client.snapshot()
        last = last and last.format(told.fleet.revision(Audience.MEMBER))
        async with told.client(last_id=last) as other:
            await other.snapshot()


async def test_ids_of_another_process_are_not_known(told):
    other = Told(told.fleet)
    other.streams._told = other.streams._told._replace(instance="j")
    async with told.client() as client, other.client() as elsewhere:
        last, _ = await client.snapshot()
        await elsewhere.snapshot()
        async with other.client(last_id=last) as again:
            await again.snapshot()


async def test_after_a_long_absence_there_is_a_snapshot(told):
    async with told.client() as client:
        last, _ = await client.snapshot()
    told.clock.now += 61
    await told.streams.tell()
    told.put(node("n2", labels=A100), [pod("b", on="n2")])
    async with told.client(last_id=last) as client:
        assert (await client.snapshot())[1]["summary"]["usedDevices"] == 2


async def test_whoever_reads_too_slowly_gets_a_snapshot_and_no_gap(told):
    async with told.client() as client, told.client() as swift:
        await client.snapshot()
        await swift.snapshot()
        for n in range(400):
            told.put(node("n2", labels=A100), [pod("b", 1 + n % 4, on="n2")])
            await told.streams.tell()
            await swift.change()
        last, document = await client.snapshot()
        assert document["summary"]["usedDevices"] == 5
        assert last == f"i.{told.fleet.revision(Audience.MEMBER)}.member-object"
        told.put(node("n2", labels=A100))
        await told.streams.tell()
        assert (await client.change())[1]["summary"]["usedDevices"] == 1


@pytest.mark.parametrize("cards", [1, 500])
async def test_what_is_kept_for_the_slow_is_bounded(cards):
    told = Told(Fleet([]))
    told.put(node("n1", {GPU: str(cards)}))
    async with told.client() as client:
        await client.snapshot()
        [channel] = told.streams._channels.values()
        for n in range(600 // cards + 60):
            told.put(node("n1", {GPU: str(cards)}), [pod("a", n % 2)])
            await told.streams.tell()
            kept = [len(event.segment.plain) + len(event.segment.deflated) for event in channel._ring]
            assert len(kept) <= 256
            assert sum(kept) <= 4 * 1024 * 1024


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.SUMMARY])
@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("gzip", [False, True])
async def test_without_login_no_event_names_anybody(told, form, audience, gzip):
    async with told.client(form, audience, gzip=gzip) as client, told.client(form) as member:
        await client.snapshot()
        await member.snapshot()
        told.put(node("n1", labels=A100, ip="10.0.0.11"), [pod("a", 2)])
        await told.streams.tell()
        _, change = await client.change()
        await member.change()
        assert change["summary"]["usedDevices"] == 2
        stamps = client.read.replace(b'"updatedAt":"2026-06-01T12:00:00Z"', b"")
        stamps = stamps.replace(b'"checkedAt":"2026-06-01T12:00:00Z"', b"")
        for secret in SECRETS:
            assert secret not in stamps
        assert b"ann" in member.read
        if audience is Audience.SUMMARY:
            assert (change["nodes"], change["removed"]) == ([], [])
            assert b'"n1"' not in client.read


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.SUMMARY])
@pytest.mark.parametrize("form", Form)
async def test_who_cannot_see_a_change_is_told_nothing_of_it(told, form, audience):
    async with told.client(form, audience) as client, told.client(form) as member:
        first, _ = await client.snapshot()
        await member.snapshot()
        [channel] = (one for (_, who), one in told.streams._channels.items() if who is audience)
        for number, is_gathered in enumerate((False, True)):
            holder = f"user-bob-{number}"
            held = [Reading(uuid="GPU-n1", index=0, utilization=7, pods=((holder, "b"),))]
            told.put(
                node("n1", labels=A100, ip="10.0.0.9"), [pod("b", namespace=holder)], held, is_gathered=is_gathered
            )
            told.streams.tell_gathered()
            await told.streams.tell()
            assert holder in str(await member.change())
            assert (channel.end, told.fleet.revision(audience)) == (0, int(first.split(".")[1]))
        told.put(node("n1", labels=A100), [pod("b", 2)])
        told.put(node("n2", labels=A100, ip="10.0.0.9"))
        await told.streams.tell()
        last, change = await client.change()
        assert int(last.split(".")[1]) == int(first.split(".")[1]) + 1
        assert [n["nodeName"] for n in change["nodes"]] == (["n1"] if audience is Audience.PUBLIC else [])


async def test_who_sees_sums_alone_is_told_when_they_change(told):
    async with told.client(audience=Audience.SUMMARY) as client:
        await client.snapshot()
        told.put(node("n2", labels=A100, ip="10.0.0.11"))
        await told.streams.tell()
        told.put(node("n2", labels=A100), [pod("b", on="n2")])
        await told.streams.tell()
        assert (await client.change())[1]["summary"]["usedDevices"] == 2


async def test_a_limited_number_listens_without_login(told):
    places = [told.streams.open(Form.OBJECT, Audience.PUBLIC, None) for _ in range(ANONYMOUS_STREAMS - 1)]
    places.append(told.streams.open(Form.COLUMNAR, Audience.SUMMARY, None))
    for audience in (Audience.PUBLIC, Audience.SUMMARY):
        with pytest.raises(RateLimited) as refused:
            told.streams.open(Form.OBJECT, audience, None)
        assert refused.value.retry_after > 0
    for _ in range(2 * ANONYMOUS_STREAMS):
        told.streams.open(Form.OBJECT, Audience.MEMBER, None)
    places[0].close()
    places[0].close()
    told.streams.open(Form.OBJECT, Audience.PUBLIC, None)
    with pytest.raises(RateLimited):
        told.streams.open(Form.OBJECT, Audience.PUBLIC, None)


async def test_a_silent_stream_has_a_heartbeat(told):
    async with told.client(heartbeat_seconds=0.01) as client:
        await client.snapshot()
        assert (await client.event())[0] == ":"
        assert (await client.event())[0] == ":"


async def test_a_session_that_ends_says_so(told):
    async with told.client() as client:
        await client.snapshot()
        client.listener.expire()
        assert (await client.event())[0] == "auth"
        assert (await client.event())[0] is None


async def test_streams_end_when_the_replica_drains(told):
    async with told.client() as client:
        await client.snapshot()
        told.streams.close()
        assert (await client.event())[0] is None
    async with told.client() as client:
        assert (await client.event())[0] is None


async def test_all_clients_share_the_bytes_of_an_event(told):
    async with told.client(gzip=True) as one, told.client(gzip=True) as other:
        for client in (one, other):
            await client.snapshot()
        told.put(node("n2", labels=A100), [pod("b", on="n2")])
        await told.streams.tell()
        assert await anext(one._chunks) is await anext(other._chunks)


async def test_nothing_is_encoded_where_nobody_listens(told):
    for n in range(3):
        told.put(node("n2", labels=A100), [pod("b", 1 + n, on="n2")])
        await told.streams.tell()
    [[_, piece]] = told.fleet.parts("n2")
    assert piece._member is None


async def test_the_streams_are_told_until_cancelled(told):
    running = asyncio.create_task(told.streams.run())
    async with told.client() as client:
        await client.snapshot()
        told.put(node("n2", labels=A100), [pod("b", on="n2")])
        assert (await client.change())[1]["summary"]["usedDevices"] == 2
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class Heap:
    """What a client of the object form makes of events."""

    def __init__(self):
        self.nodes = {}

    def take(self, event, data):
        if event == "snapshot":
            self.nodes = {
                (n["nodeName"], group["type"]): n for group in data["acceleratorGroups"] for n in group["nodes"]
            }
            return
        changed = {n["nodeName"] for n in data["nodes"]} | set(data["removed"])
        self.nodes = {key: n for key, n in self.nodes.items() if key[0] not in changed}
        self.nodes |= {(n["nodeName"], kind): n for n, kind in zip(data["nodes"], data["types"], strict=True)}


RESOURCES = [{}, {GPU: "2"}, {"amd.com/gpu": "1"}, {GPU: "2", "amd.com/gpu": "1"}]
steps = st.lists(
    st.tuples(st.sampled_from(["n1", "n2", "n3", "n4"]), st.sampled_from(RESOURCES), st.integers(0, 2), st.booleans())
    | st.sampled_from(["tell", "break", "read", "gathered"]),
    max_size=30,
)


@settings(deadline=None)
@given(steps, st.sampled_from([Audience.MEMBER, Audience.PUBLIC]), st.booleans())
async def test_whatever_happens_a_client_ends_up_with_what_is_there(steps, audience, gzip):
    told = Told(Fleet([]))
    heap, last = Heap(), None

    async def read(last, *, until_all):
        async with told.client(audience=audience, last_id=last, gzip=gzip, heartbeat_seconds=0.001) as client:
            while True:
                event, id_, data = await client.event()
                if event == ":":
                    return last
                heap.take(event, data)
                last = id_
                if not until_all:
                    return last

    for step in steps:
        if step == "tell":
            await told.streams.tell()
        elif step == "break":
            last = await read(last, until_all=False) if told.fleet.revision(audience) else last
        elif step == "read":
            last = await read(last, until_all=True)
        elif step == "gathered":
            told.streams.tell_gathered()
        else:
            name, capacity, units, is_gathered = step
            seen_by_members = node(name, capacity, ip="10.0.0.1" if is_gathered else "10.0.0.2")
            told.put(seen_by_members, [pod("a", units, on=name)], is_gathered=is_gathered)
    told.streams.tell_gathered()
    await told.streams.tell()
    await read(last, until_all=True)
    rendering = await Renderings(told.fleet, told.settle, lambda: True).latest(Form.OBJECT, audience)
    there = Heap()
    there.take("snapshot", msgspec.json.decode(rendering.content + b"}"))
    assert heap.nodes == there.nodes


async def test_a_client_lets_go_of_a_snapshot_that_it_has_read(told):
    async with told.client() as client:
        await client.snapshot()
        heard = asyncio.create_task(client.change())
        held = weakref.ref((await client.listener._channel.snapshot())[0].seen)
        told.put(node("n1"), [pod("a", 3)])
        await told.streams.tell()
        await heard
        async with told.client() as other:
            await other.snapshot()
        gc.collect()
        assert held() is None


async def test_a_client_that_takes_too_long_over_a_snapshot_is_sent_away(told):
    async with told.client(snapshot_seconds=-1) as client:
        assert await client.event() == (None, None, None)


async def test_an_event_that_fails_is_told_later(told, monkeypatch):
    async with told.client() as client:
        await client.snapshot()
        told.put(node("n1"), [pod("a", 3)])
        with monkeypatch.context() as patch:
            patch.setattr(Segment, "of", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await told.streams.tell()
        await told.streams.tell()
        _, change = await client.change()
        assert [n["nodeName"] for n in change["nodes"]] == ["n1"]


@pytest.mark.parametrize(
    "revision", ["9" * 5000, "\N{ARABIC-INDIC DIGIT THREE}", "-1", "1e3", " 1", "\N{SUPERSCRIPT TWO}"]
)
async def test_a_revision_that_is_none_gets_a_snapshot(told, revision):
    async with told.client(last_id=f"i.{revision}.member-object") as client:
        await client.snapshot()


async def test_one_user_cannot_take_everybody_s_connections(told):
    many = [told.streams.open(Form.OBJECT, Audience.MEMBER, None, "ann-a") for _ in range(STREAMS_OF_A_USER)]
    with pytest.raises(RateLimited):
        told.streams.open(Form.COLUMNAR, Audience.MEMBER, None, "ann-a")
    told.streams.open(Form.COLUMNAR, Audience.MEMBER, None, "bob-b").close()
    many[0].close()
    told.streams.open(Form.COLUMNAR, Audience.MEMBER, None, "ann-a").close()
    for listener in many:
        listener.close()
