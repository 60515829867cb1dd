"""The gateway against an API server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from genet.errors import Forbidden, Unavailable
from genet.kube.cache import Cache
from genet.kube.client import KubeClient
from genet.kube.objects import PODS, Pod
from genet.kube.watch import EVERYTHING, Scope, Timing, _delay
from tests.kube.fake import pod, status

FAST = Timing(stream_seconds=20, idle_seconds=10, first_delay=0.01, max_delay=0.05, max_retry_after=0.05)


@asynccontextmanager
async def running(kube, timing=FAST, scope=EVERYTHING) -> AsyncIterator[Cache[Pod]]:
    cache = Cache(kube, PODS, timing=timing, scope=scope)
    task = asyncio.create_task(cache.run())
    try:
        yield cache
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def names(cache: Cache[Pod]) -> set[str]:
    return {found.metadata.name for found in cache.all()}


def name_of(before: Pod | None, now: Pod | None) -> str:
    known = now or before
    assert known is not None
    return known.metadata.name


@pytest.fixture
async def cache(fake, kube_of_fake, until):
    fake.put("a")
    async with running(kube_of_fake) as cache:
        await until(lambda: fake.streams)
        assert names(cache) == {"a"}
        yield cache


async def test_additions_changes_and_deletions_arrive(fake, cache, until):
    fake.put("b")
    fake.put("a", team="x")
    await until(lambda: names(cache) == {"a", "b"})
    await until(lambda: cache.get("a", "n").metadata.labels == {"team": "x"})
    fake.delete("a")
    await until(lambda: names(cache) == {"b"})


async def test_what_a_scope_does_not_include_is_never_held(fake, kube_of_fake, until):
    for name in ("in-1", "in-2", "out-1"):
        fake.put(name)
    async with running(kube_of_fake, scope=Scope(name_prefix="in-", page_size=1)) as cache:
        await until(lambda: fake.streams)
        assert names(cache) == {"in-1", "in-2"}
        assert [request.query["limit"] for request in fake.requests if "limit" in request.query] == ["1"] * 3
        fake.put("out-2")
        fake.put("in-3")
        await until(lambda: names(cache) == {"in-1", "in-2", "in-3"})
        assert cache._position == fake.revision


async def test_a_list_whose_token_expires_on_the_way_begins_anew(fake, kube_of_fake, until):
    for number in range(3):
        fake.put(f"p{number}")

    def expire():
        fake.on_page = lambda: None
        fake.revision += 1
        fake.compact()

    fake.on_page = expire
    async with running(kube_of_fake, scope=Scope(page_size=1)) as cache:
        await until(lambda: fake.streams)
        assert names(cache) == {"p0", "p1", "p2"}


async def test_a_dropped_stream_is_resumed_where_it_broke_off(fake, cache, until):
    lists = sum("watch" not in request.query for request in fake.requests)
    fake.drop()
    fake.put("b")
    await until(lambda: names(cache) == {"a", "b"})
    assert sum("watch" not in request.query for request in fake.requests) == lists


async def test_an_outage_keeps_content_says_stale_and_ends_with_the_return(fake, cache, until):
    await fake.stop()
    await until(lambda: cache.staleness().stale)
    assert "does not answer" in str(cache.staleness().error)
    assert names(cache) == {"a"}
    fake.put("b")
    fake.delete("a")
    await fake.start()
    await until(lambda: names(cache) == {"b"})
    assert not cache.staleness().stale
    assert cache.staleness().error is None


async def test_after_compaction_the_list_is_read_again_and_replaces_content_at_once(fake, cache, until):
    seen = []
    cache.subscribe(lambda changed: seen.append(({name_of(*change) for change in changed}, names(cache))))
    fake.drop()
    fake.put("b")
    fake.delete("a")
    fake.compact()
    await until(lambda: names(cache) == {"b"})
    assert seen == [({"a", "b"}, {"b"})]


async def test_an_expired_event_within_the_stream_leads_to_a_new_list(fake, cache, until):
    fake.put("b")
    await until(lambda: names(cache) == {"a", "b"})
    fake.pods.pop("a")
    fake.revision += 1
    fake.say("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})
    await until(lambda: names(cache) == {"b"})


async def test_an_event_that_cannot_be_read_leads_to_a_new_list(fake, cache, until):
    fake.pods["b"] = pod("b", fake.revision + 1, "uid-b")
    fake.revision += 1
    fake.say("MODIFIED", {"metadata": {"name": 5}})
    await until(lambda: names(cache) == {"a", "b"})


async def test_a_bookmark_moves_the_position_and_needs_no_whole_object(fake, cache, until):
    fake.revision += 50
    fake.say(
        "BOOKMARK",
        {"metadata": {"resourceVersion": str(fake.revision), "creationTimestamp": None}, "spec": {"containers": None}},
    )
    await until(lambda: cache._position == fake.revision)
    fake.compact()
    requests = len(fake.requests)
    fake.drop()
    await until(lambda: len(fake.requests) > requests and fake.streams)
    assert all("watch" in request.query for request in fake.requests[requests:]), "no new list was needed"


async def test_a_half_open_stream_is_noticed_by_its_silence(fake, kube_of_fake, until):
    async with running(kube_of_fake, Timing(stream_seconds=20, idle_seconds=0.2, first_delay=0.01)) as cache:
        await until(lambda: fake.streams)
        fake.frozen = True
        fake.put("b")
        await until(lambda: cache.staleness().error)
        fake.frozen = False
        await until(lambda: names(cache) == {"b"})


async def test_streams_that_end_at_once_are_no_busy_loop(fake, cache, until):
    fake.ends_at_once = True
    fake.drop()
    await until(lambda: cache.staleness().error)
    requests = len(fake.requests)
    await asyncio.sleep(0.5)
    assert len(fake.requests) - requests <= 0.5 / (FAST.max_delay / 2) + 1


async def test_a_stream_that_ends_in_time_is_no_trouble(fake, kube_of_fake, until):
    async with running(kube_of_fake, Timing(stream_seconds=1)) as cache:
        await until(lambda: len(fake.requests) >= 3)
        assert not cache.staleness().stale


@pytest.mark.parametrize("code", [403, 429, 500, 503])
async def test_a_failed_list_never_empties_and_shows_its_error(fake, cache, until, code):
    fake.compact()
    fake.revision += 1
    fake.compact()
    fake.canned.extend(
        status(code, f"no, {code}", headers={"Retry-After": "0"})
        for _ in range(3)
        for _ in range(3 if code == 429 else 1)
    )
    revisions = cache.revision
    fake.drop()
    await until(lambda: cache.staleness().error == f"no, {code}")
    assert names(cache) == {"a"}
    assert cache.staleness().stale
    await until(lambda: not cache.staleness().stale)
    assert cache.revision == revisions


async def test_a_list_broken_off_midway_changes_nothing(fake, kube_of_fake, until):
    for index in range(1200):
        fake.put(f"p{index:04}")
    async with running(kube_of_fake) as cache:
        await until(lambda: cache.is_ready)
        fake.compact()
        fake.delete("p0000")
        fake.compact()
        pages = iter(range(10))
        fake.on_page = lambda: next(pages) == 1 and fake.canned.extend([status(500, "broken")])
        fake.drop()
        await until(lambda: cache.staleness().error == "broken")
        assert len(cache.all()) == 1200
        await until(lambda: len(cache.all()) == 1199)


async def test_before_the_first_list_nothing_is_ready(fake, kube_of_fake, until):
    fake.hold.clear()
    async with running(kube_of_fake) as cache:
        await until(lambda: fake.requests)
        assert not cache.is_ready
        assert cache.staleness().stale
        fake.hold.set()
        await cache.wait_ready()
        assert not cache.staleness().stale


async def test_cancelling_closes_the_stream(fake, kube_of_fake, until):
    async with running(kube_of_fake):
        await until(lambda: fake.streams)
    await until(lambda: not fake.streams)


async def test_waiting_grows_to_its_limit_is_spread_and_respects_retry_after():
    timing = Timing()
    spread = {_delay(timing, 50, Forbidden("no")) for _ in range(50)}
    assert len(spread) > 1
    assert all(timing.max_delay / 2 <= delay <= timing.max_delay for delay in spread)
    assert _delay(timing, 0, Forbidden("no")) <= timing.first_delay
    assert _delay(timing, 0, Unavailable("busy", retry_after=7.0)) == 7.0
    assert _delay(timing, 0, Unavailable("busy", retry_after=3600.0)) == timing.max_retry_after


async def test_rotated_credentials_are_found_and_the_call_is_sent_again(fake, kube_of_fake: KubeClient, tmp_path: Path):
    fake.token = "t"
    await kube_of_fake.list(PODS)
    fake.token = "rotated"
    fake.kubeconfig(tmp_path / "kubeconfig", token="rotated")
    answers = await asyncio.gather(*(kube_of_fake.list(PODS) for _ in range(10)))
    assert len(answers) == 10


async def test_credentials_that_stay_refused_are_unavailable_not_forbidden(fake, kube_of_fake):
    fake.token = "other"
    with pytest.raises(Unavailable):
        await kube_of_fake.list(PODS)
    assert len(fake.requests) == 2


async def test_streams_survive_a_renewal_of_credentials(fake, cache, until, kube_of_fake, tmp_path):
    fake.token = "rotated"
    fake.kubeconfig(tmp_path / "kubeconfig", token="rotated")
    await kube_of_fake.list(PODS)
    requests = len(fake.requests)
    fake.put("b")
    await until(lambda: names(cache) == {"a", "b"})
    assert len(fake.requests) == requests


async def test_429_is_tried_again_after_the_time_it_names(fake, kube_of_fake):
    fake.canned.append(status(429, "busy", headers={"Retry-After": "0"}))
    assert (await kube_of_fake.list(PODS)).items == []
    assert len(fake.requests) == 2


async def test_a_slow_answer_is_cut_off(fake, tmp_path):
    from genet.settings import Kubernetes

    fake.hold.clear()
    path = fake.kubeconfig(tmp_path / "kubeconfig", token="t")
    async with KubeClient.connect(Kubernetes(kubeconfig=path, request_timeout_seconds=0.2), {}) as kube:
        with pytest.raises(Unavailable, match=r"0\.2 s|does not answer"):
            await kube.list(PODS)


async def test_a_list_whose_token_expires_starts_over_once(fake, kube_of_fake):
    for name in "abcd":
        fake.put(name)
    pages = iter(range(10))

    def expire():
        if next(pages) == 0:
            fake.put("e")
            fake.compact()

    fake.on_page = expire
    assert [found.metadata.name for found in (await kube_of_fake.list(PODS, page_size=2)).items] == list("abcde")
