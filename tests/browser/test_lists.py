"""What lists owe to people: nothing drawn over anything else, nothing out of reach, and a word when they are old."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser

# Pairs of texts in a row that are drawn over one another.
_OVERLAPS = """(row) => {
  const texts = [];
  for (const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT); walker.nextNode();) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    let box = walker.currentNode.parentElement;
    while (box !== row && getComputedStyle(box).overflow === "visible") box = box.parentElement;
    const edge = box.getBoundingClientRect();
    for (const {left, right, top, bottom} of range.getClientRects()) {
      texts.push({text: walker.currentNode.data, left, right: Math.min(right, edge.right), top, bottom});
    }
  }
  return texts.flatMap((a, place) => texts.slice(place + 1)
    .filter((b) => a.text !== b.text && a.left < b.right - 1 && b.left < a.right - 1)
    .filter((b) => a.top < b.bottom - 2 && b.top < a.bottom - 2)
    .map((b) => [a.text, b.text]));
}"""
# What somebody would have to look for by scrolling sideways, and words broken to a letter or two a line.
_BESIDE_THE_SCREEN = """() => [...document.querySelectorAll("main th, main td, main [role=columnheader]")]
  .filter((cell) => cell.checkVisibility() && cell.getBoundingClientRect().width > 0)
  .filter((cell) => cell.getBoundingClientRect().right > innerWidth || cell.clientWidth < 60)
  .map((cell) => cell.textContent)"""


def test_tabs_say_which_page_they_hold(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    for link, title in (("My pods", "My pods"), ("Usage", "Usage"), ("Account", "Account"), ("GPUs", "GPUs")):
        page.get_by_role("link", name=link).click()
        expect(page).to_have_title(f"{title} · Genet")
    page.goto(demo.page("/terminal", "alice", pod="pod-alice-alice-llama-ft"))
    expect(page).to_have_title("llama-ft · Genet")


def test_a_link_to_a_pod_that_is_gone_says_so(demo: Demo, visit: Visit):
    page = visit(demo.page("/pods", "frank", pod="pod-nobody-nobody-x"))
    note = page.get_by_role("status").filter(has_text="There is no pod pod-nobody-nobody-x among yours.")
    expect(note).to_be_visible()
    note.get_by_role("button", name="Close").click()
    expect(note).to_be_hidden()
    assert "pod=" not in page.url


def test_the_open_tab_of_a_pod_stands_in_the_address(demo: Demo, visit: Visit):
    page = visit(demo.page("/pods", "alice", pod="pod-alice-alice-llama-ft"))
    drawer = page.get_by_role("dialog", name="llama-ft")
    expect(drawer.get_by_role("tab", name="Connect")).to_have_attribute("aria-selected", "true")
    assert "tab=" not in page.url
    drawer.get_by_role("tab", name="Logs").click()
    expect(page).to_have_url(re.compile("tab=logs"))
    page.reload()
    expect(drawer.get_by_role("tab", name="Logs")).to_have_attribute("aria-selected", "true")
    expect(drawer.get_by_role("log")).to_be_visible()
    drawer.get_by_role("button", name="Close").first.click()
    expect(drawer).to_be_hidden()
    assert "tab=" not in page.url
    # One that this pod does not have is none.
    page.goto(demo.page("/pods", "alice", pod="pod-alice-alice-llama-ft", tab="nonsense"))
    expect(drawer.get_by_role("tab", name="Connect")).to_have_attribute("aria-selected", "true")


def test_a_list_that_cannot_be_renewed_says_of_when_it_is(demo: Demo, visit: Visit, complaints):
    page = visit(demo.page("/pods", "alice"))
    row = page.get_by_test_id("pod-llama-ft")
    expect(row).to_be_visible()
    page.route("**/api/pods?*", lambda route: route.fulfill(status=503, json={"status": 503, "code": "unavailable"}))
    expect(page.get_by_role("alert")).to_contain_text("Not up to date: this is how it was at ")
    expect(row).to_be_visible()
    page.unroute("**/api/pods?*")
    expect(page.get_by_role("alert")).to_be_hidden()
    assert set(complaints) == {"503 GET /api/pods"}
    complaints.clear()


@pytest.mark.parametrize("width", [390, 780, 1024, 1160, 1400])
def test_a_long_status_leaves_room_for_what_is_beside_it(demo: Demo, visit: Visit, width):
    def worse(route: Route) -> None:
        answer = route.fetch()
        listed = answer.json()
        for pod in listed["pods"]:
            pod |= {"status": "Init:CreateContainerConfigError", "nodeName": "gpu-node-" + "0123456789." * 6}
        route.fulfill(response=answer, json=listed)

    page = visit(f"{demo.url}/healthz", viewport={"width": width, "height": 800})
    page.route("**/api/pods?*", worse)
    page.goto(demo.page("/pods", "alice"))
    row = page.get_by_test_id("pod-llama-ft")
    expect(row).to_contain_text("Init:CreateContainerConfigError")
    assert row.evaluate(_OVERLAPS) == []


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_phone_shows_which_gpu_is_held_by_whom(demo: Demo, visit: Visit, locale):
    page = visit(demo.page("/gpus", "bob"), viewport={"width": 390, "height": 844}, locale=locale, has_touch=True)
    page.get_by_role("button", name=re.compile("Show as a table|显示表格")).click()
    table = page.get_by_role("grid")
    names = ["Node", "GPU", "State", "Holder"] if locale == "en" else ["节点", "GPU", "状态", "占用者"]
    expect(table.get_by_role("columnheader")).to_contain_text(names)
    edge = table.evaluate("table => table.getBoundingClientRect().left + table.clientWidth")
    held = table.get_by_role("row").filter(has_text="alice-alice").first
    for cell in (*table.get_by_role("columnheader").all()[:4], *held.get_by_role("gridcell").all()[:4]):
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= edge, cell.inner_text()
        assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), cell.inner_text()


@pytest.mark.parametrize("path", ["/usage", "/account"])
def test_tables_have_room_on_a_phone(demo: Demo, visit: Visit, path):
    page = visit(demo.page(path, "bob"), viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    assert page.evaluate(_BESIDE_THE_SCREEN) == []
