"""What a cluster holds when it starts, by name."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from genet.simulation.scenarios.build import Scenario
from genet.simulation.scenarios.empty import empty
from genet.simulation.scenarios.large import large
from genet.simulation.scenarios.mixed import mixed
from genet.simulation.scenarios.small import small

SCENARIOS: Final[Mapping[str, Callable[[datetime, int], Scenario]]] = {
    "empty": empty,
    "small": small,
    "mixed": mixed,
    "large": large,
}
"""Each takes the present moment and a seed."""
