import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.simulation.world import World


async def told(world: World, **conduct: Any) -> int:
    url = f"{world.cluster.url}/simulation/prometheus"
    async with aiohttp.ClientSession() as session, session.post(url, json=conduct) as response:
        return response.status


async def ask(world: World, seconds: float = 5) -> tuple[int, str, str]:
    """Status, content type, body."""
    url = f"{world.cluster.prometheus_url}/api/v1/query?query=DCGM_FI_DEV_GPU_UTIL"
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        return response.status, response.content_type, await response.text()


async def rows(world: World) -> list[Any]:
    found: list[Any] = json.loads((await ask(world))[2])["data"]["result"]
    return found


async def test_a_prometheus_that_is_down_says_nothing_and_comes_back(small: World):
    assert await told(small, answer="down") == 204
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(small)
    assert await told(small, answer="well") == 204
    assert (await ask(small))[0] == 200


async def test_wrong_answers_are_wrong_each_in_its_way(small: World):
    whole = (await ask(small))[2]
    await told(small, answer="error")
    assert (await ask(small))[0] == 500
    await told(small, answer="html")
    assert (await ask(small))[:2] == (200, "text/html")
    await told(small, answer="truncated")
    assert await ask(small) == (200, "application/json", whole[: len(whole) // 2])


@pytest.mark.parametrize("answer", ["slow", "drip"])
async def test_late_answers_are_still_on_their_way(small: World, answer: str):
    await told(small, answer=answer, seconds=60)
    with pytest.raises(TimeoutError):
        await ask(small, seconds=0.2)


async def test_every_byte_comes_in_the_end(small: World):
    await told(small, answer="drip", seconds=0)
    status, _, body = await ask(small)
    assert (status, body[-1]) == (200, "}")


async def test_values_can_be_no_numbers_and_half_of_the_series_missing(small: World):
    all_of_them = await rows(small)
    await told(small, answer="nan")
    assert {row["value"][1] for row in await rows(small)} == {"NaN"}
    await told(small, answer="half")
    half, again = await asyncio.gather(rows(small), rows(small))
    assert half == again
    assert 0.25 < len(half) / len(all_of_them) < 0.75


async def test_an_answer_that_nobody_knows_is_refused(small: World):
    assert await told(small, answer="nonsense") == 400
