"""Reads the heatmap as a person does: with the arrow keys where a GPU is, with open eyes what colour it has.

Nothing of the page's arithmetic or palette is repeated here. Squares are found by walking the outline over them, and
colours are judged by hue, from a screenshot: what was painted but covered does not count.
"""

import base64
import colorsys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Locator, Page

Box = tuple[float, float, float, float]
Rgb = tuple[int, int, int]

COLOUR_OF: Final = {"free": "green", "used": "red", "unknown": "grey", "unhealthy": "amber", "external": "violet"}
FRAME: Final = "blue"

_GREY_SATURATION = 0.2
_GREY_LIGHTNESS = (0.3, 0.8)
_HUES = (("red", 0, 25), ("amber", 30, 60), ("green", 130, 170), ("blue", 205, 232), ("violet", 240, 275))
# Room around a square in which the frame of one's own is looked for, in CSS pixels.
_MARGIN = 2

# Decoded in an empty page: the tested one forbids itself most of what this takes.
_COLOURS_IN_BOXES = """async ([png, boxes]) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const surface = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", {willReadFrequently: true});
  surface.drawImage(bitmap, 0, 0);
  return boxes.map(([x, y, width, height]) => {
    const {data} = surface.getImageData(x, y, width, height);
    const counts = {};
    for (let at = 0; at < data.length; at += 4) {
      const colour = `${data[at]} ${data[at + 1]} ${data[at + 2]}`;
      counts[colour] = (counts[colour] ?? 0) + 1;
    }
    return counts;
  });
}"""
# Where the outline is on the canvas, and what the card beside it says first; null without an outline.
_OUTLINED = """() => {
  const map = document.querySelector("[role=application]");
  const card = map.querySelector("[data-testid=gpu-card]");
  if (!card) return null;
  const canvas = map.querySelector("[data-testid=heatmap]").getBoundingClientRect();
  const outline = card.previousElementSibling.getBoundingClientRect();
  return {
    title: card.firstElementChild.textContent,
    box: [outline.x - canvas.x, outline.y - canvas.y, outline.width, outline.height],
  };
}"""

# Nothing covers the outline's corners, and the window does not cut off the card beside it.
_IN_SIGHT = """() => {
  const map = document.querySelector("[role=application]");
  const card = map.querySelector("[data-testid=gpu-card]");
  const {left, right, top, bottom} = card.previousElementSibling.getBoundingClientRect();
  const corners = [[left, top], [right - 1, top], [left, bottom - 1], [right - 1, bottom - 1]];
  const said = card.getBoundingClientRect();
  return corners.every(([x, y]) => map.contains(document.elementFromPoint(x, y)))
    && said.top >= 0 && said.bottom <= innerHeight && said.left >= 0 && said.right <= innerWidth;
}"""


@dataclass(frozen=True)
class Cell:
    """One GPU's square; `box` is x, y, width, height on the canvas in CSS pixels."""

    title: str
    box: Box

    @property
    def centre(self) -> tuple[float, float]:
        x, y, width, height = self.box
        return x + width / 2, y + height / 2


@dataclass(frozen=True)
class Look:
    """How a square looks: the colour of most of it, and whether it has the frame of one's own."""

    colour: str
    framed: bool = False


class Heatmap:
    def __init__(self, page: Page) -> None:
        self._page = page
        self.map: Locator = page.get_by_role("application")
        self.canvas: Locator = page.get_by_test_id("heatmap")
        self.card: Locator = page.get_by_test_id("gpu-card")

    def outlined(self) -> Cell | None:
        found = self._page.evaluate(_OUTLINED)
        return None if found is None else Cell(found["title"], tuple(found["box"]))

    def is_in_sight(self) -> bool:
        """Whether the outline and its card are."""
        seen: bool = self._page.evaluate(_IN_SIGHT)
        return seen

    def press(self, key: str) -> Cell | None:
        self._page.keyboard.press(key)
        return self.outlined()

    def walk(self) -> Iterator[Cell]:
        """All squares, in the order in which the right arrow key meets them; the last one stays outlined."""
        self.map.focus()
        self.press("Escape")
        before, here = None, self.press("ArrowDown")
        while here and here != before:
            yield here
            before, here = here, self.press("ArrowRight")

    def cells(self) -> list[Cell]:
        found = list(self.walk())
        self.press("Escape")
        return found

    def cell(self, title: str) -> Cell:
        found = next(cell for cell in self.walk() if cell.title == title)
        self.press("Escape")
        return found

    def hover(self, cell: Cell) -> None:
        x, y = cell.centre
        self.canvas.hover(position={"x": x, "y": y})

    def click(self, cell: Cell) -> None:
        x, y = cell.centre
        self.canvas.click(position={"x": x, "y": y})

    def tap(self, cell: Cell) -> None:
        x, y = cell.centre
        self.canvas.tap(position={"x": x, "y": y})

    def looks(self, cells: Sequence[Cell]) -> list[Look]:
        """How they are painted right now."""
        boxes = [cell.box for cell in cells]
        paints = list(map(_named, self._paints([*boxes, *map(_widened, boxes)])))
        return [
            Look(inside.most_common(1)[0][0], framed=around[FRAME] > 2 * (width + height))
            for (_, _, width, height), inside, around in zip(boxes, paints, paints[len(boxes) :], strict=False)
        ]

    def colours(self, cells: Sequence[Cell]) -> list[Rgb]:
        """The one colour that most of each square has."""
        return [paint.most_common(1)[0][0] for paint in self._paints([cell.box for cell in cells])]

    def brightness(self, cells: Sequence[Cell]) -> list[float]:
        """How bright they are on the whole, 0 to 1."""
        paints = self._paints([cell.box for cell in cells])
        return [sum(sum(rgb) * count for rgb, count in paint.items()) / (765 * paint.total()) for paint in paints]

    def _paints(self, boxes: Sequence[Box]) -> list[Counter[Rgb]]:
        """For every box how many pixels have which colour."""
        self._page.mouse.move(0, 0)
        picture = base64.b64encode(self.canvas.screenshot(scale="css")).decode()
        with self._page.context.browser.new_page() as decoder:  # type: ignore[union-attr] # contexts here have one
            counts = decoder.evaluate(_COLOURS_IN_BOXES, [picture, [list(box) for box in boxes]])
        return [Counter({_rgb(colour): count for colour, count in box.items()}) for box in counts]


def _widened(box: Box) -> Box:
    x, y, width, height = box
    return x - _MARGIN, y - _MARGIN, width + 2 * _MARGIN, height + 2 * _MARGIN


def _rgb(text: str) -> Rgb:
    red, green, blue = map(int, text.split())
    return red, green, blue


def _named(paint: Counter[Rgb]) -> Counter[str]:
    named: Counter[str] = Counter()
    for colour, count in paint.items():
        named[_name(colour)] += count
    return named


def _name(colour: Rgb) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    if saturation < _GREY_SATURATION:
        return "grey" if _GREY_LIGHTNESS[0] < lightness < _GREY_LIGHTNESS[1] else "background"
    return next((name for name, low, high in _HUES if low <= hue * 360 <= high), f"hue {hue * 360:.0f}")
