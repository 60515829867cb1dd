"""Rounds against a Prometheus on loopback."""

import msgspec
import pytest

from genet.errors import Unavailable
from genet.gpus.model import Reading
from genet.gpus.telemetry.rounds import look_back
from genet.prometheus import Prometheus
from tests.gpus.builders import series
from tests.gpus.telemetry.given import NOW, labelled
from tests.gpus.telemetry.inprocess import InProcess
from tests.gpus.telemetry.prometheus import prometheus

UTIL, USED = "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"


class Told:
    """What one round told."""

    def __init__(self):
        self.hosts = {}
        self.gone = ()
        self.portions = 0

    def take(self, portion):
        self.portions += 1
        decoded = {told.host.clues: msgspec.msgpack.decode(told.readings, type=list[Reading]) for told in portion.hosts}
        self.hosts |= decoded
        self.gone += tuple(host.clues for host in portion.gone)


async def told(rounds, *, everything=False):
    heard = Told()
    return heard, await rounds.ask(everything=everything, take=heard.take)


async def test_a_round_tells_the_readings_of_each_host():
    async with prometheus() as (answers, url):
        answers.samples = [series(UTIL, 7, 1), series(USED, 9, 1), series(UTIL, 8, 0), series(UTIL, 3, host="n2")]
        heard, summary = await told(InProcess(url))
    assert [(r.index, r.utilization, r.memory_used) for r in heard.hosts["n1",]] == [(0, 8, None), (1, 7, 9)]
    assert [r.utilization for r in heard.hosts["n2",]] == [3]
    assert (summary.error, summary.missing, summary.devices, summary.is_complete) == (None, (), 3, True)


async def test_the_number_of_questions_does_not_depend_on_the_number_of_series():
    async with prometheus() as (answers, url):
        rounds = InProcess(url)
        await told(rounds)
        few = len(answers.asked)
        answers.samples = [series(UTIL, 1, gpu, host=f"n{node}") for node in range(100) for gpu in range(8)]
        await told(rounds)
    assert few == len(answers.asked) - few == 12


async def test_only_what_has_changed_is_told_again():
    async with prometheus() as (answers, url):
        rounds = InProcess(url)
        answers.samples = [series(UTIL, 50, host=name) for name in ("n1", "n2", "n3")]
        await told(rounds)
        answers.samples[1:] = [series(UTIL, 51, host="n2")]
        heard, summary = await told(rounds)
        assert (set(heard.hosts), heard.gone, summary.is_complete) == ({("n2",)}, (("n3",),), False)
        heard, summary = await told(rounds, everything=True)
        assert (set(heard.hosts), summary.is_complete) == ({("n1",), ("n2",)}, True)


async def test_many_hosts_come_in_portions():
    async with prometheus() as (answers, url):
        answers.samples = [series(UTIL, 1, host=f"n{number:03d}") for number in range(120)]
        heard, _ = await told(InProcess(url))
    assert (len(heard.hosts), heard.portions) == (120, 3)


async def test_a_question_that_fails_makes_its_values_unknown_and_is_told():
    async with prometheus() as (answers, url):
        answers.samples = [series(UTIL, 50), series(USED, 9)]
        rounds = InProcess(url)
        await told(rounds)
        answers.faults = {UTIL: 500}
        heard, summary = await told(rounds)
    ((reading,),) = heard.hosts.values()
    assert (reading.utilization, reading.memory_used) == (None, 9)
    assert summary.missing == ((UTIL, "Prometheus answered with HTTP status 500"),)
    assert summary.unmeasured == 1


async def test_a_question_that_is_never_answered_costs_its_own_values_alone():
    async with prometheus() as (answers, url):
        answers.samples, answers.unanswered = [series(UTIL, 50), series(USED, 9)], UTIL
        heard, summary = await told(InProcess(url, timeout_seconds=0.2))
    assert heard.hosts["n1",][0].memory_used == 9
    assert summary.missing == ((UTIL, "Prometheus did not answer within 0.2 s"),)


