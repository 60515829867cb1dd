"""The application as a whole: readiness, the page, what is not there, and that no bug ever shows its inside."""

import logging
from types import SimpleNamespace

import jsonschema
import pytest
from litestar.exceptions import InternalServerException

from genet.settings import Auth, Settings
from genet.web.app import create_litestar
from tests.replicas import until


async def test_ready_says_no_before_the_first_sync(unsynced):
    assert (await unsynced.ask("GET", "/readyz")).status_code == 503
    assert (await unsynced.ask("GET", "/healthz")).status_code == 200


@pytest.mark.parametrize("path", ["/api/auth/status", "/api/config", "/", "/api/openapi.json"])
async def test_what_the_page_needs_to_start_is_there_before_the_first_sync(unsynced, path):
    assert (await unsynced.ask("GET", path)).status_code == 200


@pytest.mark.parametrize("path", ["/api/pods", "/api/cluster/gpu-overview", "/api/pods/pod-alice-alice-a"])
async def test_nothing_is_called_empty_before_the_first_sync(unsynced, path):
    answer = await unsynced.ask("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_ready_says_no_while_draining(replica):
    replica.services.draining = True
    assert (await replica.ask("GET", "/readyz")).status_code == 503


async def test_an_api_server_that_is_away_makes_content_stale_and_nothing_else(replica, cluster):
    await replica.create(name="a")
    await until(lambda: replica.services.namespaces.get("user-alice-alice"))
    await cluster.__aexit__()
    await until(lambda: replica.services.nodes.staleness().stale)
    assert (await replica.ask("GET", "/readyz")).status_code == 200
    assert await replica.pods() == ["pod-alice-alice-a"]
    overview = (await replica.ask("GET", "/api/cluster/gpu-overview")).json()
    assert overview["sources"]["kubernetes"]["state"] == "stale"
    answer = await replica.create(name="b")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/", "/pods", "/gpus/node-1", "/apis", "/deep/er/still"])
async def test_every_address_of_the_pages_own_is_the_page(replica, path):
    answer = await replica.ask("GET", path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["/api/nothing", "/api", "/api/", "/api/pods/a/b/c", "/oidc/x", "/.well-known/x", "/a.js", "/assets/x"],
)
async def test_what_is_not_there_is_a_problem_and_not_the_page(replica, path):
    answer = await replica.ask("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "BREW"])
async def test_methods_that_are_not_there_are_said_so(replica, method):
    answer = await replica.ask(method, "/api/pods")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_a_protocol_is_not_among_the_methods_that_are_allowed(replica):
    answer = await replica.http.get("/api/pods/pod-a/terminal")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "")


async def test_a_bug_is_logged_with_its_traceback_and_shows_none(replica, caplog):
    replica.services.tenancy = None
    answer = await replica.ask("GET", "/api/pods")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "NoneType" not in answer.text
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.path, record.exc_info[0]) == ("/api/pods", AttributeError)


async def test_what_litestar_says_of_a_bug_is_not_shown_either(replica, caplog):
    def fail(_: object) -> None:
        raise InternalServerException("secret")

    replica.services.tenancy = SimpleNamespace(known=fail)
    answer = await replica.ask("GET", "/api/pods")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "secret" in caplog.text


@pytest.mark.parametrize("user", ["", "x" * 65, "new\nline", "nul\0"])
async def test_names_that_nobody_has_are_refused(replica, user):
    answer = await replica.ask("GET", "/api/auth/status", user=user)
    assert [error["field"] for error in answer.json()["errors"]] == ["user"]


def document():
    return create_litestar(Settings(auth=Auth(mode="dev"))).openapi_schema.to_schema()


async def test_every_answer_is_as_the_openapi_document_says(replica, unsynced):
    openapi = document()

    def check(answer, path, method):
        described = openapi["paths"][path][method]["responses"][str(answer.status_code)]
        if "content" not in described:
            assert answer.content == b""
            return
        content = described["content"][answer.headers["Content-Type"].partition(";")[0]]
        jsonschema.Draft202012Validator({**content["schema"], "components": openapi["components"]}).validate(
            answer.json()
        )

    pod, id_ = "/api/pods/{pod_id}", "/api/pods/pod-alice-alice-a"
    for path in ("/api/auth/status", "/api/config", "/api/cluster/gpu-overview", "/api/pods"):
        check(await replica.ask("GET", path), path, "get")
    check(await replica.ask("GET", "/api/cluster/availability"), "/api/cluster/availability", "get")
    columnar = {"params": {"format": "columnar"}}
    check(await replica.ask("GET", "/api/cluster/gpu-overview", **columnar), "/api/cluster/gpu-overview", "get")
    check(await replica.ask("GET", "/api/cluster/usage"), "/api/cluster/usage", "get")
    check(await replica.ask("GET", "/api/cluster/nodes/nowhere"), "/api/cluster/nodes/{node_name}", "get")
    check(await unsynced.ask("GET", "/api/pods"), "/api/pods", "get")
    check(await replica.ask("GET", "/api/pods", params={"all": "2"}), "/api/pods", "get")
    check(await replica.create(name="a", cpu="64"), "/api/pods", "post")
    check(await replica.create(name="a"), "/api/pods", "post")
    check(await replica.create(name="b", gpuType="A100", gpuCount=5), "/api/pods", "post")
    check(await replica.create(image=5), "/api/pods", "post")
    check(
        await replica.ask("POST", "/api/pods", content=b"{", headers={"Content-Type": "application/json"}),
        "/api/pods",
        "post",
    )
    check(await replica.ask("POST", "/api/pods", content=b"{}"), "/api/pods", "post")
    check(await replica.ask("GET", "/api/pods"), "/api/pods", "get")
    check(await replica.ask("GET", id_), pod, "get")
    check(await replica.ask("POST", f"{id_}/extend", json={"hours": 1}), f"{pod}/extend", "post")
    check(await replica.ask("POST", f"{id_}/extend", json={}), f"{pod}/extend", "post")
    check(await replica.ask("GET", f"{id_}/logs"), f"{pod}/logs", "get")
    check(await replica.ask("GET", f"{id_}/events"), f"{pod}/events", "get")
    check(await replica.ask("DELETE", id_), pod, "delete")
    check(await replica.ask("DELETE", id_), pod, "delete")
    etag = (await replica.ask("GET", "/api/cluster/gpu-overview")).headers["ETag"]
    again = await replica.ask("GET", "/api/cluster/gpu-overview", headers={"If-None-Match": etag})
    assert again.status_code == 304
    check(again, "/api/cluster/gpu-overview", "get")


def test_no_body_is_promised_where_none_comes():
    document = create_litestar(Settings(auth=Auth(mode="dev"))).openapi_schema.to_schema()
    empty = [
        (path, answers["204"].get("content"))
        for path, methods in document["paths"].items()
        for answers in (method["responses"] for method in methods.values())
        if "204" in answers
    ]
    assert empty
    assert all(content is None for _, content in empty), empty
