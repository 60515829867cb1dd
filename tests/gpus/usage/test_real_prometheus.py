"""The questions about times gone by, asked of a real Prometheus that was given a past."""

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from genet.gpus.usage.history import Histories
from genet.gpus.usage.holders import Ledger, Model, NodeUse
from genet.gpus.usage.reports import By, UsageReports, question
from genet.prometheus import Prometheus
from tests.gpus.usage.test_history import slots
from tests.processes import free_port, program, until

HOUR = timedelta(hours=1)
NOW = datetime.fromtimestamp(time.time() // 300 * 300, UTC)
SCRAPE = timedelta(seconds=30)


def times(since, until_=timedelta()):
    """Scrapes from so long ago until so long ago."""
    return [(NOW - since + n * SCRAPE).timestamp() for n in range((since - until_) // SCRAPE)]


def past():
    """Metric, labels, value, times: Genet's two replicas of the last two hours, exporters of the last four."""
    for replica in ("a", "b"):
        target = f'instance="{replica}",namespace="genet-system",pod="genet-{replica}"'
        ann = f'{target},holder_namespace="user-ann-a",holder_user="ann-a",gpu_type="A100"'
        bob = f'{target},holder_namespace="user-bob-b",holder_user="bob-b",gpu_type="A100"'
        yield "genet_gpus", target, 8, times(2 * HOUR)
        for metric, value in (("devices", 2), ("utilization_sum", 0.5), ("utilization_count", 2)):
            yield f"genet_gpu_{metric}", ann, value, times(2 * HOUR)
        yield "genet_gpu_devices", bob, 6, times(HOUR / 6)
    for gpu in range(8):
        card = f'UUID="GPU-{gpu}",gpu="{gpu}",modelName="NVIDIA A100"'
        holder = 'namespace="user-ann-a",pod="p"' if gpu < 3 else 'namespace="gpus",pod="nvidia-dcgm-exporter-1"'
        yield "DCGM_FI_DEV_FB_USED", f"{card},{holder}", 1000, times(4 * HOUR)
        yield "DCGM_FI_DEV_GPU_UTIL", f"{card},{holder}", 9223372036854775794 if gpu == 7 else 40, times(4 * HOUR)
    for profile, share in (("1g.5gb", 0.25), ("3g.20gb", 0.75)):
        slice_ = f'UUID="GPU-mig",GPU_I_ID="{profile[0]}",GPU_I_PROFILE="{profile}"'
        yield "DCGM_FI_PROF_GR_ENGINE_ACTIVE", slice_, share, times(4 * HOUR)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("prometheus and promtool are not installed")
    directory = tmp_path_factory.mktemp("prometheus")
    metrics: dict[str, list[str]] = {}
    for metric, labels, value, moments in past():
        lines = metrics.setdefault(metric, [f"# TYPE {metric} gauge"])
        lines += [f"{metric}{{{labels}}} {value} {moment}" for moment in moments]
    text = directory / "past"
    text.write_text("\n".join(line for lines in metrics.values() for line in lines) + "\n# EOF\n")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(directory / "data")]
    subprocess.run(backfill, check=True, capture_output=True)
    config = directory / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
    ]
    with program(command, log=directory / "log"), httpx.Client(base_url=f"http://{address}", trust_env=False) as client:

        def is_ready() -> bool:
            try:
                return client.get("/-/ready").is_success
            except httpx.TransportError:
                return False

        until(is_ready, what="Prometheus is ready")
        yield f"http://{address}"


async def test_two_replicas_are_counted_once_and_exporters_tell_what_was_before(url):
    ledger = Ledger()
    ledger.put("n1", NodeUse(types={Model("NVIDIA-A100"): "A100"}))

    async def ask():
        return ledger

    reports = UsageReports(ask, Prometheus(url), idle_after=HOUR, clock=lambda: NOW)
    wanted: dict[By, dict[str, float]] = {
        "user": {"ann-a": 2 * 2 + 2 * 3, "bob-b": 1},
        "namespace": {"user-ann-a": 2 * 2 + 2 * 3, "user-bob-b": 1},
        "type": {"A100": 11},
    }
    for by, hours in wanted.items():
        usage = await reports.report(question(NOW - 6 * HOUR, NOW, by, NOW))
        assert {row.key: row.gpu_hours for row in usage.rows} == pytest.approx(hours, rel=0.05)
        [gap] = usage.gaps
        assert gap.from_ == usage.from_
        assert abs(gap.to - (NOW - 4 * HOUR)) <= timedelta(minutes=5)
        mean = next(row.mean_utilization for row in usage.rows if row.key in {"ann-a", "user-ann-a", "A100"})
        assert mean == pytest.approx((4 * 25 + 6 * 40) / 10, rel=0.05)


async def test_the_past_of_cards_is_their_mean_and_blanks_are_none(url):
    history, source = await Histories(Prometheus(url), lambda: NOW).of(slots("GPU-0", "GPU-7", "GPU-mig", "GPU-none"))
    assert source.message is None
    assert [set(card.utilization[-40:-1]) for card in history.series] == [{40}, {None}, {62}, {None}]
    assert {card.utilization[0] for card in history.series} == {None}
