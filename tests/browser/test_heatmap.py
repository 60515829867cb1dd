"""The map of all GPUs: painted as the API says, and at hand for pointer and keyboard alike."""

import json
import re
from collections import Counter
from itertools import islice

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo, Obj
from tests.browser.heatmap import COLOUR_OF, Heatmap, Look
from tests.processes import until

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scheme", "scale"), [("light", 1), ("dark", 2)])
def test_every_gpu_has_the_colour_of_its_state_and_ones_own_a_frame(demo: Demo, visit: Visit, scheme, scale):
    heatmap = Heatmap(visit(demo.page("/gpus", "alice"), color_scheme=scheme, device_scale_factor=scale))
    cells = heatmap.cells()
    assert [cell.title for cell in cells] == [_title(slot) for slot in demo.slots("alice")]

    def expected() -> list[Look]:
        return [
            Look(COLOUR_OF[slot["status"]], framed=any(pod["user"] == "alice-alice" for pod in slot["pods"]))
            for slot in demo.slots("alice")
        ]

    until(lambda: heatmap.looks(cells) == expected(), what="the map is right")
    summary = demo.overview("alice")["summary"]
    colours = Counter(look.colour for look in heatmap.looks(cells))
    assert colours == {colour: summary[f"{state}Devices"] for state, colour in COLOUR_OF.items()}


def test_hovering_says_who_holds_a_gpu_and_how_busy_it_is(demo: Demo, visit: Visit):
    heatmap = Heatmap(visit(demo.page("/gpus", "alice")))
    slot = next(slot for slot in demo.slots("alice") if slot["pod"] and slot["pod"]["user"] == "dave-dave")
    heatmap.hover(heatmap.cell(_title(slot)))
    for text in (_title(slot), "Used", "dave-dave", slot["pod"]["name"], re.compile(r"Utilization\s*\d+ %")):
        expect(heatmap.card).to_contain_text(text)
    heatmap.canvas.page.mouse.move(0, 0)
    expect(heatmap.card).to_be_hidden()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_card_has_room_for_whole_moments(demo: Demo, visit: Visit, locale):
    heatmap = Heatmap(visit(demo.page("/gpus", "alice"), locale=locale))
    heatmap.map.blur()
    heatmap.hover(heatmap.cell("v100-01 · GPU 6"))
    moments = heatmap.card.locator("dd").filter(has_text=re.compile(r"\d\d:\d\d"))
    expect(moments).to_have_count(2)
    assert moments.evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")


