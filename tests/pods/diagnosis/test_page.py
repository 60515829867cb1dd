"""`docs/diagnosis.md` against the table of sentences: the page is what people and programs rely on."""

import re
from pathlib import Path

from genet.pods.diagnosis.texts import TEXTS

PAGE = (Path(__file__).parents[3] / "docs" / "diagnosis.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_every_code_with_its_params():
    told = {code: set(re.findall(r"`(\w+)`", params)) for code, params, _ in ROWS}
    assert told == {code: set(text.params) for code, text in TEXTS.items()}
