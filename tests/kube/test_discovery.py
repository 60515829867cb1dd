"""A group that may not be served: when its caches run, and when they do not."""

import asyncio
from dataclasses import replace

import pytest

from genet.kube.cache import Cache
from genet.kube.discovery import ASK_SECONDS, RETRY_SECONDS, OptionalGroup
from genet.kube.objects import PODS
from tests.kube.fake import status

GROUP = "example.org"


class Followed:
    """An optional group of one resource, asked about whenever a test says so."""

    def __init__(self, kube):
        self.cache = Cache(kube, PODS)
        self.followed = []
        self.slept = []
        self._wake = asyncio.Semaphore(0)
        self.group = OptionalGroup(kube, GROUP, ("v1", "v1beta1"), ((self.cache, self.served_as),), sleep=self.sleep)

    def served_as(self, version):
        self.followed.append(version)
        return replace(PODS, kind=f"{PODS.kind}/{version}")

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await self._wake.acquire()

    async def ask_again(self):
        asked = len(self.slept)
        self._wake.release()
        async with asyncio.timeout(5):
            while len(self.slept) == asked:  # noqa: ASYNC110 # seen from outside
                await asyncio.sleep(0.001)

    @property
    def names(self):
        return {found.metadata.name for found in self.cache.all()}


@pytest.fixture
async def followed(fake, kube_of_fake, until):
    fake.put("a")
    found = Followed(kube_of_fake)

    running = []

    async def begin():
        running.append(asyncio.create_task(found.group.run()))
        await until(lambda: found.slept)
        return found

    yield begin
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert all(task.cancelled() for task in running)


async def test_what_is_not_served_is_not_followed_and_asked_for_rarely(fake, followed):
    found = await followed()
    assert found.group.is_served is False
    await found.ask_again()
    assert found.slept == [ASK_SECONDS, ASK_SECONDS]
    assert {request.path for request in fake.requests} == {f"/apis/{GROUP}"}


@pytest.mark.parametrize(
    ("served", "version"),
    [(["v1beta1", "v1"], "v1"), (["v1", "v2"], "v1"), (["v1beta1"], "v1beta1"), (["v1alpha1"], None)],
)
async def test_the_best_version_that_can_be_read_is_followed(fake, followed, until, served, version):
    fake.groups[GROUP] = served
    found = await followed()
    assert found.group.is_served is (version is not None)
    assert found.followed == [version] * (version is not None)
    if version:
        await until(lambda: found.names == {"a"})
        assert found.cache.resource.kind == f"Pod/{version}"


async def test_what_comes_to_be_served_is_followed(fake, followed, until):
    found = await followed()
    fake.groups[GROUP] = ["v1"]
    await found.ask_again()
    assert found.group.is_served
    await until(lambda: found.names == {"a"})


async def test_another_version_takes_over_and_nothing_is_forgotten(fake, followed, until):
    fake.groups[GROUP] = ["v1beta1"]
    found = await followed()
    await until(lambda: fake.streams == 1)
    fake.groups[GROUP] = ["v1"]
    await found.ask_again()
    assert found.names == {"a"}
    await until(lambda: found.followed == ["v1beta1", "v1"] and fake.streams == 1)
    fake.put("b")
    await until(lambda: found.names == {"a", "b"})


async def test_what_is_not_served_any_more_is_not_known_any_more(fake, followed, until):
    fake.groups[GROUP] = ["v1"]
    found = await followed()
    await until(lambda: found.names == {"a"})
    del fake.groups[GROUP]
    await found.ask_again()
    assert found.group.is_served is False
    assert found.names == set()
    await until(lambda: fake.streams == 0)


@pytest.mark.parametrize("code", [403, 500, 503])
async def test_no_answer_changes_nothing(fake, followed, until, code):
    fake.groups[GROUP] = ["v1"]
    found = await followed()
    await until(lambda: fake.streams == 1)
    fake.canned.append(status(code, "no"))
    await found.ask_again()
    assert found.group.is_served
    assert found.names == {"a"}
    fake.put("b")
    await until(lambda: found.names == {"a", "b"})


async def test_until_the_first_answer_it_is_asked_for_often(fake, followed):
    fake.canned.append(status(503, "starting"))
    fake.groups[GROUP] = ["v1"]
    found = await followed()
    assert found.group.is_served is None
    await found.ask_again()
    assert found.group.is_served
    assert found.slept == [RETRY_SECONDS, ASK_SECONDS]
