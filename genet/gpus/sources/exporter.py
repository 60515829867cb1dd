"""The pod labels of dcgm-exporter.

Trap: where Prometheus relabels (honorLabels off), `pod` is the exporter itself and the holder is `exported_pod`; on
an idle card only the former is left. So a label names a holder only if that pod asks for the resource on this node.
"""

from collections.abc import Mapping, Sequence

from genet.gpus.model import PodKey, Pool


def holders(pool: Pool) -> Mapping[int, Sequence[PodKey]]:
    named = {}
    for index, reading in pool.devices.items():
        pods = [pod for pod in reading.pods if pod in pool.demand] if reading else []
        if pods:
            named[index] = pods
    return named
