"""What holds on every page: people with other eyes, screens and languages can use it, and it talks to nobody else."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.browser.heatmap import Heatmap

pytestmark = pytest.mark.browser

_GRAVE = {"serious", "critical"}
_NARROW = {"width": 320, "height": 640}
_VIEWS = {
    "the map": ("/gpus", {}),
    "a filtered map": ("/gpus", {"state": "used", "mine": "1"}),
    "the map of holders": ("/gpus", {"colour": "owner"}),
    "the map of use": ("/gpus", {"colour": "utilization"}),
    "a node": ("/gpus", {"node": "h100-01"}),
    "the usage": ("/usage", {}),
    "the pods": ("/pods", {}),
    "a pod": ("/pods", {"pod": "pod-alice-alice-llama-ft"}),
    "the dialog": ("/pods", {"create": "h100"}),
    "a terminal": ("/terminal", {"pod": "pod-alice-alice-llama-ft"}),
    "the account": ("/account", {}),
}


@pytest.fixture(params=_VIEWS)
def address(request: pytest.FixtureRequest, demo: Demo) -> str:
    path, query = _VIEWS[request.param]
    return demo.page(path, "alice", **query)


# Contrast depends on the theme alone and names on the language alone: two pairs see all there is.
@pytest.mark.parametrize(("scheme", "locale"), [("light", "en"), ("dark", "zh-CN")])
def test_nothing_keeps_people_out(visit: Visit, address, scheme, locale):
    # Without reduced motion a dialog would be judged half faded in.
    page = visit(address, color_scheme=scheme, locale=locale, reduced_motion="reduce")
    _settle(page)
    expect(page.locator("html")).to_have_attribute("lang", locale)
    if "/gpus" in address and "node=" not in address:
        page.locator("main button[aria-expanded]").click()
        expect(page.get_by_role("grid")).to_be_visible()
    violations = Axe().run(page).response["violations"]
    grave = [f"{v['id']}: {node['html']}" for v in violations if v["impact"] in _GRAVE for node in v["nodes"]]
    assert grave == []


def test_a_narrow_phone_scrolls_down_only(visit: Visit, address):
    page = visit(address, viewport=_NARROW, has_touch=True, is_mobile=True)
    _settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") == _NARROW["width"]


def test_a_finger_shows_first_and_takes_second(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"), viewport=_NARROW, has_touch=True, is_mobile=True)
    heatmap = Heatmap(page)
    slot = next(slot for slot in demo.slots("grace") if slot["status"] == "free" and slot["type"] == "h100")
    cell = heatmap.cell(f"{slot['nodeName']} · GPU {slot['index']}")
    heatmap.tap(cell)
    expect(heatmap.card).to_contain_text("Tap again to create a pod here")
    expect(page.get_by_role("dialog")).to_be_hidden()
    heatmap.tap(cell)
    expect(page.get_by_role("dialog", name="Create a pod")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "opener"),
    [
        ("/pods", "Create a pod"),
        ("/pods", "Delete llama-ft"),
        ("/pods", "Restart llama-ft"),
        ("/pods", "Status, terminal and logs of llama-ft"),
        ("/account", "Create a token"),
    ],
)
def test_a_dialog_gives_the_focus_back(demo: Demo, visit: Visit, path, opener):
    page = visit(demo.page(path, "alice"))
    page.get_by_role("button", name=opener).press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name=opener)).to_be_focused()


def test_a_look_at_a_node_leaves_ones_place_on_the_map(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    heatmap = Heatmap(page)
    heatmap.map.focus()
    for _ in range(4):
        heatmap.map.press("ArrowRight")
    place = heatmap.card.inner_text().splitlines()[0]
    heatmap.map.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(heatmap.map).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(heatmap.card).to_contain_text(place)


def test_language_and_theme_are_chosen_and_remembered(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"), color_scheme="light")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("menuitem", name="简体中文").click()
    page.get_by_role("button", name="主题").click()
    page.get_by_role("menuitem").nth(1).click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(page.get_by_role("link", name="我的")).to_be_visible()


def test_two_tabs_can_be_two_people(demo: Demo, visit: Visit):
    for user, pod in (("alice", "llama-ft"), ("bob", "pretrain")):
        page = visit(demo.page("/", user))
        page.get_by_role("link", name="My pods").click()
        expect(page.get_by_test_id(f"pod-{pod}")).to_be_visible()
        expect(page.get_by_role("button", name=f"Account: {user}")).to_be_visible()


def test_the_page_may_load_nothing_from_elsewhere(demo: Demo, visit: Visit, complaints):
    """And the other tests would hear it if it tried."""
    page = visit(demo.page("/gpus", "alice"))
    _settle(page)
    assert complaints == []
    refused = page.evaluate("""() => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", ({effectiveDirective}) => resolve(effectiveDirective));
      new Image().src = "https://elsewhere.invalid/pixel.png";
    })""")
    assert refused == "img-src"
    assert "Content Security Policy" in "".join(complaints)
    complaints.clear()


def _settle(page: Page) -> None:
    """Waits until what the address asks for is there."""
    expect(page.get_by_role("main").or_(page.get_by_role("dialog")).first).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    if "/gpus" in page.url:
        # Where a dialog is open, the rest of the page is hidden from everybody but the eye.
        expect(page.get_by_test_id("sources")).to_have_attribute("data-connection", "live")
