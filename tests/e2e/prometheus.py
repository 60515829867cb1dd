"""A real Prometheus, as a process on loopback that scrapes one exporter every second."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from tests.processes import free_port, program, until


@contextmanager
def scraping(binary: str, target: str, directory: Path, *, honor_labels: bool) -> Iterator[str]:
    """The URL of a Prometheus that is ready.

    The target has the labels that discovery in a cluster gives it, those of the exporter's own pod: with
    `honor_labels` off they win, and the holders of cards become `exported_pod`.
    """
    directory.mkdir()
    own = {"namespace": "gpu-operator", "pod": "nvidia-dcgm-exporter-e2e", "container": "nvidia-dcgm-exporter"}
    job = {
        "job_name": "dcgm",
        "honor_labels": honor_labels,
        "static_configs": [{"targets": [target], "labels": own}],
    }
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with program(command, log=directory / "log") as process, httpx.Client(base_url=url, trust_env=False) as client:

        def has_scraped() -> bool:
            assert process.poll() is None, (directory / "log").read_text()
            try:
                answer = client.get("/api/v1/query", params={"query": "DCGM_FI_DEV_GPU_UTIL"})
            except httpx.TransportError:
                return False
            return answer.is_success and bool(answer.json()["data"]["result"])

        until(has_scraped, what="Prometheus has scraped the exporter")
        yield url
