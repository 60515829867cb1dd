"""The one place that asks Prometheus. What comes back are typed samples, or `Unavailable` with a plain reason.

client       the questions, and what their answers are read into
transport    one call, bounded in time and size
"""

from genet.prometheus.client import MAX_ANSWER_BYTES, Prometheus, Sample, Scan, Series

__all__ = ["MAX_ANSWER_BYTES", "Prometheus", "Sample", "Scan", "Series"]
