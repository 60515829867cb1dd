"""Compare-and-set where somebody else is always faster. What it promises otherwise is in the contract tests."""

from typing import Any

import pytest

from genet.errors import Conflict, QuotaExceeded
from genet.kube.objects import PODS
from genet.kube.state import ATTEMPTS, MAX_DELAY, compare_and_set
from tests.kube.fake import status


async def test_it_gives_up_after_many_conflicts_and_waits_ever_longer_between(fake, kube_of_fake):
    for _ in range(ATTEMPTS):
        fake.canned.extend([status(404, "none"), status(409, "there", "AlreadyExists")])
    delays = []

    async def make(known: object) -> dict[str, Any]:
        return {"metadata": {"name": "a"}}

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    with pytest.raises(Conflict, match="too often"):
        await compare_and_set(kube_of_fake, PODS, "a", "n", make, sleep=sleep)
    assert len(fake.requests) == 2 * ATTEMPTS
    assert len(delays) == ATTEMPTS - 1
    assert all(0 <= delay <= MAX_DELAY for delay in delays)


async def test_what_the_rule_raises_is_raised_and_nothing_written(fake, kube_of_fake):
    async def refuse(known: object) -> None:
        raise QuotaExceeded("too many")

    with pytest.raises(QuotaExceeded):
        await compare_and_set(kube_of_fake, PODS, "a", "n", refuse)
    assert [request.method for request in fake.requests] == ["GET"]
