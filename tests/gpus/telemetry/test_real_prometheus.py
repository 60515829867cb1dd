"""What a real Prometheus makes of the questions, with a past that was written into it."""

import shutil
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from genet.gpus.model import Reading
from genet.gpus.telemetry.frames import HostReadings
from genet.gpus.telemetry.rounds import EXPORTERS, look_back
from genet.prometheus import Prometheus
from tests.gpus.telemetry.inprocess import InProcess
from tests.processes import free_port, program, until

PROMETHEUS, PROMTOOL = (shutil.which(name) or "" for name in ("prometheus", "promtool"))
pytestmark = pytest.mark.skipif(not (PROMETHEUS and PROMTOOL), reason="Prometheus is not installed")

MINUTES = 90
"""Of past. The last hour of it some devices were idle."""


def history(name, labels, value_at, now):
    lines = [f"# TYPE {name} gauge"]
    lines += [f"{name}{{{labels}}} {value_at(ago)} {now - 60 * ago}" for ago in range(MINUTES, -1, -1)]
    return lines


@contextmanager
def remembering(lines, directory):
    """The URL of a Prometheus whose past is that."""
    text = directory / "past.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    data = directory / "data"
    subprocess.run([PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", text, data], check=True, capture_output=True)
    config = directory / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    url = f"http://127.0.0.1:{free_port()}"
    command = [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={data}"]
    command.append(f"--web.listen-address={url.removeprefix('http://')}")
    with program(command, log=directory / "log") as process, httpx.Client(trust_env=False) as client:

        def is_ready():
            assert process.poll() is None, (directory / "log").read_text()
            try:
                return client.get(f"{url}/-/ready").is_success
            except httpx.TransportError:
                return False

        until(is_ready, what="Prometheus has read its past")
        yield url


def hour_ago(busy):
    """At work until an hour ago."""
    return lambda ago: busy if ago >= 60 else 0


async def test_the_questions_about_now_and_about_the_past_are_understood(tmp_path):
    now = int(time.time()) // 60 * 60
    card = 'gpu="{0}",UUID="GPU-{0}",hostname="n1"'
    mig = f'{card.format(2)},GPU_I_ID="1"'
    amd = 'serial_number="S0",gpu_id="0",hostname="n2"'
    npu = 'id="0",vdie_id="V0",instance="n3:8082"'
    hami = 'device_uuid="GPU-0",device_index="0",node="n1"'
    lines = [
        *history("DCGM_FI_DEV_GPU_UTIL", card.format(0), hour_ago(80), now),
        *history("DCGM_FI_DEV_GPU_UTIL", card.format(1), lambda _: 5, now)[1:],
        *history("DCGM_FI_DEV_GPU_UTIL", card.format(3), lambda _: 70, now)[1:],
        *history("DCGM_FI_PROF_GR_ENGINE_ACTIVE", mig, hour_ago(0.5), now),
        *history("amd_gpu_gfx_activity", amd, hour_ago(30), now),
        *history("npu_chip_info_utilization", npu, hour_ago(30), now),
        *history("hami_host_gpu_memory_used_bytes", hami, lambda _: 1 << 30, now),
    ]
    with remembering(lines, tmp_path) as url:
        rounds = InProcess(url, clock=lambda: now)
        await rounds.ask(everything=False, take=lambda _: None)
        every = {make().name for make in EXPORTERS}
        assert rounds.rounds.seen == every
        await look_back(Prometheus(url, timeout_seconds=30), rounds.idle, every, now)
        told: list[HostReadings] = []
        await rounds.ask(everything=True, take=lambda portion: told.extend(portion.hosts))
    found = [(host.host.exporter, msgspec.msgpack.decode(host.readings, type=list[Reading])) for host in told]
    ago = {
        (exporter, reading.uuid): (now - reading.idle_since.timestamp()) / 60 if reading.idle_since else -1
        for exporter, readings in found
        for reading in readings
    }
    # the past is looked at every five minutes, so the last moment at work lies up to that much before
    about_an_hour = {("dcgm", "GPU-0"), ("dcgm", "GPU-2"), ("amd", "S0"), ("npu", "V0")}
    assert all(60 <= ago.pop(device) < 66 for device in about_an_hour), ago
    assert ago == {("dcgm", "GPU-1"): 24 * 60, ("dcgm", "GPU-3"): -1, ("hami", "GPU-0"): -1}


async def test_a_range_keeps_its_gaps(tmp_path):
    now = int(time.time()) // 60 * 60
    lines = history("DCGM_FI_DEV_GPU_UTIL", 'gpu="0"', lambda _: 7, now)
    del lines[-40:-21]  # nineteen minutes of silence, of which Prometheus bridges five
    moment = datetime.fromtimestamp(now, UTC)
    with remembering(lines, tmp_path) as url:
        ten = timedelta(minutes=10)
        (series,) = await Prometheus(url).query_range("DCGM_FI_DEV_GPU_UTIL", moment - 5 * ten, moment, ten)
    assert series.values == (7, 7, None, 7, 7, 7)
