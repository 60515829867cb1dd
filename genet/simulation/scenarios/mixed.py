"""Nodes of every way to share or hand out accelerators, labelled and annotated as each vendor's parts do it.

DCGM's series have the older form, `Hostname`, and `exported_pod` beside the exporter's own `pod`; on two nodes they
have the newest one, for virtual GPUs and for claims.
"""

from datetime import datetime

from genet.simulation.exporters.dcgm import Generation
from genet.simulation.scenarios import claims, nvidia, vendors
from genet.simulation.scenarios.build import Scenario


def mixed(now: datetime, seed: int) -> Scenario:
    scenario = Scenario(now, seed, generation=Generation(hostname="Hostname", honor_labels=False))
    alice, bob = scenario.user("alice"), scenario.user("bob")
    nvidia.whole(scenario, alice)
    nvidia.two_models(scenario, bob)
    nvidia.mig_single(scenario, alice)
    nvidia.mig_mixed(scenario, bob)
    nvidia.time_slicing(scenario, bob)
    nvidia.virtual(scenario, alice)
    nvidia.mps(scenario, bob)
    nvidia.hami(scenario, alice, bob)
    nvidia.kai(scenario, alice, bob)
    nvidia.shared(scenario, alice, bob)
    claims.cards(scenario, alice, bob)
    claims.partitions(scenario, alice, bob)
    vendors.amd(scenario, bob)
    vendors.amd_partitioned(scenario, alice)
    vendors.ascend(scenario, alice)
    return scenario
