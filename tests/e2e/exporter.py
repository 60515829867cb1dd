"""GPU exporters without a GPU: dcgm-exporter's text format over HTTP, with the values and the holders a test sets.

Written from the exporter's own template (3.x, 4.x): the labels stand in its order, those of a MIG slice before the
host's, the driver's version is a label of the device, and a card that a pod holds has `container`, `namespace` and
`pod` as well. The host's label is `Hostname` up to 4.5 and `hostname` since. With `--use-old-namespace` the card is
`uuid`, and its holder `container_name`, `pod_name` and `pod_namespace`.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, NamedTuple, Protocol, TypeVar

METRICS = {
    "DCGM_FI_DEV_GPU_UTIL": "GPU utilization (in %).",
    "DCGM_FI_DEV_FB_USED": "Framebuffer memory used (in MiB).",
    "DCGM_FI_DEV_FB_FREE": "Framebuffer memory free (in MiB).",
    "DCGM_FI_DEV_POWER_USAGE": "Power draw (in W).",
    "DCGM_FI_DEV_GPU_TEMP": "GPU temperature (in C).",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "Ratio of time the graphics engine is active.",
}
_DRIVER = "550.144.03"


class Holder(NamedTuple):
    namespace: str
    pod: str
    container: str = "main"


class Page(Protocol):
    """What an exporter serves."""

    address: str
    """Where, while it does."""

    def text(self) -> str: ...


PageT = TypeVar("PageT", bound=Page)


def sample(metric: str, labels: Mapping[str, str], value: float) -> str:
    named = ",".join(f'{name}="{text}"' for name, text in labels.items())
    return f"{metric}{{{named}}} {value if isinstance(value, int) else f'{value:f}'}"


def family(metric: str, about: str, samples: Iterable[str]) -> list[str]:
    """Its lines; none where it has no samples."""
    lines = list(samples)
    return [f"# HELP {metric} {about}", f"# TYPE {metric} gauge", *lines] if lines else []


class Slice(NamedTuple):
    """Of a MIG card; its rows have the card's UUID."""

    profile: str
    instance: int


@dataclass
class Card:
    index: int
    uuid: str
    values: dict[str, float]
    holder: Holder | None = None
    slice: Slice | None = None


@dataclass
class Exporter:
    """One node's exporter; tests change its cards while it serves."""

    host: str
    cards: list[Card]
    generation: Literal["old namespace", "Hostname", "hostname"] = "Hostname"
    model: str = "NVIDIA A100-SXM4-80GB"
    address: str = field(default="", init=False)

    def text(self) -> str:
        lines: list[str] = []
        for metric, about in METRICS.items():
            cards = [card for card in self.cards if metric in card.values]
            lines += family(metric, about, (sample(metric, self._labels(card), card.values[metric]) for card in cards))
        return "\n".join(lines) + "\n"

    def _labels(self, card: Card) -> dict[str, str]:
        is_old = self.generation == "old namespace"
        labels = {
            "gpu": str(card.index),
            "uuid" if is_old else "UUID": card.uuid,
            "pci_bus_id": f"00000000:{0x17 + card.index:02X}:00.0",
            "device": f"nvidia{card.index}",
            "modelName": self.model,
        }
        if card.slice is not None:
            labels |= {"GPU_I_PROFILE": card.slice.profile, "GPU_I_ID": str(card.slice.instance)}
        labels |= {"Hostname" if is_old else self.generation: self.host, "DCGM_FI_DRIVER_VERSION": _DRIVER}
        if card.holder is not None:
            names = ("container_name", "pod_namespace", "pod_name") if is_old else ("container", "namespace", "pod")
            labels |= zip(names, (card.holder.container, card.holder.namespace, card.holder.pod), strict=True)
        return labels


def idle_card(index: int) -> Card:
    uuid = f"GPU-{index:08x}-0000-4000-8000-00000000e2e0"
    values = (0, 4, 81916, 60.5, 31)
    return Card(index, uuid, dict(zip(METRICS, values, strict=False)))


@contextmanager
def exporting(page: PageT) -> Iterator[PageT]:
    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.text().encode()
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
        page.address = f"127.0.0.1:{server.server_port}"
        yield page
        server.shutdown()
        thread.join()
