"""Exporters that say what nothing real says: it costs their own series, and never the round."""

import json

import msgspec
import pytest

from genet.gpus.model import Reading
from tests.gpus.builders import series
from tests.gpus.telemetry.given import labelled
from tests.gpus.telemetry.inprocess import InProcess
from tests.gpus.telemetry.prometheus import prometheus

USED = "DCGM_FI_DEV_FB_USED"
CARD = {"device_uuid": "GPU-h", "device_index": "0", "node": "h"}


async def told(*samples):
    """The readings of each host, and the summary."""
    hosts = {}

    def take(portion):
        hosts.update(
            {told.host.clues[0]: msgspec.msgpack.decode(told.readings, type=list[Reading]) for told in portion.hosts}
        )

    async with prometheus() as (answers, url):
        answers.samples = [series(USED, 9), *samples]
        return hosts, await InProcess(url).ask(everything=False, take=take)


@pytest.mark.parametrize(
    "sample",
    [
        series(USED, 1, host="n2", gpu="9" * 30),
        series(USED, 1, host="n2", gpu="9" * 5000),
        series(USED, 1, host="n2", gpu="\N{ARABIC-INDIC DIGIT THREE}"),
        series(USED, 1, host="n2", modelName="x" * 100_000),
        series(USED, 1, host="n" * 100_000),
        labelled("npu_chip_info_temperature", 1, id="9" * 30, node="n2"),
        labelled("amd_gpu_used_vram", 1, gpu_id="9" * 30, serial_number="s", hostname="n2"),
    ],
    ids=["long number", "very long number", "foreign digit", "long model", "long host", "npu", "amd"],
)
async def test_a_device_that_cannot_be_is_left_out_and_counted(sample):
    hosts, summary = await told(sample)
    assert list(hosts) == ["n1"]
    assert (summary.error, summary.nameless) == (None, 1)


@pytest.mark.parametrize("value", [1e308, -1e12, -1, 2.0**63])
@pytest.mark.parametrize(
    "metric",
    [
        "hami_host_gpu_memory_used_bytes",
        "hami_host_gpu_utilization_ratio",
        "npu_chip_info_temperature",
        "npu_chip_info_power",
        "npu_chip_info_hbm_used_memory",
        "amd_gpu_power_usage",
        USED,
    ],
)
async def test_a_value_that_cannot_be_is_not_known(metric, value):
    one = CARD | {"id": "0", "vdie_id": "v", "serial_number": "s", "gpu_id": "0", "UUID": "GPU-h", "gpu": "0"}
    hosts, summary = await told(labelled(metric, value, hostname="h", **one))
    (reading,) = hosts["h"]
    assert (reading.memory_used, reading.utilization, reading.power, reading.temperature) == (None, None, None, None)
    assert (summary.error, len(hosts["n1"])) == (None, 1)


@pytest.mark.parametrize("elapsed", ["1e308", "Inf", "-1"])
async def test_a_card_that_was_last_at_work_before_there_were_any_is_not_idle_for_that(elapsed):
    hosts, _ = await told(labelled("hami_container_last_kernel_elapsed_seconds", elapsed, **CARD))
    assert [reading.idle_since for reading in hosts["h"]] == [None]


async def test_of_a_host_with_more_devices_than_any_node_has_the_first_are_told():
    hosts, summary = await told(*(series(USED, 1, gpu, host="n2") for gpu in range(600)))
    assert [reading.index for reading in hosts["n2"]] == list(range(512))
    assert (summary.devices, summary.nameless) == (601, 88)


async def test_half_a_letter_costs_its_metric_and_not_the_round():
    async with prometheus() as (answers, url):
        answers.samples = [series(USED, 9), series("DCGM_FI_DEV_GPU_UTIL", 5, modelName="\ud800")]
        assert "\\ud800" in json.dumps(answers.samples[1].labels)
        summary = await InProcess(url).ask(everything=False, take=lambda _: None)
    assert (summary.error, summary.devices) == (None, 1)
    assert [what for what, _ in summary.missing] == ["DCGM_FI_DEV_GPU_UTIL"]