def test_hovering_moves_the_outline_without_painting_anew(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    heatmap = Heatmap(page)
    # Nothing new in between, so that only the pointer could be a reason to paint.
    picture = demo.api("GET", "/api/cluster/gpu-overview?format=columnar", "alice")
    page.route("**/gpu-overview?*", lambda route: None)
    page.route(
        "**/gpu-overview/stream?*",
        lambda route: route.fulfill(
            content_type="text/event-stream", body=f"event: snapshot\ndata: {json.dumps(picture)}\n\n"
        ),
    )
    page.reload()
    cells = list(islice(heatmap.walk(), 20))
    page.evaluate("""() => {
      window.painted = 0;
      const paint = CanvasRenderingContext2D.prototype.fillRect;
      CanvasRenderingContext2D.prototype.fillRect = function (...box) {
        window.painted += this.canvas.dataset.testid === "heatmap";
        paint.apply(this, box);
      };
    }""")
    for cell in cells:
        heatmap.hover(cell)
        assert heatmap.outlined() == cell
    assert page.evaluate("window.painted") == 0


def test_a_click_on_a_free_gpu_asks_for_a_pod_there(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    slot = next(slot for slot in demo.slots("grace") if slot["status"] == "free" and slot["nodeName"] == "h100-03")
    heatmap.click(heatmap.cell(_title(slot)))
    dialog = page.get_by_role("dialog", name="Create a pod")
    expect(dialog.get_by_role("radio", name="NVIDIA H100 80 GB")).to_be_checked()
    expect(dialog.get_by_label("Number of GPUs")).to_have_value("1")
    expect(dialog).to_contain_text("On node h100-03")


def test_a_click_on_ones_own_gpu_leads_to_its_pod(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    heatmap = Heatmap(page)
    slot = next(slot for slot in demo.slots("alice") if slot["pod"] and slot["pod"]["name"].endswith("-llama-ft"))
    heatmap.click(heatmap.cell(_title(slot)))
    expect(page.get_by_role("dialog", name="llama-ft")).to_be_visible()
    assert "user=alice" in page.url


def test_arrow_keys_move_the_outline_and_enter_takes_a_free_gpu(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    _tab_to(heatmap)
    first = heatmap.press("ArrowDown")
    right = heatmap.press("ArrowRight")
    below = heatmap.press("ArrowDown")
    above = heatmap.press("ArrowUp")
    assert first is not None
    assert right is not None
    assert below is not None
    assert [first.title, right.title] == ["h100-01 · GPU 0", "h100-01 · GPU 1"]
    assert right.box[0] > first.box[0]
    assert below.box[1] > right.box[1]
    assert above == right
    assert heatmap.press("ArrowLeft") == first

    free = next(_title(slot) for slot in demo.slots("grace") if slot["status"] == "free" and slot["type"] == "h100")
    until(lambda: (here := heatmap.press("ArrowRight")) and here.title == free, what="the outline gets there")
    heatmap.map.press("Enter")
    expect(page.get_by_role("dialog", name="Create a pod")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_outline_never_leaves_the_window(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"), viewport={"width": 500, "height": 600})
    heatmap = Heatmap(page)
    _tab_to(heatmap)
    # Where the pointer happens to be must not matter to somebody who uses the keyboard.
    page.mouse.move(250, 300)
    slots = demo.slots("alice")
    for key, node in (("ArrowRight", slots[-1]["nodeName"]), ("ArrowUp", slots[0]["nodeName"])):
        before, here = None, heatmap.press(key)
        while here and here != before:
            assert heatmap.is_in_sight(), here.title
            before, here = here, heatmap.press(key)
        assert before is not None
        assert before.title.startswith(f"{node} ·")


def test_the_table_says_the_same_and_moves_the_same_outline(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "alice"))
    heatmap = Heatmap(page)
    _tab_to(heatmap)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show as a table")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    table = page.get_by_role("grid", name="Table of GPUs")
    expect(table).to_be_focused()
    slots = demo.slots("alice")
    expect(table).to_have_attribute("aria-rowcount", str(len(slots) + 1))

    for key, slot in (("End", slots[-1]), ("Home", slots[0]), ("ArrowDown", slots[1])):
        page.keyboard.press(key)
        row = table.get_by_role("row", selected=True)
        expect(row.get_by_role("gridcell").nth(0)).to_have_text(slot["nodeName"])
        expect(row.get_by_role("gridcell").nth(1)).to_have_text(str(slot["index"]))
        expect(row.get_by_role("gridcell").nth(2)).to_have_text(slot["status"].capitalize())
    expect(table.get_by_role("row", selected=True)).to_contain_text(slots[1]["pod"]["user"])
    row_id = table.get_by_role("row", selected=True).get_attribute("id")
    expect(table).to_have_attribute("aria-activedescendant", row_id or "")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="llama-ft")).to_be_visible()


def test_a_filter_fades_the_others_and_stands_in_the_address(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    heatmap = Heatmap(page)
    # These two kinds look the same whatever they do.
    slots = {slot["status"]: slot for slot in reversed(demo.slots("grace"))}
    free, external = (heatmap.cell(_title(slots[state])) for state in ("free", "external"))
    free_before, external_before = heatmap.brightness([free, external])
    page.get_by_role("button", name="External").click()
    expect(page).to_have_url(re.compile(r"state=external"))
    page.reload()
    expect(page.get_by_role("button", name="External")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Show as a table").click()
    expect(page.get_by_role("grid", name="Table of GPUs")).to_have_attribute("aria-rowcount", "2")
    free_after, external_after = heatmap.brightness([free, external])
    assert external_after == pytest.approx(external_before, abs=0.02)
    assert free_after > free_before + 0.2


def _title(slot: Obj) -> str:
    return f"{slot['nodeName']} · GPU {slot['index']}"


def _tab_to(heatmap: Heatmap) -> None:
    """By the keyboard alone, as somebody without a pointer has to."""
    page = heatmap.map.page
    expect(heatmap.map).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if heatmap.map.evaluate("map => map === document.activeElement"):
            return
    pytest.fail("the map cannot be reached with the Tab key")
