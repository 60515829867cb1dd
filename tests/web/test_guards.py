"""Who may call what."""

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import WebSocketRoute

from genet.auth.policy import POLICY
from genet.settings import Auth, Dev, Settings
from genet.web.app import create_app, create_litestar
from genet.web.guards import OPERATION, operation, unguarded
from tests.replicas import HOST

SETTINGS = Settings(auth=Auth(mode="dev"))


def handlers_of(route):
    return [route.route_handler] if isinstance(route, WebSocketRoute) else getattr(route, "route_handlers", ())


def test_every_route_has_a_line_in_the_table_and_every_line_a_route(tmp_path):
    (tmp_path / "assets").mkdir()
    app = create_litestar(SETTINGS, static=tmp_path)
    assert unguarded(app.routes) == []
    handlers = [handler for route in app.routes for handler in handlers_of(route)]
    assert {operation(handler) for handler in handlers} >= POLICY.keys()


@pytest.mark.parametrize("options", [{}, {"name": "pods:steal"}, {"opt": {OPERATION: "pods:steal"}}])
def test_a_route_without_a_line_is_found(options):
    @get("/api/secret", sync_to_thread=False, **options)
    def secret() -> str:
        return ""

    assert len(unguarded(Litestar([secret], openapi_config=None).routes)) == 1


async def ask(services, method, path, *, client, settings=SETTINGS, headers=()):
    transport = httpx.ASGITransport(create_app(settings, services), client=client, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as http:
        usual = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        return await http.request(method, path, headers={**usual, **dict(headers)})


FAR = ("10.1.2.3", 50000)
PATHS = [
    ("GET", "/api/pods"),
    ("POST", "/api/pods"),
    ("GET", "/api/pods/x"),
    ("DELETE", "/api/pods/x"),
    ("POST", "/api/pods/x/extend"),
    ("GET", "/api/pods/x/logs"),
    ("GET", "/api/pods/x/events"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_dev_mode_believes_nobody_from_another_machine(replica, method, path):
    answer = await ask(replica.services, method, f"{path}?user=alice", client=FAR)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "Location" not in answer.headers


async def test_unless_it_was_told_to(replica):
    remote = Settings(auth=Auth(mode="dev", dev=Dev(allow_remote=True)))
    answer = await ask(replica.services, "GET", "/api/pods?user=alice", client=FAR, settings=remote)
    assert answer.status_code == 200


async def test_who_is_not_logged_in_sees_the_way_in_and_an_overview_without_names(replica):
    status = await ask(replica.services, "GET", "/api/auth/status?user=alice", client=FAR)
    assert (status.json()["authenticated"], status.json()["username"]) == (False, None)
    assert (await ask(replica.services, "GET", "/api/cluster/gpu-overview", client=FAR)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/pods?/healthz", "/api/pods?x=/assets/a.js", "/api/pods;/healthz", "/api/pods#/healthz", "/api//pods"]
)
async def test_what_an_address_says_besides_its_path_opens_nothing(replica, path):
    """CVE-2025-54576: paths that need no login were looked for in the query too."""
    assert (await ask(replica.services, "GET", path, client=FAR)).status_code in {401, 404}


@pytest.mark.parametrize("name", ["X-Forwarded-Uri", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"])
async def test_nor_does_a_header_that_names_another_path(replica, name):
    """CVE-2026-40575."""
    for value in ("/healthz", "/api/auth/status", "/assets/a.js"):
        answer = await ask(replica.services, "GET", "/api/pods", client=FAR, headers={name: value})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(("client", "expected"), [(("127.0.0.1", 1), 204), (FAR, 401)])
async def test_what_litestar_adds_by_itself_is_for_users_alone(replica, client, expected):
    assert (await ask(replica.services, "OPTIONS", "/api/pods", client=client)).status_code == expected
