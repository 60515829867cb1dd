"""Who used how many GPUs for how long, as the API says, and from a name to that person's GPUs."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import Demo

pytestmark = pytest.mark.browser


def test_hours_by_user_lead_to_their_gpus(demo: Demo, visit: Visit):
    page = visit(demo.page("/gpus", "grace"))
    page.get_by_role("link", name="Usage").click()
    rows = demo.api("GET", "/api/cluster/usage", "grace")["rows"]
    assert rows
    most = max(rows, key=lambda row: row["gpuHours"])
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text(most["key"])
    expect(first.get_by_role("cell").last).to_have_text(str(most["gpusNow"]))
    expect(page.get_by_role("row").filter(has_text="%")).not_to_have_count(0)

    page.get_by_role("button", name=most["key"], exact=True).first.click()
    expect(page).to_have_url(re.compile(rf"/gpus\?.*holder={most['key']}"))
    assert "user=grace" in page.url
    expect(page.get_by_role("combobox", name="Holder")).to_have_value(most["key"])
    page.get_by_role("button", name="Show as a table").click()
    held = sum(slot["pod"] is not None and slot["pod"]["user"] == most["key"] for slot in demo.slots("grace"))
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(held + 1))


def test_what_is_counted_and_over_which_time_stands_in_the_address(demo: Demo, visit: Visit):
    page = visit(demo.page("/usage", "grace"))
    page.get_by_role("radiogroup").get_by_text("GPU type", exact=True).click()
    page.get_by_role("radiogroup").get_by_text("24 h", exact=True).click()
    expect(page).to_have_url(re.compile(r"by=type&range=24h"))
    expect(page.get_by_role("rowheader", name="NVIDIA H100 80 GB")).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="GPU type")).to_be_checked()
    expect(page.get_by_role("rowheader", name="NVIDIA H100 80 GB")).to_be_visible()


def test_what_is_held_but_idle_and_what_is_not_known_is_said(demo: Demo, visit: Visit):
    """Both are put into the answer: what the demo has of them depends on the time of day."""
    page = visit(f"{demo.url}/healthz")
    usage = demo.api("GET", "/api/cluster/usage", "grace")
    idle = {
        "pod": "pod-bob-bob-night",
        "namespace": "user-bob-bob",
        "user": "bob-bob",
        "devices": 3,
        "idleSince": usage["from"],
    }
    half = {"from": usage["from"], "to": _middle(usage["from"], usage["to"])}
    page.route("**/api/cluster/usage?*", lambda route: route.fulfill(json=usage | {"idle": [idle], "gaps": [half]}))
    page.goto(demo.page("/usage", "grace"))
    expect(page.get_by_role("note")).to_contain_text("Nothing is known of 84 hr of this time (1 gap)")
    row = page.get_by_test_id("idle").get_by_role("row").filter(has_text="pod-bob-bob-night")
    expect(row).to_contain_text("7 days ago")
    row.get_by_role("button", name="bob-bob").click()
    expect(page).to_have_url(re.compile("holder=bob-bob"))


def _middle(start: str, end: str) -> str:
    first, last = (datetime.fromisoformat(moment) for moment in (start, end))
    return (first + (last - first) / 2).isoformat()
