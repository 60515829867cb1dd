"""What happens in the cluster is seen at once, without a reload, also where streams do not pass."""

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.browser.heatmap import Heatmap, Look
from tests.processes import until

pytestmark = pytest.mark.browser


@pytest.fixture
def guest(demo: Demo) -> Iterator[str]:
    """Somebody who leaves the map as it was: a card given back is unknown until its exporter is asked again."""
    name = f"guest{secrets.token_hex(3)}"
    before = demo.overview(name)["summary"]
    yield name
    for pod in demo.pods(name):
        demo.api("DELETE", f"/api/pods/{pod['id']}", name)
    until(lambda: demo.overview(name)["summary"] == before, seconds=60, what="the cards are free again")


def test_a_change_is_seen_without_asking_again(demo: Demo, visit: Visit, guest):
    page = visit(demo.page("/gpus", guest))
    _expect_connection(page, "live")
    heatmap = Heatmap(page)
    cells = heatmap.cells()
    before = heatmap.looks(cells)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    free = _figure(page, "free of")
    _take(demo, guest)
    expect(page.get_by_role("definition").first).to_have_text(str(free - 1))
    until(lambda: Look("red", framed=True) in heatmap.looks(cells), what="the map shows one's own")
    changed = [pair for pair in zip(before, heatmap.looks(cells), strict=True) if len(set(pair)) > 1]
    # what was given back a moment ago may still hold memory, and is then not green yet
    [(was, now)] = changed
    assert not was.framed
    assert was.colour != "red"
    assert now == Look("red", framed=True)
    assert [url for url in asked if "gpu-overview" in url] == []


def test_where_streams_do_not_pass_the_page_asks_instead(demo: Demo, visit: Visit, complaints, guest):
    page = visit(f"{demo.url}/healthz")
    page.route("**/gpu-overview/stream?*", lambda route: route.fulfill(status=502, body="<html>"))
    page.goto(demo.page("/gpus", guest))
    _expect_connection(page, "polling")
    expect(page.get_by_test_id("sources")).to_contain_text("Kubernetes live")
    free = _figure(page, "free of")
    _take(demo, guest)
    expect(page.get_by_role("definition").first).to_have_text(str(free - 1), timeout=10_000)
    assert {complaint.partition(" ")[0] for complaint in complaints} == {"502"}
    complaints.clear()


def test_a_broken_stream_is_taken_up_again(demo: Demo, visit: Visit, complaints):
    page = visit(f"{demo.url}/healthz")
    streams: list[Route] = []

    def first_is_cut(route: Route) -> None:
        streams.append(route)
        if len(streams) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/gpu-overview/stream?*", first_is_cut)
    page.goto(demo.page("/gpus", "alice"))
    _expect_connection(page, "live")
    assert len(streams) > 1
    complaints.clear()


def _expect_connection(page: Page, state: str) -> None:
    expect(page.get_by_test_id("sources")).to_have_attribute("data-connection", state, timeout=15_000)


def _figure(page: Page, name: str) -> int:
    """The first of the figures over the map."""
    expect(page.get_by_role("term").first).to_contain_text(name)
    return int(page.get_by_role("definition").first.inner_text())


def _take(demo: Demo, user: str) -> None:
    body = {"image": "docker.io/library/ubuntu:24.04", "gpuType": "h100", "gpuCount": 1}
    demo.api("POST", "/api/pods", user, body)
