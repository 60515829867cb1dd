"""The demo's configuration against its scenarios, and its embedded cluster as a process."""

import httpx
import msgspec
import pytest
import yaml

from genet import demo
from genet.simulation.cluster import Cluster

NOWHERE = demo.Embedded(server="http://localhost:1", prometheus="http://localhost:2", kubeconfig="/nowhere")


def test_every_gpu_type_on_offer_has_nodes_in_the_usual_scenario():
    settings = demo.settings(NOWHERE)
    nodes = Cluster("small").store.list("nodes")
    for kind in settings.gpu.available_types:
        assert [
            node
            for node in nodes
            if kind.node_selector.items() <= node["metadata"]["labels"].items()
            and node["status"]["capacity"].get(kind.resource_name, "0") != "0"
        ], kind.name


async def test_the_embedded_cluster_answers_and_ends_with_the_demo(tmp_path):
    async with demo._cluster("small", tmp_path / "kubeconfig") as embedded:
        config = yaml.safe_load((tmp_path / "kubeconfig").read_text())
        assert config["clusters"][0]["cluster"]["server"] == embedded.server
        async with httpx.AsyncClient(trust_env=False) as http:
            version = msgspec.json.decode((await http.get(f"{embedded.server}/version")).content)
            assert version["gitVersion"]
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{embedded.server}/version")
