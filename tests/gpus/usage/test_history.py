"""A node's last day, from a Prometheus that answers what it is told to."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genet.gpus.overview import Slot
from genet.gpus.usage.history import SPAN, STEP, Histories, first_step, questions
from tests.gpus.usage.ranges import ranges

NOW = datetime(2026, 6, 2, 12, 3, 7, tzinfo=UTC)


def slots(*uuids):
    empty: dict[str, Any] = dict.fromkeys(Slot.__struct_fields__, None) | {"status": "free", "pods": (), "slices": ()}
    return [Slot(**(empty | {"index": index, "uuid": uuid})) for index, uuid in enumerate(uuids)]


def answering(asked, **cards):
    """Cards by UUID: their value at every step."""

    def answer(question, moments):
        asked.append((question, moments))
        if not question.startswith("max by (UUID)"):
            return []
        return [({"UUID": card}, [value] * len(moments)) for card, value in cards.items() if card in question]

    return answer


async def test_each_slot_has_its_card_at_every_step_and_cards_that_nobody_measured_have_none():
    asked: list[tuple[str, list[float]]] = []
    async with ranges(answering(asked, a=41.6, b=None)) as prometheus:
        history, source = await Histories(prometheus, lambda: NOW).of(slots("a", None, "b"))
    assert [card.uuid for card in history.series] == ["a", None, "b"]
    assert [set(card.utilization) for card in history.series] == [{42}, {None}, {None}]
    assert (history.step, history.from_) == (300, datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    assert {len(card.utilization) for card in history.series} == {len(asked[0][1])} == {SPAN // STEP}
    assert asked[0][1][0] == history.from_.timestamp()
    assert (source.state, source.message) == ("ok", None)


def test_steps_are_those_of_the_clock():
    times = (NOW, NOW.replace(minute=4, second=59), NOW.replace(minute=0, second=0))
    assert len({first_step(now) for now in times}) == 1
    assert first_step(NOW) + SPAN - STEP <= NOW


def test_names_of_cards_are_never_more_than_names():
    [(label, question), *_] = questions(['we"ird\\.|x'])
    assert label == "UUID"
    assert r'UUID=~"we\"ird\\\\\\.\\|x"' in question


async def test_everybody_who_looks_at_a_node_shares_one_answer():
    asked: list[tuple[str, list[float]]] = []
    async with ranges(answering(asked, a=1)) as prometheus:
        histories = Histories(prometheus, lambda: NOW)
        await asyncio.gather(*(histories.of(slots("a")) for _ in range(5)))
        families = len(asked)
        await histories.of(slots("a"))
    assert len(asked) == families == len(list(questions(["a"])))


async def test_without_an_answer_there_is_no_series_and_the_reason():
    async with ranges(lambda *_: None) as prometheus:
        history, source = await Histories(prometheus, lambda: NOW).of(slots("a"))
    assert history.series == ()
    assert (source.state, source.message) == ("unavailable", "Prometheus answered with HTTP status 500")
    history, source = await Histories(None, lambda: NOW).of(slots("a"))
    assert (history.series, source.state) == ((), "off")


@pytest.mark.parametrize(
    ("uuids", "said"),
    [(("a",), "Prometheus has no utilization of these cards"), ((None,), "no exporter names the cards of this node")],
)
async def test_a_history_without_values_says_why(uuids, said):
    async with ranges(lambda *_: []) as prometheus:
        _, source = await Histories(prometheus, lambda: NOW).of(slots(*uuids))
    assert (source.state, source.message) == ("ok", said)


async def test_another_day_is_asked_for_when_the_answer_has_aged():
    asked: list[tuple[str, list[float]]] = []
    async with ranges(answering(asked, a=1)) as prometheus:
        histories = Histories(prometheus, lambda: NOW + timedelta(minutes=len(asked) // 4 * 5))
        first, _ = await histories.of(slots("a"))
        second, _ = await histories.of(slots("a", "b"))
    assert second.from_ - first.from_ == STEP


@given(st.text(min_size=1))
@example('GPU-1"} or up{x="')
@example("a\nb")
@example("a\\")
def test_a_name_is_one_string_on_one_line_that_matches_itself_alone(name):
    [(_, asked), *_] = questions([name])
    quoted = re.match(r'[^"]*"((?:[^"\\]|\\.)*)"\}\[300s\]', asked)
    assert quoted
    assert "\n" not in asked
    pattern = re.sub(r"\\(.)", r"\1", quoted[1])
    assert re.fullmatch(pattern, name)
    assert not re.fullmatch(pattern, f"{name}x")
