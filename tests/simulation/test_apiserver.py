import io

import pytest

from tests.simulation.serving import PODS, pod, serving

CONFIGS = "/api/v1/namespaces/ns/configmaps"


@pytest.fixture
async def kube():
    async with serving() as client:
        await client.namespace()
        yield client


def config(name="c", **metadata):
    return {"metadata": {"name": name, **metadata}, "data": {"a": "1"}}


async def test_an_object_is_created_read_replaced_patched_and_deleted(kube):
    made = await kube.ask("POST", PODS, pod())
    assert made["spec"]["restartPolicy"] == "Always"
    assert await kube.ask("GET", f"{PODS}/p") == made
    changed = {**made, "metadata": {**made["metadata"], "labels": {"a": "1"}}}
    replaced = await kube.ask("PUT", f"{PODS}/p", changed)
    assert replaced["metadata"]["labels"] == {"a": "1"}
    patched = await kube.patch(f"{PODS}/p", {"metadata": {"labels": {"a": None, "b": "2"}}})
    assert patched["metadata"]["labels"] == {"b": "2"}
    await kube.ask("DELETE", f"{PODS}/p")
    gone = await kube.ask("GET", f"{PODS}/p")
    assert gone == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": 'pods "p" not found',
        "reason": "NotFound", "details": {"name": "p", "kind": "pods"}, "code": 404, "_code": 404,
    }  # fmt: skip


async def test_of_two_writers_that_read_the_same_one_is_refused(kube):
    made = await kube.ask("POST", CONFIGS, config())
    assert "_code" not in await kube.ask("PUT", f"{CONFIGS}/c", {**made, "data": {"a": "2"}})
    stale = await kube.ask("PUT", f"{CONFIGS}/c", {**made, "data": {"a": "3"}})
    assert (stale["_code"], stale["reason"]) == (409, "Conflict")
    version = made["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "data": {"a": "4"}}
    assert (await kube.patch(f"{CONFIGS}/c", patch))["_code"] == 409


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", [{"op": "replace", "path": "/data/a", "value": "2"}]),
        ("merge", {"data": {"a": "2"}}),
        ("strategic-merge", {"data": {"a": "2"}}),
    ],
)
async def test_every_kind_of_patch_changes_the_object(kube, kind, body):
    await kube.ask("POST", CONFIGS, config())
    assert (await kube.patch(f"{CONFIGS}/c", body, kind))["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("json", [{"op": "test", "path": "/data/a", "value": "9"}], 422),
        ("json", {"data": {}}, 400),
        ("merge", [1], 400),
        ("merge", {"metadata": {"name": "other"}}, 400),
        ("merge", {"metadata": {"namespace": "other"}}, 400),
        ("apply", {}, 415),
    ],
)
async def test_patches_that_make_no_sense_are_refused(kube, kind, body, code):
    await kube.ask("POST", CONFIGS, config())
    assert (await kube.patch(f"{CONFIGS}/c", body, kind))["_code"] == code


async def test_lists_are_selected_and_carry_bare_items(kube):
    for name, team in (("a", "red"), ("b", "blue"), ("c", "red")):
        await kube.ask("POST", CONFIGS, config(name, labels={"team": team}))
    found = await kube.ask("GET", CONFIGS, labelSelector="team=red")
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "c"]
    assert found["kind"] == "ConfigMapList"
    assert not {"kind", "apiVersion"} & found["items"][0].keys()
    named = await kube.ask("GET", "/api/v1/configmaps", fieldSelector="metadata.name=b")
    assert [item["metadata"]["name"] for item in named["items"]] == ["b"]
    assert (await kube.ask("GET", CONFIGS, fieldSelector="data.a=1"))["_code"] == 400


