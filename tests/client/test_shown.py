"""What is printed: for people, for programs, and nothing that a terminal obeys."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.client import shown

OBEYED = {"\x1b", "\x07", "\x08", "\x9b", "\x9d", "\r", "\u202e", "\u2066"}
ODD = "\x1b]0;root\x07\x1b[2J\x9b31m\u202eabc\r\n"
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_cells_hold_nothing_that_a_terminal_obeys():
    text = shown.table(["A", "B"], [[ODD, 1], ["x", None]])
    assert not OBEYED & set(text)
    assert text.splitlines()[2].split() == ["x", "-"]
    assert len(text.splitlines()) == 3


def test_columns_stand_below_each_other_also_with_wide_letters():
    first, second = shown.table(["NAME", "X"], [["训练", "1"]]).splitlines()
    assert first.index("X") == second.index("1") + 2


@pytest.mark.parametrize("how", [shown.as_json, shown.as_yaml])
def test_programs_get_everything_and_terminals_nothing_to_obey(how):
    document = {"name": ODD, "n": [1, {"deep": ODD}]}
    text = how(document)
    assert not OBEYED & set(text)
    assert msgspec.yaml.decode(text) == document


@given(PLAIN)
def test_what_is_printed_as_yaml_is_read_as_the_same(value):
    assert msgspec.yaml.decode(shown.as_yaml(value)) == json.loads(json.dumps(value))


def test_of_a_pods_output_a_terminal_gets_colours_and_nothing_else():
    said = "\x1b[31mred\x1b[0m\tx\ry\n" + ODD
    seen = shown.output(said, to_terminal=True)
    assert seen.startswith("\x1b[31mred\x1b[0m\tx\ry\n?]0;root??[2J?31m?abc")
    assert shown.output(said, to_terminal=False) == said


def test_lines_of_a_text_stay_lines():
    assert shown.lines("a\tb\n\x1b[2Jc") == "a       b\n?[2Jc"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (3599, "59m"), (3660, "1h1m"), (4 * 3600, "4h"), (3 * 86400, "3d")],
)
def test_ages_are_said_as_kubectl_says_them(seconds, said):
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert shown.age(now - timedelta(seconds=seconds), now) == said
    assert shown.age(None, now) == "-"
