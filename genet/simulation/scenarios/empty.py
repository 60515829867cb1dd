"""One plain node and nothing on it, for tests that bring their own world."""

from datetime import datetime

from genet.simulation.scenarios.build import Scenario


def empty(now: datetime, seed: int) -> Scenario:
    scenario = Scenario(now, seed)
    scenario.node("node1", cpu=8, memory="32Gi", age="1d")
    return scenario
