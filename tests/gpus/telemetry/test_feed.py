"""What the feed makes of rounds; the rounds themselves are told by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from genet.errors import Unavailable
from genet.gpus.model import Reading
from genet.gpus.telemetry.devices import Host
from genet.gpus.telemetry.feed import KEPT, Feed
from genet.gpus.telemetry.frames import HostReadings, Portion, Summary
from tests.gpus.builders import node, pod

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NODES = [node("n1"), node("n2", ip="10.0.0.2")]


class Script:
    """A reader that tells what it is told to."""

    def __init__(self):
        self.hosts = {}
        self.gone = []
        self.summary = Summary(is_complete=True, devices=1)
        self.failure = None
        self.asked = []
        self.running = self.most = 0

    async def ask(self, *, everything, take):
        self.asked.append(everything)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.failure:
            raise Unavailable(self.failure)
        if self.summary.error is None:
            hosts = tuple(HostReadings(host, encoded(*found)) for host, found in self.hosts.items())
            take(Portion(hosts=hosts))
            take(Portion(gone=tuple(self.gone)))
        return self.summary

    async def close(self):
        self.asked.append("closed")


def encoded(*readings):
    return msgspec.msgpack.encode(readings)


def host(*clues, exporter="dcgm"):
    return Host(exporter, clues)


def card(utilization=1, **known):
    return Reading(uuid="GPU-a", index=0, utilization=utilization, **known)


@pytest.fixture
def rounds():
    return Script()


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def feed(rounds, clock):
    return Feed(rounds, clock)


async def test_readings_are_found_by_node_and_changes_are_told(rounds, feed):
    rounds.hosts = {host("n1"): [card()], host("n2"): [card()]}
    assert await feed.refresh(NODES, ()) == {"n1", "n2"}
    rounds.summary = Summary(devices=1)
    rounds.hosts = {host("n1"): [card(2)]}
    assert await feed.refresh(NODES, ()) == {"n1"}
    assert [feed.of(name)[0].utilization for name in ("n1", "n2")] == [2, 1]
    rounds.hosts, rounds.gone = {}, [host("n2")]
    assert await feed.refresh(NODES, ()) == {"n2"}
    assert feed.of("n2") == ()
    assert rounds.asked == [True, False, False]


async def test_a_reader_that_was_started_anew_tells_everything_there_is(rounds, feed):
    rounds.hosts = {host("n1"): [card()], host("n2"): [card()]}
    await feed.refresh(NODES, ())
    del rounds.hosts[host("n2")]
    assert await feed.refresh(NODES, ()) == {"n2"}


async def test_two_exporters_of_one_node_speak_of_one_card(rounds, feed):
    rounds.hosts = {host("n1"): [card(None, temperature=50)], host("10.0.0.1", exporter="hami"): [card(3)]}
    await feed.refresh(NODES, ())
    assert [(r.utilization, r.temperature) for r in feed.of("n1")] == [(3, 50)]


async def test_rounds_asked_for_at_once_follow_each_other(rounds, feed):
    rounds.hosts = {host("n1"): [card()]}
    changes = await asyncio.gather(*(feed.refresh(NODES, ()) for _ in range(3)))
    assert changes == [{"n1"}, frozenset(), frozenset()]
    assert (rounds.most, rounds.asked) == (1, [True, False, False])


async def test_a_host_whose_node_comes_later_is_found_then(rounds, feed):
    rounds.hosts = {host("10.1.0.1"): [card()]}
    assert await feed.refresh(NODES, ()) == frozenset()
    assert "some series name no GPU of a node of this cluster" in feed.source.message
    rounds.summary, rounds.hosts = Summary(devices=1), {}
    assert await feed.refresh(NODES, [pod("x", on="n2")]) == {"n2"}
    assert feed.of("n2")[0].utilization == 1


@pytest.mark.parametrize("how", ["the reader is gone", "Prometheus is gone"])
async def test_readings_outlive_failures_for_a_while_and_no_longer(rounds, feed, clock, how):
    rounds.hosts = {host("n1"): [card()]}
    await feed.refresh(NODES, ())
    if "reader" in how:
        rounds.failure = how
    else:
        rounds.summary = Summary(error=how)
    clock.now += KEPT - timedelta(seconds=1)
    assert await feed.refresh(NODES, ()) == frozenset()
    assert (feed.source.state, feed.source.message, feed.source.checked_at) == ("stale", how, clock.now)
    assert feed.of("n1")
    clock.now += timedelta(seconds=1)
    assert await feed.refresh(NODES, ()) == {"n1"}
    assert (feed.source.state, feed.of("n1")) == ("unavailable", ())
    rounds.failure, rounds.summary = None, Summary(is_complete=True, devices=1)
    assert await feed.refresh(NODES, ()) == {"n1"}
    assert rounds.asked[-1] is True


SILENT = "nothing is measured on 1 node with GPUs"


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        (Summary(devices=2), SILENT),
        (Summary(), "Prometheus has no metrics of GPUs"),
        (Summary(devices=2, nameless=1), f"some series name no GPU of a node of this cluster; {SILENT}"),
        (Summary(devices=2, not_numbers=4), f"some values are not numbers; {SILENT}"),
        (Summary(devices=2, unmeasured=4), f"some GPUs have no utilization; {SILENT}"),
        (Summary(devices=2, missing=(("A", "it broke"),)), f"nothing is known of A: it broke; {SILENT}"),
        (Summary(missing=(("A", "it broke"), ("B", "so did this"))), "nothing is known of A and 1 more: it broke"),
    ],
)
async def test_what_is_wrong_with_a_round_is_said_in_plain_words(rounds, feed, summary, message):
    rounds.hosts, rounds.summary = {host("n1"): [card()]}, msgspec.structs.replace(summary, is_complete=True)
    await feed.refresh(NODES, ())
    assert (feed.source.state, feed.source.message) == ("ok", message)


@pytest.mark.parametrize(
    "other",
    [
        node("n2", ready="Unknown"),
        node("n2", {"cpu": "4"}),
        node("n2", {"nvidia.com/gpu": "0"}),
        node("n2", {"x.io/y": "1"}),
    ],
)
async def test_nodes_that_need_say_nothing_are_not_missed(rounds, feed, other):
    rounds.hosts = {host("n1"): [card()]}
    await feed.refresh([NODES[0], other], ())
    assert feed.source.message is None


@pytest.mark.parametrize(
    ("counted", "message"),
    [
        ("20", "nothing is measured on 2 GPUs of nodes whose others are"),
        ("19", "nothing is measured on 1 GPU of nodes whose others are"),
        ("18", None),
        ("many", None),
    ],
)
async def test_cards_that_are_counted_and_not_spoken_of_are_missed(rounds, feed, counted, message):
    rounds.hosts = {host("n1"): [card()] * 18, host("10.0.0.1", exporter="hami"): [card()] * 3}
    await feed.refresh([node("n1", labels={"nvidia.com/gpu.count": counted})], ())
    assert feed.source.message == message


async def test_without_a_reader_there_is_nothing_to_ask():
    feed = Feed(None, lambda: NOW)
    assert await feed.refresh(NODES, ()) == frozenset()
    assert (feed.source.state, feed.is_on, feed.of("n1")) == ("off", False, ())
    await feed.close()


async def test_closing_ends_the_reader(rounds, feed):
    await feed.close()
    assert rounds.asked == ["closed"]
