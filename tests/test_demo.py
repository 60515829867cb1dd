"""The demo's configuration against its scenarios, and its embedded cluster as a process."""

import httpx
import msgspec
import pytest
import yaml

from genet import demo
from genet.settings.commit_checks import commit_complaints
from genet.simulation.cluster import Cluster
from genet.simulation.scenarios import SCENARIOS

NOWHERE = demo.Embedded(server="http://localhost:1", prometheus="http://localhost:2", kubeconfig="/nowhere")


@pytest.mark.parametrize("scenario", ["empty", "small", "mixed"])
def test_every_gpu_type_on_offer_has_nodes(scenario: str):
    settings = demo.settings(NOWHERE, scenario)
    nodes = Cluster(scenario).store.list("nodes")
    for kind in settings.gpu.available_types:
        assert [
            node
            for node in nodes
            if kind.node_selector.items() <= node["metadata"]["labels"].items()
            and node["status"]["capacity"].get(kind.resource_name, "0") != "0"
        ], kind.name


def test_every_scenario_has_its_offers():
    for scenario in SCENARIOS:
        assert demo.settings(NOWHERE, scenario).gpu.available_types or scenario == "empty"


def test_every_scenario_has_a_place_for_the_jobs_that_save_pods():
    for scenario in SCENARIOS:
        settings = demo.settings(NOWHERE, scenario)
        assert settings.commit.enabled
        assert list(commit_complaints(settings)) == []
        assert Cluster(scenario).store.find("namespaces", "", settings.commit.namespace)


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
