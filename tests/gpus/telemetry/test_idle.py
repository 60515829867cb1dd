from datetime import UTC, datetime

from genet.gpus.telemetry.idle import Idle, expressions

NOON = 1_800_000_000 // 3600 * 3600
CARD = ("dcgm", "GPU-a", "")


def at(minutes):
    return datetime.fromtimestamp(NOON + 60 * minutes, UTC)


def test_a_device_is_idle_since_the_minute_in_which_it_was_first_seen_so():
    idle = Idle(5)
    assert idle.since(CARD, 5, None, NOON + 59) == at(0)
    assert idle.since(CARD, 0, None, NOON + 200) == at(0)


def test_work_ends_idleness():
    idle = Idle(5)
    idle.since(CARD, 0, None, NOON)
    assert idle.since(CARD, 6, None, NOON + 60) is None
    assert idle.since(CARD, 0, None, NOON + 120) == at(2)


def test_what_nobody_measures_is_not_idle_and_forgets_nothing():
    idle = Idle(5)
    idle.since(CARD, 0, None, NOON)
    assert idle.since(CARD, None, None, NOON + 60) is None
    assert idle.since(CARD, 0, None, NOON + 120) == at(0)


def test_an_exporter_s_own_word_may_shake_but_does_not_move_the_moment():
    idle = Idle(5)
    assert idle.since(CARD, None, at(-10), NOON) == at(-10)
    assert idle.since(CARD, None, at(-9), NOON + 60) == at(-10)
    assert idle.since(CARD, None, at(-3), NOON + 60) == at(-3)


def test_a_device_at_work_is_not_idle_whatever_its_exporter_says():
    assert Idle(5).since(CARD, 50, at(-10), NOON) is None


def test_the_past_moves_idleness_back_to_the_last_work_or_to_as_far_as_was_looked():
    idle = Idle(5)
    other, busy, foreign = ("dcgm", "GPU-b", "1"), ("dcgm", "GPU-c", ""), ("npu", "V0", "")
    for key in (CARD, other, foreign):
        idle.since(key, 0, None, NOON)
    idle.since(busy, 90, None, NOON)
    idle.look_back("dcgm", {("GPU-a", ""): NOON - 1800, ("GPU-c", ""): NOON - 60}, NOON - 86400)
    assert idle.since(CARD, 0, None, NOON + 10) == at(-30)
    assert idle.since(other, 0, None, NOON + 10) == at(-24 * 60)
    assert idle.since(foreign, 0, None, NOON + 10) == at(0)
    assert idle.since(busy, 0, None, NOON + 60) == at(1)


def test_the_limit_is_a_percentage_or_a_share():
    assert expressions(["A > {percent}", "B > {share}"], 7) == (
        "max_over_time(timestamp(A > 7)[24h:5m])",
        "max_over_time(timestamp(B > 0.07)[24h:5m])",
    )


def test_what_nobody_speaks_of_for_a_day_is_forgotten():
    idle = Idle(5)
    silent, unmeasured, busy = ("dcgm", "GPU-b", ""), ("dcgm", "GPU-c", ""), ("dcgm", "GPU-d", "")
    for key in (CARD, silent, unmeasured, busy):
        idle.since(key, 0, None, NOON)
    idle.since(busy, 90, None, NOON)
    idle.forget(NOON + 86400)
    idle.since(CARD, 0, None, NOON + 86400)
    idle.since(unmeasured, None, None, NOON + 86400)
    idle.forget(NOON + 86460)
    assert set(idle._since) == set(idle._heard) == {"/".join(CARD), "/".join(unmeasured)}
    assert idle.since(CARD, 0, None, NOON + 86470) == at(0)
    assert idle.since(silent, 0, None, NOON + 86470) == at(24 * 60 + 1)
