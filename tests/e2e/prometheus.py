"""A real Prometheus, as a process on loopback that scrapes exporters every second."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from tests.processes import free_port, program, until


class Job(NamedTuple):
    """Exporters that are scraped alike.

    Discovery in a cluster knows each target's pod and makes labels of it: with `honor_labels` off these win, and the
    holders of cards become `exported_pod`.
    """

    name: str
    target: str
    labels: Mapping[str, str] = {}
    """Beyond those of the exporter's own pod."""

    def config(self, *, honor_labels: bool) -> dict[str, Any]:
        own = {"namespace": "gpu-operator", "pod_name": f"{self.name}-e2e", "pod_container_name": self.name}
        discovered = {f"__meta_kubernetes_{name}": text for name, text in own.items()}
        relabelled = {"namespace": "namespace", "pod_name": "pod", "pod_container_name": "container"}
        return {
            "job_name": self.name,
            "honor_labels": honor_labels,
            "static_configs": [{"targets": [self.target], "labels": {**discovered, **self.labels}}],
            "relabel_configs": [
                {"source_labels": [f"__meta_kubernetes_{name}"], "target_label": label}
                for name, label in relabelled.items()
            ],
        }


@contextmanager
def scraping(binary: str, jobs: Iterable[Job], directory: Path, *, honor_labels: bool) -> Iterator[str]:
    """The URL of a Prometheus that has scraped all of them."""
    directory.mkdir()
    configs = [job.config(honor_labels=honor_labels) for job in jobs]
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": configs}))
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
                answer = client.get("/api/v1/query", params={"query": "up == 1"})
            except httpx.TransportError:
                return False
            return answer.is_success and len(answer.json()["data"]["result"]) == len(configs)

        until(has_scraped, what="Prometheus has scraped the exporters")
        yield url
