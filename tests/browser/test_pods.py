"""A pod's life for somebody without a terminal: ask, wait, keep, give back; and be told in words what is wrong."""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo
from tests.browser.heatmap import Heatmap, Look
from tests.processes import until

pytestmark = pytest.mark.browser

_PATIENCE = 30_000


@pytest.fixture
def guest(demo: Demo) -> Iterator[str]:
    """Somebody who has nothing yet, and leaves nothing."""
    name = f"guest{secrets.token_hex(3)}"
    yield name
    for pod in demo.pods(name):
        demo.api("DELETE", f"/api/pods/{pod['id']}", name)


def test_a_pod_from_asking_for_it_to_giving_it_back(demo: Demo, visit: Visit, guest):
    page = visit(demo.page("/gpus", guest))
    heatmap = Heatmap(page)
    cells = heatmap.cells()
    before = heatmap.looks(cells)
    assert not any(look.framed for look in before)

    page.get_by_role("link", name="My pods").click()
    expect(page.get_by_text("You have no pods")).to_be_visible()
    page.get_by_role("button", name="Create a pod").click()
    dialog = page.get_by_role("dialog", name="Create a pod")
    expect(_field(dialog, "Name")).to_be_focused()
    page.keyboard.type("first-try")
    dialog.get_by_role("radio", name="NVIDIA A100 80 GB").click()
    _field(dialog, "Memory").fill("8Gi")
    page.keyboard.press("Enter")

    expect(dialog).to_be_hidden()
    row = page.get_by_test_id("pod-first-try")
    expect(row).to_contain_text("NVIDIA A100 80 GB")
    expect(row).to_contain_text("Running", timeout=_PATIENCE)
    expect(row).to_contain_text(re.compile(r"a100-0\d"))
    expect(page.get_by_label("GPUs: 1 of 8")).to_be_visible()

    page.get_by_role("link", name="GPUs").click()
    # That a GPU is taken is seen at once; which one, and by whom, when the exporter next says so.
    [held] = until(lambda: _held(demo, guest), what="the overview names the holder")
    own = Look("red", framed=True)
    until(lambda: own in heatmap.looks(cells), what="the map shows it")
    after = heatmap.looks(cells)
    assert [cell.title for cell, look in zip(cells, after, strict=True) if look.framed] == [held]
    assert [change for change in zip(before, after, strict=True) if len(set(change)) > 1] == [(Look("green"), own)]

    page.get_by_role("link", name="My pods").click()
    page.get_by_role("button", name="Delete first-try").click()
    dialog = page.get_by_role("dialog", name="Delete first-try?")
    expect(dialog).to_contain_text("Lost for good")
    expect(dialog).to_contain_text("The volume workspace at /workspace.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("first-try is being deleted.")
    expect(page.get_by_role("main")).to_be_focused()  # the button that it came from may not be pressed again
    expect(page.get_by_text("You have no pods")).to_be_visible(timeout=_PATIENCE)

    page.get_by_role("link", name="GPUs").click()
    until(lambda: heatmap.looks(cells) == before, what="the map is as it was")
    assert _held(demo, guest) == []


def test_a_pod_is_kept_longer(demo: Demo, visit: Visit, guest):
    body = {"name": "work", "image": "docker.io/library/ubuntu:24.04"}
    before = demo.api("POST", "/api/pods", guest, body)["protectedUntil"]
    page = visit(demo.page("/pods", guest))
    page.get_by_role("button", name="Extend work").click()
    page.get_by_role("menuitem", name="3 days").click()
    expect(page.get_by_role("status")).to_contain_text("work is kept; clean-up deletes it on ")
    expect(page.get_by_test_id("pod-work")).to_contain_text(re.compile(r"[34] d \d+ h"))
    [pod] = demo.pods(guest)
    assert datetime.fromisoformat(pod["protectedUntil"]) - datetime.fromisoformat(before) > timedelta(days=2)


def test_one_click_keeps_a_pod_for_a_day(demo: Demo, visit: Visit, guest):
    body = {"name": "work", "image": "docker.io/library/ubuntu:24.04"}
    before = demo.api("POST", "/api/pods", guest, body)["protectedUntil"]
    page = visit(demo.page("/pods", guest))
    page.get_by_role("button", name="Extend 1 day: work").click()
    expect(page.get_by_role("status")).to_contain_text("work is kept; clean-up deletes it on ")
    # The page's own zone is named, as the server's sentences are in another.
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"\d\d:\d\d (GMT|UTC)"))
    [pod] = demo.pods(guest)
    expect(page.get_by_role("button", name=re.compile("Extend .*: work"))).to_be_focused()
    gained = datetime.fromisoformat(pod["protectedUntil"]) - datetime.fromisoformat(before)
    assert timedelta(hours=10) < gained <= timedelta(days=1)
    # What it has is no longer offered: the next step is one that helps.
    expect(page.get_by_role("button", name="Extend 3 days: work")).to_be_visible()


