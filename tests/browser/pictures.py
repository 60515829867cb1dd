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
_POD_SIZE: Final[ViewportSize] = {"width": 1400, "height": 690}
_ACCOUNT_SIZE: Final[ViewportSize] = {"width": 1200, "height": 700}
_PATIENCE: Final = 30_000
# A whole node, while somebody holds something on each; as many as one person may have.
_TOO_MANY: Final = {"name": "train", "image": "docker.io/library/ubuntu:24.04", "gpuType": "h100", "gpuCount": 8}
_TOKEN: Final = {"name": "nightly report", "scopes": ["cluster:read", "pods:read"], "expiresInDays": 30}
_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


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
        expect(heatmap.card).to_contain_text("°C")
        page.screenshot(path=images / "heatmap.png")
        page.set_viewport_size(_PODS_SIZE)
        page.goto(demo.page("/pods", "alice"))
        expect(page.get_by_test_id("pod-llama-ft")).to_be_visible()
        page.screenshot(path=images / "pods.png")
        page.goto(demo.page("/gpus?node=a100-mig-01", "alice"))
        expect(page.get_by_text("Utilization, last 24 h · mean")).to_be_visible()
        page.set_viewport_size(_MAP_SIZE)
        page.get_by_role("dialog").screenshot(path=images / "node.png")

        pod = demo.api("POST", "/api/pods", "ruth", _TOO_MANY)
        page.set_viewport_size(_POD_SIZE)
        page.goto(demo.page("/pods", "ruth", pod=pod["id"]))
        expect(page.get_by_text("FailedScheduling").first).to_be_visible(timeout=_PATIENCE)
        expect(page.get_by_role("region", name="Why, and what to do")).to_contain_text("Held there now")
        page.mouse.move(0, 0)
        page.screenshot(path=images / "pod.png")

        demo.api("POST", "/api/profile/ssh-keys", "ruth", {"name": "laptop", "key": _KEY})
        demo.api("POST", "/api/tokens", "ruth", _TOKEN)
        page.set_viewport_size(_ACCOUNT_SIZE)
        page.goto(demo.page("/account", "ruth"))
        for shown in ("laptop", "nightly report", "No program acts for you."):
            expect(page.get_by_text(shown)).to_be_visible()
        page.screenshot(path=images / "account.png", full_page=True)


if __name__ == "__main__":
    main()
