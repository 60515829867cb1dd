"""Keeping what was installed, from the page: a name, what to read while waiting, a pod from it; and what goes wrong."""

import secrets
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has no types
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.processes import until

pytestmark = pytest.mark.browser

_PATIENCE = 30_000
_GRAVE = {"serious", "critical"}
_NARROW = {"width": 320, "height": 640}
_WORDS = {"en": ("Save", "Save as an image"), "zh-CN": ("保存", "保存为镜像")}


@pytest.fixture
def saver(demo: Demo) -> Iterator[str]:
    """Somebody with one running pod, `work`, who leaves nothing."""
    name = f"saver{secrets.token_hex(3)}"
    demo.api("POST", "/api/pods", name, {"name": "work", "image": "docker.io/library/ubuntu:24.04"})
    until(lambda: demo.pods(name)[0]["status"] == "Running", what="the pod runs")
    yield name
    for pod in demo.pods(name):
        demo.api("DELETE", f"/api/pods/{pod['id']}", name)


def test_a_pod_is_saved_and_another_begins_with_its_image(demo: Demo, visit: Visit, saver):
    page, drawer = _drawer(demo, visit, saver)
    dialog = _asked(page, drawer)
    expect(dialog).to_contain_text("What is in volumes: /workspace.")
    name = dialog.get_by_role("textbox", name="Image name")
    expect(name).to_be_focused()
    name.fill("torch")
    dialog.get_by_role("textbox", name="Tag").fill("v2")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    state = drawer.get_by_test_id("saving")
    expect(state).to_have_attribute("data-state", "running", timeout=_PATIENCE)
    opener = drawer.get_by_role("button", name="Save as an image")
    expect(opener).to_have_attribute("aria-disabled", "true")
    expect(opener).to_be_focused()
    expect(drawer.get_by_role("region", name="What the job says")).not_to_be_empty(timeout=_PATIENCE)
    expect(state).to_have_attribute("data-state", "succeeded", timeout=_PATIENCE)
    [pod] = demo.pods(saver)
    image = demo.api("GET", f"/api/pods/{pod['id']}/commit/status", saver)["image"]
    assert image == f"registry.demo.invalid/people/{saver}-{saver}/torch:v2"
    expect(drawer.get_by_role("region", name="Image", exact=True)).to_have_text(image)

    drawer.get_by_role("button", name="New pod from it").click()
    expect(drawer).to_be_hidden()
    dialog = page.get_by_role("dialog", name="Create a pod")
    expect(dialog.get_by_role("radio", name="Another image")).to_be_checked()
    expect(dialog.get_by_role("textbox", name="Image name")).to_have_value(image)
    assert image not in page.url
    dialog.get_by_role("textbox", name="Name", exact=True).fill("again")
    dialog.get_by_role("button", name="Create").click()
    row = page.get_by_test_id("pod-again")
    expect(row).to_contain_text("Running", timeout=_PATIENCE)
    assert [pod["image"] for pod in demo.pods(saver) if pod["name"] == "again"] == [image]


def test_what_went_wrong_is_said_with_what_to_do(demo: Demo, visit: Visit, saver):
    page, drawer = _drawer(demo, visit, saver)
    dialog = _asked(page, drawer)
    dialog.get_by_role("textbox", name="Image name").fill("nospace")
    dialog.get_by_role("button", name="Save as an image").click()
    expect(drawer.get_by_test_id("saving")).to_have_attribute("data-state", "failed", timeout=_PATIENCE)
    expect(drawer).to_contain_text("there is no room on the disk")
    expect(drawer.get_by_role("region", name="What the job says")).to_contain_text("no space left on device")
    expect(drawer.get_by_role("button", name="New pod from it")).to_have_count(0)
    expect(drawer.get_by_role("button", name="Save as an image")).not_to_have_attribute("aria-disabled", "true")


def test_thinking_better_of_it_leads_back_to_the_drawer(demo: Demo, visit: Visit, saver):
    page, drawer = _drawer(demo, visit, saver)
    dialog = _asked(page, drawer)
    expect(dialog.get_by_role("textbox", name="Image name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(drawer.get_by_role("button", name="Save as an image")).to_be_focused()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_a_name_that_is_none_is_told_at_its_field(demo: Demo, visit: Visit, saver, complaints):
    page, drawer = _drawer(demo, visit, saver)
    dialog = _asked(page, drawer)
    name = dialog.get_by_role("textbox", name="Image name")
    name.fill("../somebody/else")
    dialog.get_by_role("button", name="Save as an image").click()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{name.get_attribute('id')}-error")).not_to_be_empty()
    [pod] = demo.pods(saver)
    complaints.remove(f"422 POST /api/pods/{pod['id']}/commit")
    assert demo.api("GET", f"/api/pods/{pod['id']}/commit/status", saver)["status"] == "none"


def test_while_it_is_saved_a_pod_is_not_restarted(demo: Demo, visit: Visit, saver, complaints):
    [pod] = demo.pods(saver)
    demo.api("POST", f"/api/pods/{pod['id']}/commit", saver, {"image": "endless"})
    page = visit(demo.page("/pods", saver))
    page.get_by_role("button", name="Restart work").click()
    dialog = page.get_by_role("dialog", name="Restart work?")
    dialog.get_by_role("button", name="Restart", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("being saved")
    complaints.remove(f"409 POST /api/pods/{pod['id']}/restart")


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en"), ("dark", "zh-CN")])
def test_nothing_keeps_people_out_of_saving(demo: Demo, visit: Visit, saver, scheme, locale):
    tab, save = _WORDS[locale]
    context = {"color_scheme": scheme, "locale": locale, "reduced_motion": "reduce"}
    page, drawer = _drawer(demo, visit, saver, tab=tab, viewport=_NARROW, has_touch=True, is_mobile=True, **context)
    _see_that_all_can(page)
    drawer.get_by_role("button", name=save).click()
    dialog = page.get_by_role("dialog").filter(has=page.get_by_role("textbox"))
    expect(dialog).to_contain_text("/workspace")
    _see_that_all_can(page)
    dialog.get_by_role("button", name=save).click()
    state = drawer.get_by_test_id("saving")
    expect(state).to_have_attribute("data-state", "running", timeout=_PATIENCE)
    _see_that_all_can(page)
    expect(state).to_have_attribute("data-state", "succeeded", timeout=_PATIENCE)
    _see_that_all_can(page)


def _drawer(demo: Demo, visit: Visit, saver: str, *, tab: str = "Save", **context: object) -> tuple[Page, Locator]:
    [pod] = demo.pods(saver)
    page = visit(demo.page("/pods", saver, pod=pod["id"]), **context)
    drawer = page.get_by_role("dialog", name="work", exact=True)
    drawer.get_by_role("tab", name=tab, exact=True).click()
    expect(drawer.get_by_test_id("saving")).to_have_attribute("data-state", "none")
    return page, drawer


def _asked(page: Page, drawer: Locator) -> Locator:
    drawer.get_by_role("button", name="Save as an image").click()
    return page.get_by_role("dialog", name="Save work as an image")


def _see_that_all_can(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert [f"{v['id']}: {node['html']}" for v in violations if v["impact"] in _GRAVE for node in v["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == _NARROW["width"]
