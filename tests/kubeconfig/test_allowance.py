from datetime import UTC, datetime, timedelta

import pytest

from genet.errors import RateLimited
from genet.kube.records import Records
from genet.kubeconfig.allowance import Allowance

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


async def test_room_comes_back_an_hour_after_each_use(kube):
    clock = Clock()
    allowance = Allowance(Records(kube, "genet-grants"), 2, clock)
    await allowance.take("a-a")
    clock.now += timedelta(minutes=20)
    await allowance.take("a-a")
    with pytest.raises(RateLimited) as refused:
        await allowance.take("a-a")
    assert refused.value.retry_after == 40 * 60
    clock.now += timedelta(minutes=40)
    await allowance.take("a-a")
    with pytest.raises(RateLimited):
        await allowance.take("a-a")


async def test_a_clock_that_was_ahead_shuts_nobody_out_for_longer_than_an_hour(kube):
    clock = Clock()
    allowance = Allowance(Records(kube, "genet-grants"), 1, clock)
    clock.now += timedelta(days=1)
    await allowance.take("a-a")
    clock.now = NOW
    with pytest.raises(RateLimited) as refused:
        await allowance.take("a-a")
    assert refused.value.retry_after == 3600


async def test_everybody_has_their_own(kube):
    allowance = Allowance(Records(kube, "genet-grants"), 1, Clock())
    await allowance.take("a-a")
    await allowance.take("b-b")
