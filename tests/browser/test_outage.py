"""When Kubernetes is lost, people still see how things were, and are told so."""

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo, demonstrating
from tests.browser.heatmap import Heatmap

pytestmark = pytest.mark.browser


def test_a_lost_cluster_leaves_the_map_and_is_called_stale(visit: Visit, complaints, tmp_path):
    with demonstrating("small", tmp_path) as demo:
        page = visit(demo.page("/gpus", "alice"))
        heatmap = Heatmap(page)
        cells = heatmap.cells()
        before = heatmap.looks(cells)
        sources = page.get_by_test_id("sources")
        expect(sources).to_contain_text("Kubernetes live")

        [cluster] = [pid for pid in _children(demo.process.pid) if "genet.simulation" in _command(pid)]
        os.kill(cluster, signal.SIGKILL)
        expect(sources).to_contain_text("allocation may have changed since", timeout=30_000)
        expect(sources).to_contain_text("Kubernetes stale")
        assert heatmap.looks(cells) == before
        page.reload()
        expect(sources).to_contain_text("Kubernetes stale")
        assert heatmap.looks(cells) == before
        assert complaints == []

    # And when Genet itself is lost, the page that is open keeps what it has.
    expect(sources).to_contain_text("Connection lost; this is how it was at", timeout=30_000)
    expect(sources).to_contain_text(re.compile(r"The server was last heard of \d+ seconds? ago"))
    assert heatmap.looks(cells) == before
    page.close()  # or it would go on asking, and complain
    assert all("net::ERR_" in complaint for complaint in complaints)
    complaints.clear()


def test_a_page_that_never_had_an_answer_goes_on_trying(demo: Demo, visit: Visit, complaints):
    page = visit(f"{demo.url}/healthz")
    refusal = {"status": 503, "code": "unavailable", "detail": "Kubernetes"}
    page.route("**/api/cluster/gpu-overview**", lambda route: route.fulfill(status=503, json=refusal))
    page.goto(demo.page("/gpus", "alice"))
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("The GPUs cannot be shown")
    expect(problem).to_contain_text("goes on trying by itself")
    with page.expect_request("**/api/cluster/gpu-overview/stream*"):
        problem.get_by_role("button", name="Try again").click()
    expect(problem).to_be_visible()
    expect(problem.get_by_role("button", name="Try again")).to_be_focused()
    page.unroute("**/api/cluster/gpu-overview**")
    expect(page.get_by_test_id("sources")).to_contain_text("Kubernetes live", timeout=15_000)
    expect(problem).to_be_hidden()
    assert set(complaints) <= {"503 GET /api/cluster/gpu-overview", "503 GET /api/cluster/gpu-overview/stream"}
    complaints.clear()


def _children(pid: int) -> list[int]:
    """The processes whose parent it is."""
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/stat") if _parent(file) == pid]


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _parent(stat: Path) -> int | None:
    try:
        # The second field is a name in brackets, which may hold anything.
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has just ended
