"""A running server as a person meets it: `genet serve` on the embedded cluster, spoken to over its port."""

import pytest

from tests.processes import configuration, embedded_cluster, serving

SETTINGS = {"gpu": {"availableTypes": [{"name": "gpu", "resourceName": "nvidia.com/gpu"}]}}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    with embedded_cluster("small", tmp_path_factory.mktemp("live")) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def replica(cluster, tmp_path_factory):
    with serving(configuration(tmp_path_factory.mktemp("replica"), cluster["kubeconfig"], **SETTINGS)) as server:
        yield server


@pytest.fixture
def client(replica):
    return replica.client("live")
