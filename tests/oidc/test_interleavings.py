"""Requests of two replicas in any order of their calls to the API server, chosen by hypothesis, call by call."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from genet.oidc.issuing import Issued
from genet.oidc.messages import OAuthError
from tests.oidc.grant_world import ALICE, REDIRECT, VERIFIER, Replica, World, begun, embedded, logged_in, redeemed
from tests.oidc.wire import WATCHED, Wire

ROUNDS = 25
EXAMPLES = 5


class Turns:
    """Lets one of several tasks make its next call, then another: as the choices say."""

    def __init__(self, choice: Random) -> None:
        self._choice = choice
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._arrived = asyncio.Event()
        self.taken: list[str] = []

    async def __call__(self, name: str) -> None:
        self._waiting[name] = asyncio.get_running_loop().create_future()
        self._arrived.set()
        await self._waiting[name]

    async def run(self, tasks: dict[str, asyncio.Task[object]]) -> None:
        for _ in range(1000):
            while any(not task.done() and name not in self._waiting for name, task in tasks.items()):
                self._arrived.clear()
                news = asyncio.create_task(self._arrived.wait())
                busy = [task for name, task in tasks.items() if not task.done() and name not in self._waiting]
                await asyncio.wait([news, *busy], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            names = sorted(self._waiting)
            if not names:
                return
            name = self._choice.choice(names)
            self.taken.append(name)
            self._waiting.pop(name).set_result(None)
        raise AssertionError("it does not come to an end")


async def interleaved(
    replicas: list[Replica], work: dict[str, Awaitable[object]], choice: Random, orders: set[tuple[str, ...]]
) -> list[object]:
    """What became of each; the order of their calls is added to the orders."""
    turns = Turns(choice)
    for replica in replicas:
        assert isinstance(replica.kube, Wire)
        replica.kube.turn = turns

    async def watched(name: str, awaitable: Awaitable[object]) -> object:
        WATCHED.set(name)
        try:
            return await awaitable
        except OAuthError as error:
            return error.error

    tasks = {name: asyncio.create_task(watched(name, awaitable)) for name, awaitable in work.items()}
    async with asyncio.timeout(30):
        await turns.run(tasks)
        orders.add(tuple(turns.taken))
        return [await task for task in tasks.values()]


SEEDS = st.integers(0, 2**32)
OPTIONS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


async def two_replicas(world: World) -> list[Replica]:
    one, two = await world.replica(Wire), await world.replica(Wire)
    await logged_in(one)
    await one.keys.live()
    return [one, two]


@given(SEEDS, st.integers(2, 4))
@OPTIONS
def test_of_any_presentations_of_a_code_one_is_answered_and_its_grant_is_dead(seed: int, count: int) -> None:
    async def check() -> Counter[str]:
        tale: Counter[str] = Counter()
        choice, orders = Random(seed), set[tuple[str, ...]]()  # noqa: S311 # no secret
        with TemporaryDirectory(prefix="genet-test-") as directory:
            async with embedded(Path(directory)) as world:
                replicas = await two_replicas(world)
                for _ in range(ROUNDS):
                    code = await begun(replicas[0], world.clock)
                    work: dict[str, Awaitable[object]] = {
                        f"{n}": replicas[n % 2].grants.redeem(code, world.client(), REDIRECT, VERIFIER)
                        for n in range(count)
                    }
                    answers = await interleaved(replicas, work, choice, orders)
                    issued = [answer for answer in answers if isinstance(answer, Issued)]
                    assert len(issued) == 1
                    assert answers.count("invalid_grant") == count - 1
                    for replica in replicas:
                        assert await replica.grants.of(ALICE) == []
                    tale[f"{count} presentations"] += 1
        tale["different orders"] = len(orders)
        return tale

    print(dict(asyncio.run(check())))


@given(SEEDS, st.integers(2, 6))
@OPTIONS
def test_any_presentations_of_a_refresh_token_get_the_same_answer(seed: int, count: int) -> None:
    async def check() -> Counter[str]:
        tale: Counter[str] = Counter()
        choice, orders = Random(seed), set[tuple[str, ...]]()  # noqa: S311 # no secret
        with TemporaryDirectory(prefix="genet-test-") as directory:
            async with embedded(Path(directory)) as world:
                replicas = await two_replicas(world)
                token = (await redeemed(replicas[0], world)).refresh_token or ""
                for _ in range(ROUNDS):
                    world.clock.tick(60)
                    work: dict[str, Awaitable[object]] = {
                        f"{n}": replicas[n % 2].grants.refresh(token, world.client()) for n in range(count)
                    }
                    answers = await interleaved(replicas, work, choice, orders)
                    tokens = {answer.refresh_token if isinstance(answer, Issued) else answer for answer in answers}
                    assert len(tokens) == 1, tokens
                    token = str(tokens.pop())
                    tale[f"{count} presentations"] += 1
        tale["different orders"] = len(orders)
        return tale

    print(dict(asyncio.run(check())))


@given(SEEDS, st.sampled_from(["revoke", "end", "end_everything", "disable", "replay of the code"]))
@OPTIONS
def test_what_ends_a_grant_ends_it_whatever_is_refreshed_beside_it(seed: int, how: str) -> None:
    async def check() -> Counter[str]:
        tale: Counter[str] = Counter()
        choice, orders = Random(seed), set[tuple[str, ...]]()  # noqa: S311 # no secret
        with TemporaryDirectory(prefix="genet-test-") as directory:
            async with embedded(Path(directory)) as world:
                one, two = replicas = await two_replicas(world)
                for _ in range(ROUNDS):
                    code = await begun(one, world.clock)
                    first = await one.grants.redeem(code, world.client(), REDIRECT, VERIFIER)
                    token = first.refresh_token or ""
                    ending: dict[str, Awaitable[object]] = {
                        "revoke": two.grants.revoke(token, world.client()),
                        "end": two.grants.end(ALICE, first.grant_id),
                        "end_everything": two.identity.people.end_everything(ALICE.identifier),
                        "disable": two.identity.people.disable(ALICE.identifier),
                        "replay of the code": two.grants.redeem(code, world.client(), REDIRECT, VERIFIER),
                    }
                    chosen = ending.pop(how)
                    for other in ending.values():
                        other.close()  # type: ignore[attr-defined] # a coroutine
                    work = {"refresh": one.grants.refresh(token, world.client()), "the end": chosen}
                    answers = await interleaved(replicas, work, choice, orders)
                    new = answers[0]
                    tale[f"{how}: {'refreshed first' if isinstance(new, Issued) else new}"] += 1
                    assert await one.grants.of(ALICE) == []
                    for issued in (first, new):
                        if isinstance(issued, Issued):
                            for work_ in (
                                two.grants.refresh(issued.refresh_token or "", world.client()),
                                two.grants.userinfo(issued.access_token),
                            ):
                                try:
                                    await work_
                                except OAuthError:
                                    continue
                                raise AssertionError(how)
                    await one.identity.people.enable(ALICE.identifier)
        tale["different orders"] = len(orders)
        return tale

    print(dict(asyncio.run(check())))