def test_why_it_does_not_run_and_what_it_prints_are_a_click_away(demo: Demo, visit: Visit):
    page = visit(demo.page("/pods", "erin"))
    page.get_by_role("button", name="Status, terminal and logs of broken").click()
    drawer = page.get_by_role("dialog", name="broken")
    expect(drawer.get_by_role("region", name="Why, and what to do")).to_contain_text("exit code")
    expect(drawer).to_contain_text("BackOff")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    page.goto(demo.page("/pods", "alice"))
    page.get_by_role("button", name="Status, terminal and logs of llama-ft").click()
    drawer = page.get_by_role("dialog", name="llama-ft")
    drawer.get_by_role("tab", name="Logs").click()
    expect(drawer.get_by_role("log")).to_contain_text("loss")


def test_what_the_server_finds_wrong_stands_at_its_field(demo: Demo, visit: Visit, guest, complaints):
    page = visit(demo.page("/pods", guest, create=""))
    dialog = page.get_by_role("dialog", name="Create a pod")
    wrong = {"Name": "Not_A_Name", "CPU cores": "lots", "Memory": "8 elephants"}
    for label, value in wrong.items():
        _field(dialog, label).fill(value)
    _submit(dialog)
    for label in wrong:
        field = _field(dialog, label)
        expect(field).to_have_attribute("aria-invalid", "true")
        message = page.locator(f"#{field.get_attribute('id')}-error")
        expect(message).not_to_be_empty()
        expect(field).to_have_accessible_description(re.compile(re.escape(message.inner_text())))
    complaints.remove("422 POST /api/pods")
    assert demo.pods(guest) == []

    for label, value in {"Name": "a-name", "CPU cores": "1", "Memory": "1Gi"}.items():
        _field(dialog, label).fill(value)
    _submit(dialog)
    expect(page.get_by_test_id("pod-a-name")).to_be_visible()


@pytest.mark.parametrize(
    ("user", "gpu_type", "words"),
    [
        ("dave", "NVIDIA H100 80 GB", "You hold 11 of the 8 GPUs you may have, so no more; this pod asks for 1."),
        ("erin", "No GPU", "You have 8 pods and may have 5. Delete one first."),
    ],
)
def test_a_spent_quota_is_said_in_words(demo: Demo, visit: Visit, complaints, *, user, gpu_type, words):
    page = visit(demo.page("/pods", user, create=""))
    dialog = page.get_by_role("dialog", name="Create a pod")
    dialog.get_by_role("radio", name=gpu_type).click()
    before = demo.pods(user)
    _submit(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text(words)
    complaints.remove("403 POST /api/pods")
    assert [pod["id"] for pod in demo.pods(user)] == [pod["id"] for pod in before]


def _held(demo: Demo, user: str) -> list[str]:
    return [
        f"{slot['nodeName']} · GPU {slot['index']}"
        for slot in demo.slots(user)
        if any(pod["user"] == f"{user}-{user}" for pod in slot["pods"])
    ]


def _field(dialog: Locator, label: str) -> Locator:
    return dialog.get_by_role("textbox", name=label, exact=True)


def _submit(dialog: Locator) -> None:
    dialog.get_by_role("button", name="Create").click()
