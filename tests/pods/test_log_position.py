import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.pods.log_lines import Line
from genet.pods.log_position import Counter, Position, Search

UID = "0a1b2c3d-1111-2222-3333-444455556666"
SECOND = 10**9


def lines(*texts, step=1000):
    return [Line(SECOND + number * step, text.encode()) for number, text in enumerate(texts)]


def positions(log, life=0):
    counter = Counter(UID, None)
    return [counter.told(line, life) for line in log]


def behind(position, log):
    search = Search(position)
    found = [line for raw in log for line in search.take(raw)]
    return found + list(search.give_up()), search.is_lost


def test_an_id_is_read_as_it_was_written():
    (position,) = positions(lines("a"), life=3)
    assert Position.read(str(position), UID) == position


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        "0a1b2c3d-0-1-2",
        "0a1b2c3d-0-" + "9" * 30 + "-1-1",
        "ffffffff-0-1000-1-1",
        "0a1b2c3d-0-\N{ARABIC-INDIC DIGIT ONE}-1-1",
    ],
)
def test_what_is_no_id_of_this_pod_is_none(text):
    assert Position.read(text, UID) is None


def test_what_stands_behind_a_line_follows_and_nothing_else():
    log = lines("a", "b", "c", "d")
    for number, position in enumerate(positions(log)):
        assert behind(position, log) == (log[number + 1 :], False)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), min_size=1, max_size=30), st.data())
def test_nothing_is_lost_or_doubled_when_lines_share_times_and_texts(raw, data):
    log = [Line(SECOND + at, text.encode()) for at, text in sorted(raw, key=lambda each: each[0])]
    cut = data.draw(st.integers(0, len(log) - 1))
    found, is_lost = behind(positions(log)[cut], log)
    assert (found, is_lost) == (log[cut + 1 :], False)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(0, 1000))
def test_it_stays_so_however_often_the_reading_is_cut(times, seed):
    log = [Line(SECOND + at, b"same") for at in sorted(times)]
    told: list[Line] = []
    last, source = None, random.Random(seed)  # noqa: S311 # no secret
    while len(told) < len(log):
        counter, search = Counter(UID, last), Search(last)
        rest = [line for raw in log for line in search.take(raw)]
        if search.alike:
            counter.found(search.alike)
        for line in rest[: source.randint(1, 3)]:
            last = counter.told(line, 0)
            told.append(line)
    assert told == log


def test_a_line_out_of_order_is_not_lost():
    late, early = Line(SECOND + 500, b"stderr"), Line(SECOND + 400, b"stdout")
    assert behind(positions([late])[0], [late, early]) == ([early], False)
    assert behind(positions([late, early])[1], [late, early]) == ([], False)


def test_when_the_line_is_gone_what_is_later_follows_and_it_is_said():
    log = lines("a", "b", "c", step=10 * SECOND)
    position = positions(log)[0]
    assert behind(position, log[1:]) == (log[1:], True)


def test_before_anything_later_has_come_nothing_is_said_to_be_gone():
    log = lines("a", "b")
    search = Search(positions(log)[1])
    assert list(search.take(log[0])) == []
    assert (list(search.give_up()), search.is_lost, search.is_over) == ([], False, False)


def test_little_is_held_while_the_line_is_looked_for():
    position = positions(lines("a"))[0]
    search, let_through = Search(position), 0
    for number in range(1000):
        let_through += len(list(search.take(Line(SECOND + 1 + number, b"x" * 10_000))))
        assert len(search._held) * 10_000 < 300_000
    assert (let_through, search.is_lost) == (1000, True)


def test_reading_begins_a_second_early_in_whole_seconds():
    (position,) = positions([Line(5 * SECOND + 999_999_999, b"a")])
    assert position.since.timestamp() == 4
