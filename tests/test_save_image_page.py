"""`docs/save-image.md` names settings that there are, and errors that Genet knows."""

import re
from pathlib import Path

import msgspec
import pytest

from genet.images.trouble import trouble
from genet.settings import Commit

PAGE = (Path(__file__).parents[1] / "docs" / "save-image.md").read_text()
KEYS = {field.encode_name for field in msgspec.structs.fields(Commit)}


def test_every_setting_that_is_named_is_there():
    named = set(re.findall(r"`commit\.([A-Za-z]+)", PAGE)) - {"go"}  # a file of nerdctl's
    in_table = PAGE.partition("| Setting (`commit.…`) | |\n")[2].partition("\n\n")[0]
    for line in in_table.splitlines()[1:]:
        named |= set(re.findall(r"`([A-Za-z]+)`", line.split("|")[1]))
    example = PAGE.partition("  commit:\n")[2].partition("```")[0]
    named |= set(re.findall(r"^    (\w+):", example, re.MULTILINE))
    assert named >= {"repository", "image", "socket", "timeoutMinutes", "memory"}
    assert named <= KEYS


@pytest.mark.parametrize(
    ("said", "is_push", "code"),
    [
        ("content digest sha256:0: not found", True, "baseless"),
        ("unauthorized", True, "denied"),
        ("insufficient_scope", True, "denied"),
        ("no space left on device", False, "space"),
        ("no such container", False, "gone"),
        ("mount options is too long", False, "layers"),
        ("max depth exceeded", False, "layers"),
    ],
)
def test_what_the_page_says_of_an_error_is_what_people_are_told(said, is_push, code):
    assert said.replace("sha256:0: ", "sha256:…` `").partition("`")[0].strip() in PAGE.replace(": not found", "")
    assert trouble(said, is_push=is_push) == code
