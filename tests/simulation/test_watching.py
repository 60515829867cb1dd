import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from genet.simulation import watching
from tests.simulation.serving import PODS, pod, serving


@pytest.fixture
async def kube():
    async with serving() as client:
        await client.namespace()
        yield client


class Watch:
    def __init__(self, content):
        self.content = content

    async def next(self):
        line = await asyncio.wait_for(self.content.readline(), 5)
        return json.loads(line) if line else None

    async def summary(self):
        event = await self.next()
        return event["type"], event["object"]["metadata"].get("name")


@asynccontextmanager
async def watching_pods(kube, path=PODS, headers=None, **params):
    async with kube.session.get(kube.url + path, params={"watch": "true", **params}, headers=headers) as response:
        assert response.status == 200
        yield Watch(response.content)


async def test_without_a_version_a_watch_begins_with_what_is_there(kube):
    await kube.ask("POST", PODS, pod("a"))
    async with watching_pods(kube) as watch:
        assert await watch.summary() == ("ADDED", "a")
        await kube.patch(f"{PODS}/a", {"metadata": {"labels": {"x": "1"}}})
        assert await watch.summary() == ("MODIFIED", "a")
        await kube.ask("DELETE", f"{PODS}/a")
        assert await watch.summary() == ("DELETED", "a")


async def test_with_a_version_a_watch_tells_what_came_after(kube):
    await kube.ask("POST", PODS, pod("a"))
    version = (await kube.ask("GET", PODS))["metadata"]["resourceVersion"]
    await kube.ask("POST", PODS, pod("b"))
    async with watching_pods(kube, resourceVersion=version) as watch:
        assert await watch.summary() == ("ADDED", "b")


async def test_objects_enter_and_leave_a_selector(kube):
    async with watching_pods(kube, labelSelector="team=red", fieldSelector="metadata.namespace=ns") as watch:
        await kube.ask("POST", PODS, pod("a"))
        await kube.patch(f"{PODS}/a", {"metadata": {"labels": {"team": "red"}}})
        assert await watch.summary() == ("ADDED", "a")
        await kube.patch(f"{PODS}/a", {"metadata": {"labels": {"team": "blue"}}})
        assert await watch.summary() == ("DELETED", "a")


async def test_other_namespaces_are_not_heard(kube):
    await kube.namespace("other")
    async with watching_pods(kube) as watch:
        await kube.ask("POST", "/api/v1/namespaces/other/pods", pod("far"))
        await kube.ask("POST", PODS, pod("near"))
        assert await watch.summary() == ("ADDED", "near")


async def test_a_watch_ends_when_its_time_is_up(kube):
    async with watching_pods(kube, timeoutSeconds=1) as watch:
        assert await watch.next() is None


async def test_bookmarks_bring_idle_watches_forward(kube, monkeypatch):
    monkeypatch.setattr(watching, "BOOKMARK_SECONDS", 0.01)
    async with watching_pods(kube, allowWatchBookmarks="true", resourceVersion=kube.store.revision) as watch:
        await kube.namespace("elsewhere")
        while True:
            event = await watch.next()
            assert event["type"] == "BOOKMARK"
            if event["object"]["metadata"]["resourceVersion"] == str(kube.store.revision):
                break


async def test_a_streamed_list_ends_with_a_marked_bookmark(kube):
    await kube.ask("POST", PODS, pod("a"))
    async with watching_pods(kube, sendInitialEvents="true", allowWatchBookmarks="true") as watch:
        assert await watch.summary() == ("ADDED", "a")
        mark = await watch.next()
        assert mark["type"] == "BOOKMARK"
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_compacted_history_is_an_error_event(kube):
    version = kube.store.revision
    await kube.ask("POST", PODS, pod("a"))
    await kube.ask("POST", "/simulation/compact", {})
    async with watching_pods(kube, resourceVersion=version) as watch:
        event = await watch.next()
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert await watch.next() is None


async def test_an_open_watch_survives_a_compaction(kube):
    async with watching_pods(kube, resourceVersion=kube.store.revision) as watch:
        await kube.namespace("elsewhere")
        await kube.ask("POST", "/simulation/compact", {})
        await kube.ask("POST", PODS, pod("a"))
        assert await watch.summary() == ("ADDED", "a")


async def test_dropped_streams_break(kube):
    async with watching_pods(kube) as watch:
        await kube.ask("POST", "/simulation/drop", {})
        with pytest.raises(aiohttp.ClientError):
            await watch.next()


async def test_frozen_streams_stay_open_and_silent_while_new_ones_work(kube):
    async with watching_pods(kube) as frozen:
        await kube.ask("POST", "/simulation/freeze", {})
        async with watching_pods(kube) as fresh:
            await kube.ask("POST", PODS, pod("a"))
            assert await fresh.summary() == ("ADDED", "a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(frozen.content.readline(), 0.05)


async def test_refusals_are_counted_and_carry_their_wait(kube):
    await kube.ask("POST", "/simulation/fail", {"status": 429, "times": 2, "retryAfter": 3, "path": "/api/v1/pods"})
    for _ in range(2):
        async with kube.session.get(f"{kube.url}/api/v1/pods") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert (await kube.ask("GET", "/api/v1/pods"))["kind"] == "PodList"


async def test_delays_make_requests_wait(kube):
    await kube.ask("POST", "/simulation/delay", {"seconds": 0.1})
    started = asyncio.get_running_loop().time()
    await kube.ask("GET", "/api/v1/pods")
    assert asyncio.get_running_loop().time() - started >= 0.1


async def test_a_switch_that_is_not_there_or_misspelt_is_refused(kube):
    assert (await kube.ask("POST", "/simulation/fail", {"statsu": 500}))["_code"] == 400
    async with kube.session.post(f"{kube.url}/simulation/explode") as response:
        assert response.status == 404
