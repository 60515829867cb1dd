"""The overview over HTTP: forms, codings, conditions, and what each audience can learn from it, streams included."""

import asyncio
import gzip

import httpx
import msgspec
import pytest

from genet.gpus.overview import GPUOverview
from genet.simulation.cluster import Cluster
from genet.simulation.pod_life import Pace
from genet.web.negotiation import accepts_gzip, prefers
from tests.gpus.builders import GPU
from tests.replicas import HOST, replica_of, settings
from tests.served import PATH, STREAM, asked, served

COLUMNAR = "application/vnd.genet.gpu-overview.columnar+json"
JSON = "application/json"


@pytest.fixture
async def held(replica, cluster):
    """A replica of a cluster of two nodes in which alice holds a card."""
    for name in ("n1", "n2"):
        capacity = {"cpu": "8", "memory": "64Gi", "pods": "110", GPU: "4"}
        status = {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]}
        addresses = [{"type": "InternalIP", "address": "10.0.0.7"}]
        cluster.store.create("nodes", {"metadata": {"name": name}, "status": status | {"addresses": addresses}})
    await replica.create(name="a", gpuType="A100", gpuCount=1)
    async with asyncio.timeout(10):
        while (await get(replica)).json()["summary"]["usedDevices"] == 0:  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.01)
    return replica


async def get(replica, **more):
    return await replica.ask("GET", PATH, **more)


async def test_by_itself_it_is_objects(replica):
    answer = await get(replica)
    assert answer.headers["Content-Type"] == JSON
    assert "acceleratorGroups" in answer.json()


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ({"format": "columnar"}, "", COLUMNAR),
        ({"format": "columnar"}, JSON, COLUMNAR),
        ({"format": "object"}, COLUMNAR, JSON),
        ({}, COLUMNAR, COLUMNAR),
        ({}, f"text/html, {COLUMNAR};q=0.9", COLUMNAR),
        ({}, f"{COLUMNAR}, */*;q=0.1", COLUMNAR),
        ({}, f"{JSON}, {COLUMNAR};q=0.5", JSON),
        ({}, f"{COLUMNAR}, */*", COLUMNAR),
        ({}, f"{COLUMNAR};q=0.5, */*", JSON),
        ({}, f"{COLUMNAR};q=0.5, application/*;q=0.8", JSON),
        ({}, f"{COLUMNAR};q=0.5, application/*;q=0.1, */*", COLUMNAR),
        ({}, f"{COLUMNAR};q=0.5, {JSON};q=0, */*", COLUMNAR),
        ({}, f"{COLUMNAR};q=0", JSON),
        ({}, "image/png", JSON),
        ({}, "*/*", JSON),
    ],
)
async def test_the_form_is_as_asked_for(replica, query, accept, expected):
    answer = await get(replica, params=query, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == expected
    assert ("acceleratorGroups" in answer.json()) == (expected == JSON)
    assert {"Accept", "Accept-Encoding", "Cookie", "Authorization"} == set(answer.headers["Vary"].split(", "))


@pytest.mark.parametrize("path", [PATH, f"{PATH}/stream"])
@pytest.mark.parametrize("form", ["rows", "", "COLUMNAR"])
async def test_a_form_that_does_not_exist_is_named(replica, path, form):
    answer = await replica.ask("GET", path, params={"format": form})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["format"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.1", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("gzip;q=high", False),
        ("gzipped", False),
    ],
)
async def test_it_is_compressed_for_those_who_can_read_that(replica, header, expected):
    assert accepts_gzip(header) is expected
    answer = await get(replica, headers={"Accept-Encoding": header})
    assert (answer.headers.get("Content-Encoding") == "gzip") is expected
    assert answer.headers["ETag"].endswith('-gzip"') is expected


def test_what_is_named_twice_is_judged_by_its_last():
    assert not prefers("a/b, a/b;q=0", "a/b", "c/d")


async def test_an_etag_holds_for_all_codings_of_one_form(replica):
    plain = {"Accept-Encoding": ""}
    packed = {"Accept-Encoding": "gzip"}
    tags = {}
    for form in ("object", "columnar"):
        for coding in (plain, packed):
            tags[form, coding["Accept-Encoding"]] = (
                await get(replica, params={"format": form}, headers=coding)
            ).headers["ETag"]
    assert len(set(tags.values())) == 4
    for (form, _), tag in tags.items():
        for coding in (plain, packed):
            again = await get(replica, params={"format": form}, headers=coding | {"If-None-Match": f'"x", W/{tag}'})
            assert (again.status_code, again.headers["ETag"], again.content) == (304, tag, b"")
            assert again.headers["Genet-Updated-At"]
        other = await get(
            replica, params={"format": {"object": "columnar"}.get(form, "object")}, headers={"If-None-Match": tag}
        )
        assert other.status_code == 200
    assert (await get(replica, headers={"If-None-Match": "*"})).status_code == 304


async def test_a_pod_taken_back_is_gone_from_the_very_next_answer(held):
    [pod] = await held.pods()
    await held.ask("DELETE", f"/api/pods/{pod}")
    async with asyncio.timeout(10):
        while await held.pods():  # noqa: ASYNC110 # seen from outside
            await asyncio.sleep(0.01)
    assert (await get(held)).json()["summary"]["usedDevices"] == 0


async def test_two_replicas_say_the_same_and_have_one_etag(held, kubeconfig):
    async with replica_of(settings(kubeconfig)) as other:
        await other.synced()
        for params in ({}, {"format": "columnar"}):
            one, two = await get(held, params=params), await get(other, params=params)
            assert one.headers["ETag"] == two.headers["ETag"]
            again = await get(other, params=params, headers={"If-None-Match": one.headers["ETag"]})
            assert again.status_code == 304