async def test_pages_show_one_moment_though_the_world_moves_on(kube):
    for name in "abcde":
        await kube.ask("POST", CONFIGS, config(name))
    first = await kube.ask("GET", CONFIGS, limit=2)
    await kube.ask("DELETE", f"{CONFIGS}/d")
    await kube.ask("POST", CONFIGS, config("bb"))
    second = await kube.ask("GET", CONFIGS, limit=2, **{"continue": first["metadata"]["continue"]})
    third = await kube.ask("GET", CONFIGS, limit=2, **{"continue": second["metadata"]["continue"]})
    pages = [[item["metadata"]["name"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert len({page["metadata"]["resourceVersion"] for page in (first, second, third)}) == 1
    assert "continue" not in third["metadata"]


async def test_a_list_can_show_an_earlier_revision(kube):
    first = await kube.ask("POST", CONFIGS, config("a"))
    await kube.ask("POST", CONFIGS, config("b"))
    then = {"resourceVersion": first["metadata"]["resourceVersion"]}
    for params, count in (
        ({**then, "resourceVersionMatch": "Exact"}, 1),
        ({**then, "limit": "9"}, 1),
        (then, 2),
        ({**then, "limit": "9", "resourceVersionMatch": "NotOlderThan"}, 2),
        ({"resourceVersion": "0", "limit": "1"}, 2),
    ):
        assert len((await kube.ask("GET", CONFIGS, **params))["items"]) == count


async def test_a_continue_token_of_compacted_history_is_gone(kube):
    for name in "abc":
        await kube.ask("POST", CONFIGS, config(name))
    first = await kube.ask("GET", CONFIGS, limit=1)
    await kube.ask("DELETE", f"{CONFIGS}/c")
    kube.store.compact()
    late = await kube.ask("GET", CONFIGS, limit=1, **{"continue": first["metadata"]["continue"]})
    assert (late["_code"], late["reason"]) == (410, "Expired")


@pytest.mark.parametrize(
    ("params", "code"), [({"continue": "zz"}, 400), ({"limit": "x"}, 400), ({"resourceVersion": "99999"}, 504)]
)
async def test_impossible_lists_are_refused(kube, params, code):
    assert (await kube.ask("GET", CONFIGS, **params))["_code"] == code


async def test_a_delete_answers_with_the_object_only_while_something_holds_it(kube):
    await kube.ask("POST", CONFIGS, config(finalizers=["a/b"]))
    held = await kube.ask("DELETE", f"{CONFIGS}/c")
    assert held["metadata"]["deletionTimestamp"]
    await kube.patch(f"{CONFIGS}/c", {"metadata": {"finalizers": None}})
    await kube.ask("POST", CONFIGS, config())
    assert (await kube.ask("DELETE", f"{CONFIGS}/c"))["status"] == "Success"


async def test_delete_preconditions_travel_in_the_body(kube):
    made = await kube.ask("POST", CONFIGS, config())
    refused = await kube.ask("DELETE", f"{CONFIGS}/c", {"preconditions": {"uid": "other"}})
    assert (refused["_code"], refused["details"]["kind"]) == (409, "ConfigMap")
    await kube.ask("DELETE", f"{CONFIGS}/c", {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert kube.store.list("configmaps", "ns") == []


async def test_a_pod_on_a_node_is_deleted_gracefully(kube):
    await kube.ask("POST", PODS, pod(nodeName="n"))
    marked = await kube.ask("DELETE", f"{PODS}/p", gracePeriodSeconds="5")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await kube.ask("GET", f"{PODS}/p"))["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:10Z"
    await kube.ask("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
    assert (await kube.ask("GET", f"{PODS}/p"))["_code"] == 404


async def test_dry_runs_answer_and_change_nothing(kube):
    answer = await kube.ask("POST", CONFIGS, config(), dryRun="All")
    assert answer["metadata"]["uid"]
    assert kube.store.list("configmaps", "ns") == []
    assert (await kube.ask("POST", CONFIGS, config(), dryRun="Some"))["_code"] == 422


async def test_status_is_a_thing_of_its_own(kube):
    await kube.ask("POST", PODS, {**pod(), "status": {"phase": "Running"}})
    assert (await kube.ask("GET", f"{PODS}/p/status"))["status"]["phase"] == "Pending"
    await kube.patch(f"{PODS}/p/status", {"status": {"phase": "Running"}})
    await kube.patch(f"{PODS}/p", {"status": {"phase": "Failed"}})
    assert (await kube.ask("GET", f"{PODS}/p"))["status"]["phase"] == "Running"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/nothings", 404),
        ("GET", "/apis/batch/v2/jobs", 404),
        ("GET", "/api/v1/pods/p", 404),
        ("GET", "/api/v1/namespaces/ns/nodes", 404),
        ("GET", f"{PODS}/p/nothing", 404),
        ("POST", "/api/v1/pods", 405),
        ("DELETE", f"{PODS}/p/status", 405),
    ],
)
async def test_what_is_not_served_is_said_with_a_status(kube, method, path, code):
    assert (await kube.ask(method, path))["code"] == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([1], 400),
        ({"kind": "Service", "metadata": {"name": "x"}}, 400),
        ({"metadata": {"name": "x", "namespace": "other"}}, 400),
        ({"metadata": "x"}, 400),
        ({"metadata": {"name": "x"}, "spec": []}, 400),
        ({"metadata": {"name": "x"}, "spec": {"containers": ["a"]}}, 400),
    ],
)
async def test_bodies_that_are_no_manifest_are_bad_requests(kube, body, code):
    assert (await kube.ask("POST", PODS, body))["code"] == code


async def test_bodies_that_are_neither_json_nor_protobuf_are_bad_requests(kube):
    for content_type in ("application/json", "application/vnd.kubernetes.protobuf"):
        headers = {"Content-Type": content_type}
        async with kube.session.post(kube.url + CONFIGS, data=b"k8s\0{nonsense", headers=headers) as response:
            assert response.status == 400
    assert (await kube.ask("DELETE", f"{CONFIGS}/c", gracePeriodSeconds="soon"))["code"] == 400


async def test_bodies_beyond_three_megabytes_are_refused(kube):
    headers = {"Content-Type": "application/json"}
    body = io.BytesIO(b" " * (3 * 2**20 + 1))
    async with kube.session.post(kube.url + CONFIGS, data=body, headers=headers) as response:
        assert (response.status, (await response.json())["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
)
async def test_pages_in_a_browser_are_refused(kube, headers):
    _, code = await kube.raw("POST", CONFIGS, config(), headers=headers)
    assert code == 403
    assert kube.store.list("configmaps", "ns") == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_bodies_that_a_form_could_send_are_refused(kube, content_type):
    _, code = await kube.raw("POST", CONFIGS, config(), content_type=content_type)
    assert code == 415
