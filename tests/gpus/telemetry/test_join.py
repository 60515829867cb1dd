from datetime import UTC, datetime

import pytest

from genet.gpus.model import Reading
from genet.gpus.telemetry.join import joined

EARLY, LATE = (datetime(2026, 6, 1, hour, tzinfo=UTC) for hour in (8, 9))


def reading(*, uuid="GPU-a", index=0, **known):
    return Reading(uuid=uuid, index=index, **known)


def test_what_the_first_does_not_say_is_taken_from_the_next():
    dcgm = reading(memory_used=5, memory_total=46068, temperature=50, pods=(("x", "a"),), names=("pci:1",))
    hami = reading(memory_used=7, memory_total=92136, utilization=12, pods=(("x", "a"), ("x", "b")))
    (found,) = joined([dcgm, hami])
    assert (found.memory_used, found.memory_total, found.temperature, found.utilization) == (5, 46068, 50, 12)
    assert (found.pods, found.names) == ((("x", "a"), ("x", "b")), ("pci:1",))


def test_other_cards_other_parts_and_other_vendors_stay_apart():
    others = [reading(), reading(uuid="GPU-b"), reading(instance="1"), reading(vendor="amd")]
    assert joined(others) == tuple(others)


def test_cards_without_identifiers_are_told_apart_by_number():
    assert len(joined([reading(uuid="", index=0), reading(uuid="", index=1)])) == 2


@pytest.mark.parametrize(
    ("one", "other", "since"),
    [
        (reading(utilization=0, idle_since=EARLY), reading(), EARLY),
        (reading(), reading(idle_since=LATE), LATE),
        (reading(utilization=0, idle_since=EARLY), reading(utilization=1, idle_since=LATE), LATE),
        (reading(utilization=0, idle_since=EARLY), reading(utilization=70), None),
        (reading(utilization=70), reading(idle_since=LATE), None),
    ],
)
def test_one_word_of_work_is_enough(one, other, since):
    assert joined([one, other])[0].idle_since == since
