import aiohttp
import pytest

from genet.simulation.cluster import Cluster

GROUP = "/apis/resource.k8s.io"


async def get(cluster, path):
    async with aiohttp.ClientSession() as session, session.get(cluster.url + path) as response:
        return await response.json(), response.status


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1beta1"])
async def test_one_version_is_served_and_says_so(version: str):
    async with Cluster("mixed", dra=version) as cluster:
        group, _ = await get(cluster, GROUP)
        assert [item["version"] for item in group["versions"]] == [version]
        listed, _ = await get(cluster, f"{GROUP}/{version}/resourceslices")
        assert listed["apiVersion"] == f"resource.k8s.io/{version}"
        one, _ = await get(cluster, f"{GROUP}/{version}/resourceslices/{listed['items'][0]['metadata']['name']}")
        assert one["apiVersion"] == f"resource.k8s.io/{version}"
        other = "v1" if version != "v1" else "v1beta1"
        assert (await get(cluster, f"{GROUP}/{other}/resourceslices"))[1] == 404


async def test_the_oldest_version_nests_what_describes_a_device():
    async with Cluster("mixed", dra="v1beta1") as cluster:
        listed, _ = await get(cluster, f"{GROUP}/v1beta1/resourceslices")
        device = listed["items"][0]["spec"]["devices"][0]
        assert set(device) == {"name", "basic"}
        assert device["basic"]["attributes"]["type"] == {"string": "gpu"}
        listed, _ = await get(cluster, f"{GROUP}/v1beta1/resourceclaims")
        assert all("deviceClassName" in item["spec"]["devices"]["requests"][0] for item in listed["items"])


async def test_a_cluster_may_know_nothing_of_it():
    async with Cluster("mixed", dra="off") as cluster:
        groups, _ = await get(cluster, "/apis")
        assert "resource.k8s.io" not in [group["name"] for group in groups["groups"]]
        assert (await get(cluster, GROUP))[1] == 404
        assert (await get(cluster, f"{GROUP}/v1/resourceclaims"))[1] == 404


async def test_an_older_version_is_for_reading():
    async with Cluster("mixed", dra="v1beta1") as cluster, aiohttp.ClientSession() as session:
        url = f"{cluster.url}{GROUP}/v1beta1/namespaces/user-alice-alice/resourceclaims"
        async with session.post(url, json={"metadata": {"name": "claim"}}) as response:
            assert response.status == 400
