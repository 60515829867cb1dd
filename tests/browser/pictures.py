"""Makes the pictures of the docs anew, from the demo: `python -m tests.browser.pictures`."""

import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import ViewportSize, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, executable
from tests.browser.demo import demonstrating
from tests.browser.heatmap import Heatmap
from tests.processes import ROOT

_MAP_SIZE: Final[ViewportSize] = {"width": 1400, "height": 970}
_PODS_SIZE: Final[ViewportSize] = {"width": 1400, "height": 560}


def main() -> None:
    images = ROOT / "docs" / "images"
    with (
        tempfile.TemporaryDirectory() as directory,
        demonstrating("small", Path(directory)) as demo,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable(playwright), args=ARGUMENTS) as chromium,
    ):
        page = chromium.new_page(viewport=_MAP_SIZE, locale="en", color_scheme="light")
        page.goto(demo.page("/gpus", "alice"))
        heatmap = Heatmap(page)
        held = heatmap.cell("v100-01 · GPU 6")
        heatmap.map.blur()
        heatmap.hover(held)
        expect(heatmap.card).to_be_visible()
        page.screenshot(path=images / "heatmap.png")
        page.set_viewport_size(_PODS_SIZE)
        page.goto(demo.page("/pods", "alice"))
        expect(page.get_by_test_id("pod-llama-ft")).to_be_visible()
        page.screenshot(path=images / "pods.png")
        page.goto(demo.page("/gpus?node=a100-mig-01", "alice"))
        expect(page.get_by_text("Utilization, last 24 h · mean")).to_be_visible()
        page.set_viewport_size(_MAP_SIZE)
        page.get_by_role("dialog").screenshot(path=images / "node.png")


if __name__ == "__main__":
    main()
