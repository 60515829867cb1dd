"""What the exporters on the nodes say, as the Prometheus that scrapes them sees it: one file per exporter."""

from collections.abc import Iterator, Mapping, Sequence

from genet.simulation.devices import Devices
from genet.simulation.exporters.amd import Amd
from genet.simulation.exporters.dcgm import Dcgm, Generation
from genet.simulation.exporters.hami import Hami
from genet.simulation.exporters.npu import Npu
from genet.simulation.exporters.rows import SilentSince
from genet.simulation.promql import Matcher, Series


class Exporters:
    """All of them together."""

    def __init__(
        self, devices: Devices, silent_since: SilentSince, generation: Generation, of_nodes: Mapping[str, Generation]
    ) -> None:
        """`generation` is DCGM's; `of_nodes` says where it is another one."""
        self._exporters = (
            Dcgm(devices, silent_since, generation, of_nodes),
            Hami(devices, silent_since),
            Amd(devices, silent_since),
            Npu(devices, silent_since),
        )

    def series(self, matchers: Sequence[Matcher], start: float, end: float) -> Iterator[Series]:
        for exporter in self._exporters:
            yield from exporter.series(matchers, start, end)
