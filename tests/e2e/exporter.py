"""dcgm-exporter without a GPU: its text format over HTTP, with the values and the holders that a test sets.

Written from the exporter's own template (4.x): the labels stand in its order, the driver's version is a label of the
device, and a card that a pod holds has `container`, `namespace` and `pod` as well. The host's label is `Hostname` up
to 4.5 and `hostname` since.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

METRICS = {
    "DCGM_FI_DEV_GPU_UTIL": "GPU utilization (in %).",
    "DCGM_FI_DEV_FB_USED": "Framebuffer memory used (in MiB).",
    "DCGM_FI_DEV_FB_FREE": "Framebuffer memory free (in MiB).",
    "DCGM_FI_DEV_POWER_USAGE": "Power draw (in W).",
    "DCGM_FI_DEV_GPU_TEMP": "GPU temperature (in C).",
}
_DRIVER = "550.144.03"


class Holder(NamedTuple):
    namespace: str
    pod: str
    container: str = "main"


@dataclass
class Card:
    index: int
    uuid: str
    values: dict[str, float]
    holder: Holder | None = None

    def labels(self, host_label: str, host: str) -> dict[str, str]:
        labels = {
            "gpu": str(self.index),
            "UUID": self.uuid,
            "pci_bus_id": f"00000000:{0x17 + self.index:02X}:00.0",
            "device": f"nvidia{self.index}",
            "modelName": "NVIDIA A100-SXM4-80GB",
            host_label: host,
            "DCGM_FI_DRIVER_VERSION": _DRIVER,
        }
        if self.holder is not None:
            holder = {"container": self.holder.container, "namespace": self.holder.namespace, "pod": self.holder.pod}
            labels |= holder
        return labels


@dataclass
class Exporter:
    """One node's exporter; tests change its cards while it serves."""

    host: str
    cards: list[Card]
    host_label: str = "Hostname"
    address: str = field(default="", init=False)

    def text(self) -> str:
        lines = []
        for metric, about in METRICS.items():
            lines += [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"]
            for card in self.cards:
                labels = card.labels(self.host_label, self.host)
                text = ",".join(f'{name}="{value}"' for name, value in labels.items())
                lines.append(f"{metric}{{{text}}} {card.values[metric]:g}")
        return "\n".join(lines) + "\n"


def idle_card(index: int) -> Card:
    uuid = f"GPU-{index:08x}-0000-4000-8000-00000000e2e0"
    values = (0, 4, 81916, 60.5, 31)
    return Card(index, uuid, dict(zip(METRICS, values, strict=True)))


@contextmanager
def exporting(exporter: Exporter) -> Iterator[Exporter]:
    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Every scrape, every second: not worth a line."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        exporter.address = f"127.0.0.1:{server.server_port}"
        yield exporter
        server.shutdown()
        thread.join()