async def test_where_nothing_answers_two_questions_are_enough():
    async with prometheus() as (answers, url):
        answers.faults = {"": 503}
        heard, summary = await told(InProcess(url))
        assert len(answers.asked) == 2
    assert (summary.error, heard.portions) == ("Prometheus answered with HTTP status 503", 0)


async def test_after_a_round_that_failed_the_next_tells_what_changed_since_the_one_before():
    async with prometheus() as (answers, url):
        answers.samples = [series(UTIL, 50), series(UTIL, 50, host="n2")]
        rounds = InProcess(url)
        await told(rounds)
        answers.faults = {"": 503}
        await told(rounds)
        answers.faults = {}
        answers.samples[0] = series(UTIL, 51)
        heard, _ = await told(rounds)
    assert set(heard.hosts) == {("n1",)}


async def test_what_is_wrong_with_series_is_counted():
    async with prometheus() as (answers, url):
        answers.samples = [series(UTIL, "nan"), labelled(UTIL, 1, gpu="0"), series(USED, 1)]
        _, summary = await told(InProcess(url))
    assert (summary.not_numbers, summary.nameless, summary.unmeasured) == (1, 1, 1)


async def test_a_broken_card_and_a_partition_need_no_utilization():
    split = {"gpu_compute_partition_type": "CPX", "gpu_partition_id": "1", "serial_number": "S", "gpu_id": "1"}
    async with prometheus() as (answers, url):
        answers.samples = [
            series(USED, 5), series("DCGM_FI_DEV_XID_ERRORS", 79), labelled("gpu_used_vram", 5, hostname="n2", **split),
        ]  # fmt: skip
        _, summary = await told(InProcess(url))
    assert (summary.devices, summary.unmeasured) == (2, 0)


async def test_idle_cards_say_since_when():
    now = NOW
    async with prometheus() as (answers, url):
        rounds = InProcess(url, clock=lambda: now)
        answers.samples = [series(UTIL, 3, 0), series(UTIL, 60, 1)]
        heard, _ = await told(rounds)
        idle, busy = heard.hosts["n1",]
        assert (idle.idle_since.timestamp(), busy.idle_since) == (NOW, None)
        answers.samples[1] = series(UTIL, 61, 1)
        now += 600
        heard, _ = await told(rounds)
        assert heard.hosts["n1",][0].idle_since.timestamp() == NOW


async def test_the_past_is_asked_for_once_per_metric_of_the_exporters_there_are():
    async with prometheus() as (answers, url):
        rounds = InProcess(url, clock=lambda: NOW)
        answers.samples = [series(UTIL, 0, gpu) for gpu in range(2)]
        await told(rounds)
        assert rounds.rounds.first.is_set()
        asked = len(answers.asked)
        a, b = ({"pod": name, "namespace": "x"} for name in "ab")
        answers.past = {UTIL: [series(UTIL, NOW - 7200, **a), series(UTIL, NOW - 3600, **b)]}
        await look_back(Prometheus(url), rounds.idle, rounds.rounds.seen, NOW)
        assert answers.asked[asked:] == [
            "max_over_time(timestamp(DCGM_FI_DEV_GPU_UTIL > 5)[24h:5m])",
            "max_over_time(timestamp(DCGM_FI_PROF_GR_ENGINE_ACTIVE > 0.05)[24h:5m])",
        ]
        heard, _ = await told(rounds)
    since = [reading.idle_since.timestamp() for reading in heard.hosts["n1",]]
    assert since == [NOW - 3600, NOW - 24 * 3600]


async def test_a_past_that_cannot_be_had_changes_nothing():
    async with prometheus() as (answers, url):
        rounds = InProcess(url, clock=lambda: NOW)
        answers.samples = [series(UTIL, 0)]
        await told(rounds)
        answers.faults = {"ENGINE_ACTIVE > ": 422}
        with pytest.raises(Unavailable):
            await look_back(Prometheus(url), rounds.idle, rounds.rounds.seen, NOW)
        heard, _ = await told(rounds, everything=True)
    assert heard.hosts["n1",][0].idle_since.timestamp() == NOW
