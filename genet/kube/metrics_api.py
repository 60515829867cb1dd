"""The resource metrics API (`metrics.k8s.io`), where something such as metrics-server serves it."""

from datetime import datetime

from genet.kube.projection import KubeObject, Projection, Resource


class ContainerUsage(Projection):
    name: str
    usage: dict[str, str]
    """Quantities of `cpu` (cores) and `memory` (bytes)."""


class PodMetrics(KubeObject):
    timestamp: datetime | None = None
    containers: tuple[ContainerUsage, ...] = ()


POD_METRICS = Resource("metrics.k8s.io/v1beta1", "PodMetrics", "pods", PodMetrics)
