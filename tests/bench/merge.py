"""What an event costs where there are few nodes and where there are many."""

from genet.demo import Embedded
from tests.bench.table import Table, most
from tests.bench.world import asked


def report(table: Table, cluster: Embedded) -> None:
    told = asked("room", cluster.kubeconfig, cluster.prometheus)
    few, many = told["few"], told["all"]
    table.head(f"one event, cache to stream ({few['nodes']} nodes against {many['nodes']}; processor time)")
    for kind in ("pod", "node"):
        ratio = f"{many[kind] / few[kind]:.2f} times that of {few['nodes']} nodes ({few[kind] * 1e3:.2f} ms)"
        table.row(
            f"event of a {kind}, {many['nodes']} nodes",
            f"{many[kind] * 1e3:.2f} ms",
            ratio,
            most(many[kind] / few[kind], 2, "times"),
        )
        ratio = f"all nodes anew ({many['rebuild'] * 1e3:.0f} ms): {many['rebuild'] / many[kind]:.0f} times"
        table.row("", f"worst {many[f'{kind}_worst'] * 1e3:.2f} ms", ratio, most(many[kind] * 1e3, 2, "ms"))
