"""From near: one node with its cards, how the map can be coloured, and the way from a pod to its cards."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.browser.heatmap import Cell, Heatmap

pytestmark = pytest.mark.browser


def test_a_node_shows_its_cards_and_who_has_them(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    heatmap = Heatmap(page)
    heatmap.map.focus()
    heatmap.press("ArrowDown")
    page.keyboard.press("Space")
    panel = page.get_by_role("dialog", name="h100-01")
    expect(panel).to_be_visible()
    expect(page).to_have_url(re.compile(r"node=h100-01"))

    node = demo.api("GET", "/api/cluster/nodes/h100-01", "alice")
    assert len(node["slots"]) == 8
    for slot in node["slots"]:
        card = panel.get_by_test_id(f"card-{slot['index']}")
        expect(card).to_contain_text(slot["pod"]["user"])
        expect(card).to_contain_text("seen by the exporter")
        expect(card).to_contain_text(re.compile(r"Utilization\s*\d+ %"))
        expect(card.get_by_role("img", name=re.compile("last 24 h"))).to_be_visible()
    expect(panel.get_by_role("img", name="Utilization, last 24 h")).to_be_visible()
    expect(panel).to_contain_text("nvidia.com/gpu.product")

    page.reload()
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Open pod-alice-alice-llama-ft").first.click()
    expect(page.get_by_role("dialog", name="llama-ft")).to_be_visible()


def test_a_free_gpu_is_taken_from_its_node(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace", node="h100-03"))
    page.get_by_role("button", name="Take a GPU here").click()
    dialog = page.get_by_role("dialog", name="Create a pod")
    expect(dialog.get_by_role("radio", name="NVIDIA H100 80 GB")).to_be_checked()
    expect(dialog).to_contain_text("On node h100-03")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "node=" not in page.url


def test_somebody_elses_gpu_leads_to_its_node(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    heatmap.click(heatmap.cell("h100-01 · GPU 0"))
    expect(page.get_by_role("dialog", name="h100-01")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_node_that_there_is_not_is_said(demo: Demo, visit: Visit, complaints):
    page = visit(demo.page("/gpus", "grace", node="gone"))
    expect(page.get_by_role("dialog", name="gone")).to_contain_text("no such node")
    assert set(complaints) == {"404 GET /api/cluster/nodes/gone"}
    complaints.clear()


def test_the_map_is_coloured_by_holder_and_filtered_by_one(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    cells = {cell.title: cell for cell in heatmap.cells()}
    held: dict[str, list[Cell]] = {}
    for slot in demo.slots("grace"):
        if slot["pod"]:
            held.setdefault(slot["pod"]["user"], []).append(cells[f"{slot['nodeName']} · GPU {slot['index']}"])
    page.get_by_role("radiogroup").get_by_text("Holder", exact=True).click()
    expect(page).to_have_url(re.compile(r"colour=owner"))
    colours = {user: set(heatmap.colours(mine)) for user, mine in held.items()}
    assert all(len(own) == 1 for own in colours.values())
    assert len(set.union(*colours.values())) == len(colours)

    dave, bob = held["dave-dave"][:1], held["bob-bob"][:1]
    [before] = heatmap.colours(bob)
    page.get_by_role("button", name="dave-dave").click()
    expect(page).to_have_url(re.compile(r"holder=dave-dave"))
    assert heatmap.colours(dave) == list(colours["dave-dave"])
    assert heatmap.colours(bob) != [before]


@pytest.mark.parametrize(("name", "measure"), [("Utilization", "utilization"), ("Memory", "memoryUsed")])
def test_the_map_is_coloured_by_use(demo: Demo, visit: Visit, name, measure):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    cells = heatmap.cells()
    page.get_by_role("radiogroup").get_by_text(name, exact=True).click()
    looks = [look.colour for look in heatmap.looks(cells)]
    for slot, colour in zip(demo.slots("grace"), looks, strict=True):
        if slot["status"] == "unhealthy":
            assert colour == "amber"
        elif slot["status"] == "used" and slot[measure] is None:
            assert colour == "grey"
        else:
            assert colour not in {"red", "green", "violet"}


def test_a_pod_shows_its_own_cards(demo: Demo, visit: Visit):
    page = visit(demo.page("/pods", "alice", pod="pod-alice-alice-llama-ft"))
    page.get_by_role("tab", name="GPUs").click()
    drawer = page.get_by_role("dialog", name="llama-ft")
    own = [slot["index"] for slot in demo.slots("alice") if slot["pod"] and slot["pod"]["name"].endswith("-llama-ft")]
    expect(drawer.get_by_role("listitem")).to_have_count(len(own))
    for index in own:
        card = drawer.get_by_test_id(f"held-{index}")
        expect(card).to_contain_text(re.compile(r"Utilization\s*\d+ %"))
        expect(card).to_contain_text("GiB")
    drawer.get_by_role("button", name="Show node h100-01").click()
    expect(page.get_by_role("dialog", name="h100-01")).to_be_visible()


def test_the_dialog_says_what_is_free_and_where(demo: Demo, visit: Visit):
    page = visit(demo.page("/pods", "grace", create="h100"))
    dialog = page.get_by_role("dialog", name="Create a pod")
    [h100] = [
        known for known in demo.api("GET", "/api/cluster/availability", "grace")["types"] if known["type"] == "h100"
    ]
    expect(dialog).to_contain_text(f"{h100['free']} free, up to {h100['largest']} on one node")
    dialog.get_by_role("button", name=f"Choose {h100['node']}").click()
    expect(dialog).to_contain_text(f"On node {h100['node']}")
    dialog.get_by_label("Number of GPUs").fill(str(h100["largest"] + 1))
    expect(dialog.get_by_role("status")).to_contain_text(f"No node has more than {h100['largest']} free")
    expect(dialog.get_by_role("button", name="Create")).to_be_enabled()