@pytest.fixture
async def watched(tmp_path):
    """A replica of a busy cluster whose exporters are heard, and its settings."""
    async with Cluster("small", pace=Pace(0, 0, 0)) as cluster:
        cluster.write_kubeconfig(tmp_path / "kubeconfig")
        configuration = settings(tmp_path / "kubeconfig", prometheusURL=cluster.prometheus_url)
        async with replica_of(configuration) as one:
            await one.synced()
            await one.services.overview.refresh()
            yield one


def anonymously(replica, what):
    auth = msgspec.structs.replace(replica.services.settings.auth, anonymous_overview=what)
    replica.services.settings = msgspec.structs.replace(replica.services.settings, auth=auth)
    return served(replica.services.settings, replica.services)


async def names_in(replica):
    """Whatever the overview knows of people, their pods and the machines."""
    overview = msgspec.convert((await get(replica)).json(), GPUOverview)
    nodes = [node for group in overview.accelerator_groups for node in group.nodes]
    slots = [slot for node in nodes for slot in node.slots]
    pods = [pod for slot in slots for pod in slot.pods]
    found = {node.node_ip for node in nodes} | {slot.uuid for slot in slots}
    found |= {name for pod in pods for name in (pod.name, pod.namespace, pod.user)}
    assert len(pods) > 5
    return {f'"{name}"'.encode() for name in found if name} | {b'"idleSince":"', b'"startedAt"'}


async def give_back_a_card(replica):
    """Somebody's pod ends, whoever they are."""
    overview = msgspec.convert((await get(replica)).json(), GPUOverview)
    slots = (slot for group in overview.accelerator_groups for node in group.nodes for slot in node.slots)
    pod = next(slot.pod for slot in slots if slot.pod and slot.pod.user)
    found = replica.services.pods._pods.get(pod.name, pod.namespace)
    replica.services.pods._pods.forget(found)


@pytest.mark.parametrize("anonymous", ["full-shape", "summary"])
@pytest.mark.parametrize("form", ["object", "columnar"])
async def test_without_login_nobody_is_named_and_no_etag_is_shared(watched, anonymous, form):
    names = await names_in(watched)
    async with anonymously(watched, anonymous) as port:
        path = f"{PATH}?format={form}"

        async def ask(path, **headers):
            async with asked(port, path, {"Accept-Encoding": "gzip", **headers}) as answer:
                if answer.status == 200:
                    await answer.chunk()
                return answer

        public, member = await ask(path), await ask(f"{path}&user=alice")
        assert (public.status, member.status) == (200, 200)
        assert [name for name in names if name in public.raw] == []
        assert [name for name in names if name in member.raw]
        assert msgspec.json.decode(public.raw)["summary"] == msgspec.json.decode(member.raw)["summary"]
        assert public.headers["etag"] != member.headers["etag"]
        assert (await ask(path, **{"If-None-Match": member.headers["etag"]})).status == 200
        assert (await ask(f"{path}&user=alice", **{"If-None-Match": public.headers["etag"]})).status == 200
        assert (await ask(path, **{"If-None-Match": public.headers["etag"]})).status == 304


@pytest.mark.parametrize("anonymous", ["full-shape", "summary"])
@pytest.mark.parametrize("form", ["object", "columnar"])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_without_login_no_stream_names_anybody(watched, anonymous, form, coding):
    names = await names_in(watched)
    async with anonymously(watched, anonymous) as port:
        path = f"{STREAM}?format={form}"
        headers = {"Accept-Encoding": coding}
        async with asked(port, path, headers) as public, asked(port, f"{path}&user=alice", headers) as member:
            for answer in (public, member):
                await answer.data("snapshot")
            await give_back_a_card(watched)
            for answer in (public, member):
                assert (await answer.data("change"))["summary"]["totalDevices"] > 0
            assert [name for name in names if name in public.raw] == []
            assert [name for name in names if name in member.raw]


async def test_what_is_off_without_login_asks_for_it(held):
    async with anonymously(held, "off") as port:
        for path in (PATH, f"{PATH}/stream", "/api/cluster/availability"):
            async with asked(port, path) as answer:
                await answer.chunk()
                assert (answer.status, msgspec.json.decode(answer.raw)["code"]) == (401, "unauthenticated")
        async with asked(port, f"{PATH}?user=alice") as answer:
            assert answer.status == 200


async def test_what_is_available_is_what_new_pods_could_get(held):
    answer = (await held.ask("GET", "/api/cluster/availability")).json()
    overview = (await get(held)).json()
    assert [told["type"] for told in answer["types"]] == [group["type"] for group in overview["acceleratorGroups"]]
    for told, group in zip(answer["types"], overview["acceleratorGroups"], strict=True):
        free = {
            node["nodeName"]: sum(slot["status"] == "free" for slot in node["slots"])
            for node in group["nodes"]
            if node["ready"] and node["schedulable"]
        }
        assert (told["free"], told["largest"]) == (sum(free.values()), max(free.values(), default=0))
        assert told["node"] is None or free[told["node"]] == told["largest"]
    assert answer["updatedAt"]


async def test_http_libraries_read_the_compressed_form(held, kubeconfig):
    async with served(settings(kubeconfig), held.services) as port, httpx.AsyncClient(trust_env=False) as http:
        url = HOST.replace("8080", str(port)) + PATH
        answer = await http.get(url, params={"user": "alice"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "acceleratorGroups" in answer.json()
        async with http.stream("GET", url, params={"user": "alice"}) as raw:
            data = b"".join([chunk async for chunk in raw.aiter_raw()])
        assert gzip.decompress(data) == answer.content
