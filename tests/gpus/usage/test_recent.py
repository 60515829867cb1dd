import asyncio

import pytest

from genet.errors import Unavailable
from genet.gpus.usage.recent import Recent


class Source:
    def __init__(self):
        self.asked = []
        self.answers = asyncio.Event()
        self.fails = False
        self.now = 0.0

    async def ask(self, key):
        self.asked.append(key)
        await self.answers.wait()
        if self.fails:
            raise Unavailable("down")
        return f"answer {len(self.asked)}"

    def clock(self):
        return self.now


@pytest.fixture
async def source():
    return Source()


@pytest.fixture
async def recent(source):
    kept = Recent(source.ask, seconds=60, most=2, clock=source.clock)
    yield kept
    await kept.close()


async def test_who_asks_at_once_shares_one_answer_and_it_stays_good_for_a_while(source, recent):
    both = [asyncio.create_task(recent.get("a", within=5)) for _ in range(2)]
    source.answers.set()
    assert await asyncio.gather(*both) == ["answer 1"] * 2
    source.now = 59
    assert await recent.get("a", within=5) == "answer 1"
    source.now = 60
    assert await recent.get("a", within=5) == "answer 2"


async def test_who_waits_too_long_is_told_and_the_next_finds_the_answer(source, recent):
    with pytest.raises(Unavailable, match="within 0 s yet"):
        await recent.get("a", within=0)
    source.answers.set()
    assert await recent.get("a", within=5) == "answer 1"


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(source, recent):
    source.fails = True
    source.answers.set()
    for _ in range(2):
        with pytest.raises(Unavailable, match="down"):
            await recent.get("a", within=5)
    source.fails = False
    assert await recent.get("a", within=5) == "answer 3"


async def test_no_more_answers_are_kept_than_allowed(source, recent):
    source.answers.set()
    for key in "abcda":
        await recent.get(key, within=5)
    assert source.asked == list("abcda")
    await recent.get("d", within=5)
    assert source.asked == list("abcda")


async def test_what_is_asked_ends_with_the_server(source, recent):
    with pytest.raises(Unavailable):
        await recent.get("a", within=0)
    await recent.close()
    assert len(asyncio.all_tasks()) == 1


async def test_questions_that_are_made_up_faster_than_answered_are_turned_away(source):
    recent = Recent(source.ask, seconds=60, most=2, most_open=3, clock=source.clock)
    for key in "abc":
        with pytest.raises(Unavailable, match="still being asked for"):
            await recent.get(key, within=0)
    with pytest.raises(Unavailable, match="too many questions"):
        await recent.get("d", within=5)
    source.answers.set()
    assert await recent.get("b", within=5) == "answer 3"
    assert await recent.get("d", within=5) == "answer 4"
    await recent.close()


async def test_whoever_leaves_takes_the_answer_from_nobody_else(source, recent):
    first, second = (asyncio.create_task(recent.get("a", within=5)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.answers.set()
    assert await second == "answer 1"
