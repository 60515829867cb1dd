"""The reference of the API: what it is served as, and that the document behind it says who may call what."""

import re
from typing import Any

import httpx
import pytest

from genet.auth.policy import POLICY, SCOPES, Access
from genet.settings import Auth, Settings
from genet.web.app import bounded, create_litestar
from genet.web.guards import operation

DEV = Settings(auth=Auth(mode="dev"))
BUILT = '<!doctype html><link rel="stylesheet" href="/assets/x.css"><script type="module" src="/assets/x.js"></script>'


async def ask(path: str, static: Any) -> httpx.Response:
    transport = httpx.ASGITransport(bounded(create_litestar(DEV, static=static), DEV))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


@pytest.fixture(scope="module")
def app():
    return create_litestar(DEV)


@pytest.fixture(scope="module")
def document(app):
    return app.openapi_schema.to_schema()


@pytest.fixture(scope="module")
def described(app, document):
    """What the document says of each operation, by its name in the policy table."""
    return {
        operation(handler): document["paths"][route.path_format][method.lower()]
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method.lower() in document["paths"].get(getattr(route, "path_format", ""), {})
    }


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
async def test_the_reference_is_a_page_of_its_own(tmp_path, path):
    (tmp_path / "index.html").write_text("the other page")
    (tmp_path / "api-docs.html").write_text(BUILT)
    answer = await ask(path, tmp_path)
    assert (answer.status_code, answer.text) == (200, BUILT)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_no_script_runs_in_the_reference_but_the_own_ones(tmp_path):
    policy = (await ask("/api/docs", tmp_path)).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_a_reference_that_was_not_built_says_so(tmp_path):
    answer = await ask("/api/docs", tmp_path)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    assert "make frontend" in answer.text


@pytest.mark.parametrize("path", ["/api/docs/x", "/api/openapi.json/x", "/api/docs.html", "/api-docs.html"])
async def test_what_is_beside_the_reference_is_not_found(tmp_path, path):
    answer = await ask(path, tmp_path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_every_operation_says_what_it_is_about(document):
    known = {tag["name"] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert set(told["tags"]) <= known, (method, path)
            assert re.fullmatch(r"[A-Z].*[^.]", told["summary"]), (method, path)
            assert told["summary"] not in told["operationId"], (method, path)
            about = told["description"].rpartition("\n\n")[0]
            assert about not in ("", "None"), (method, path)
            assert all(one.get("description") for one in told.get("parameters", ())), (method, path)


def test_every_tag_of_the_document_is_used(document):
    used = {tag for methods in document["paths"].values() for told in methods.values() for tag in told["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}


def test_the_document_knows_both_ways_to_say_who_one_is(document):
    schemes = document["components"]["securitySchemes"]
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "__Host-genet-session")
    assert (schemes["apiToken"]["type"], schemes["apiToken"]["scheme"]) == ("http", "bearer")


def test_who_may_call_what_is_as_the_policy_says(described):
    assert len(described) > len(SCOPES)
    for name, told in described.items():
        rule, ways = POLICY[name], told["security"]
        assert ({} in ways) == (rule.access is Access.ANYBODY), name
        assert {"session": []} in ways, name
        tokens = [way["apiToken"] for way in ways if "apiToken" in way]
        assert tokens == ([] if rule.scope is None else [[scope for scope in SCOPES if scope == rule.scope]]), name


def test_what_no_token_may_do_is_not_promised_to_one(described):
    assert described["tokens:create"]["security"] == [{"session": []}]
    assert "API tokens cannot do this" in described["tokens:create"]["description"]
    assert "`pods:write`" in described["pods:create"]["description"]
