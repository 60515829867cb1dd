"""What the GPU overview promises, whatever the cluster is. Exporters are left out: here the API server alone speaks."""

from base64 import b64decode

from tests.contract.conftest import until


async def overview(person):
    return await person.read("/api/cluster/gpu-overview")


async def test_the_five_states_add_up_to_every_card(person):
    told = await overview(person)
    for counts in (told["summary"], *told["summary"]["byType"].values()):
        parts = ("usedDevices", "freeDevices", "unknownDevices", "unhealthyDevices", "externalDevices")
        assert counts["totalDevices"] == sum(counts[part] for part in parts)
    groups = told["acceleratorGroups"]
    assert told["summary"]["totalDevices"] == sum(group["totalDevices"] for group in groups) > 0
    assert told["sources"]["kubernetes"]["state"] == "ok"
    assert told["sources"]["prometheus"]["state"] == "off"


async def test_a_running_gpu_pod_takes_one_card_of_its_node_and_gives_it_back(person):
    async def used(node):
        groups = (await overview(person))["acceleratorGroups"]
        return sum(found["usedDevices"] for group in groups for found in group["nodes"] if found["nodeName"] == node)

    pod = await person.made("one", gpuType="gpu", gpuCount=1)
    node = (await person.sees("one", "Running"))["nodeName"]
    held = await used(node)
    assert held >= 1
    await person.http.delete(f"/api/pods/{pod['id']}")
    await until(lambda: used(node), lambda count: count < held)


async def test_it_is_sent_once_as_long_as_nothing_changes(person, backend):
    first = await person.http.get("/api/cluster/gpu-overview")
    etag = first.headers["ETag"]
    again = await person.http.get("/api/cluster/gpu-overview", headers={"If-None-Match": etag})
    assert again.status_code in {304, 200}
    assert (again.status_code == 304) == (again.headers["ETag"] == etag)
    assert again.headers["Genet-Updated-At"]
    assert first.headers["Cache-Control"] == "private, no-cache"


async def test_its_columns_say_the_same_as_its_objects(person):
    async def both():
        objects = await overview(person)
        columns = await person.read("/api/cluster/gpu-overview", format="columnar")
        return objects, columns

    objects, columns = await until(both, lambda pair: pair[0]["summary"] == pair[1]["summary"])
    assert [group["type"] for group in columns["groups"]] == [group["type"] for group in objects["acceleratorGroups"]]
    nodes = [node for group in objects["acceleratorGroups"] for node in group["nodes"]]
    assert columns["nodes"]["name"] == [node["nodeName"] for node in nodes]
    assert columns["nodes"]["devices"] == [node["totalDevices"] for node in nodes]
    count = objects["summary"]["totalDevices"]
    lengths = [len(b64decode(columns[column])) for column in ("state", "util", "mem", "owner")]
    assert lengths == [count, count, count, 2 * count]


async def test_what_is_available_adds_up(person):
    for told in (await person.read("/api/cluster/availability"))["types"]:
        assert 0 <= told["largest"] <= told["free"]
        assert (told["node"] is None) == (told["largest"] == 0)
