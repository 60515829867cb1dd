"""One node of every way to share or hand out accelerators, labelled and annotated as each vendor's parts do it.

MIG, time-slicing, HAMi, DRA, AMD and Ascend, with the older form of the exporter's labels (`Hostname`, `exported_pod`).
"""

from datetime import datetime

from genet.simulation.scenarios.build import Scenario


def mixed(now: datetime, seed: int) -> Scenario:
    return Scenario(now, seed)
