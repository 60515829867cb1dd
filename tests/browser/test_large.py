"""Forty thousand GPUs on one page. How long it takes is printed, not judged: machines differ, and are shared."""

import os
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.demo import demonstrating
from tests.browser.heatmap import Heatmap
from tests.processes import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("GENET_BROWSER_LARGE") != "1", reason="slow: set GENET_BROWSER_LARGE=1"),
]

_STEPS = 20
# Two rectangles a square, and room for what is drawn besides: when this many were painted, all of it was.
_COUNT_PAINTS = """() => {
  window.painted = 0;
  const paint = CanvasRenderingContext2D.prototype.fillRect;
  CanvasRenderingContext2D.prototype.fillRect = function (...box) {
    window.painted += this.canvas.dataset.testid === "heatmap";
    window.paintedAt = performance.now();
    paint.apply(this, box);
  };
}"""


def test_forty_thousand_gpus_are_drawn(visit: Visit, tmp_path, capsys):
    with demonstrating("large", tmp_path) as demo:
        until(lambda: demo.overview("alice")["summary"]["totalDevices"] == 40_000, seconds=120, what="all are known")
        page = visit(f"{demo.url}/healthz")
        page.add_init_script(f"({_COUNT_PAINTS})()")
        started = time.monotonic()
        page.goto(demo.page("/gpus", "alice"))
        expect(page.get_by_text("free of 40,000")).to_be_visible(timeout=60_000)
        until(lambda: page.evaluate("window.painted") >= 40_000, seconds=60, what="every GPU is painted")
        waited = time.monotonic() - started
        drawn = page.evaluate("window.paintedAt") / 1000

        heatmap = Heatmap(page)
        heatmap.map.focus()
        started = time.monotonic()
        for _ in range(_STEPS):
            heatmap.press("ArrowDown")
        # From here on they are no longer under the page's head when the whole map is in the picture.
        passed = [heatmap.press("ArrowRight") for _ in range(_STEPS)]
        step = (time.monotonic() - started) / (2 * _STEPS)
        looks = heatmap.looks([cell for cell in passed if cell is not None])
        assert {look.colour for look in looks} == {"green", "red"}
        page.close()
    with capsys.disabled():
        print(f"\n40,000 GPUs: painted {drawn:.1f} s after the navigation (seen from here after {waited:.1f} s),"
              f" {step * 1000:.0f} ms for a step of the outline")  # fmt: skip
