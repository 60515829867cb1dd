"""The cache's own rules, fed by hand: what replaces what, and what does not come back."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.errors import Unavailable
from genet.kube.cache import STALE_SECONDS, Cache, Change
from genet.kube.client import KubeClient, Listing
from genet.kube.objects import PODS, Pod, PodSpec
from genet.kube.projection import ObjectMeta
from genet.kube.transport import Transport
from genet.kube.watch import USUAL, Changes, Trouble


def pod(name: str, version: int, uid: str = "", node: str = "") -> Pod:
    meta = ObjectMeta(name=name, namespace="n", uid=uid or f"uid-{name}", resource_version=str(version))
    return Pod(metadata=meta, spec=PodSpec(node_name=node))


def listing(version: int, *pods: Pod) -> Listing[Pod]:
    return Listing(list(pods), str(version))


def page(version: int, *pods: Pod) -> Listing[Pod]:
    return Listing(list(pods), str(version), continues=True)


def changes(*events: tuple[str, Pod]) -> Changes[Pod]:
    return Changes(list(events), events[-1][1].metadata.resource_version)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def new_cache(clock: Clock | None = None) -> Cache[Pod]:
    async def never():
        raise AssertionError("nothing is sent")

    return Cache(
        KubeClient(Transport(never), 1.0),
        PODS,
        indexes={"node": lambda found: [found.spec.node_name] if found.spec.node_name else []},
        clock=clock or Clock(),
    )


@pytest.fixture
def cache(clock) -> Cache[Pod]:
    cache = new_cache(clock)
    cache.apply(listing(10, pod("a", 5, node="n1"), pod("b", 6, node="n1")))
    return cache


def versions(cache: Cache[Pod]) -> dict[str, int]:
    return {found.metadata.name: int(found.metadata.resource_version) for found in cache.all()}


def on(cache: Cache[Pod], node: str) -> set[str]:
    return {found.metadata.name for found in cache.by("node", node)}


def test_objects_are_found_by_name_and_by_index(cache):
    assert cache.get("a", "n") is not None
    assert cache.get("a", "other") is None
    assert on(cache, "n1") == {"a", "b"}
    assert on(cache, "elsewhere") == set()
    cache.apply(changes(("MODIFIED", pod("a", 11, node="n2")), ("DELETED", pod("b", 12, node="n1"))))
    assert on(cache, "n1") == set()
    assert on(cache, "n2") == {"a"}


def test_the_revision_grows_with_changes_and_only_with_them(cache):
    revision = cache.revision
    cache.apply(changes(("MODIFIED", pod("a", 5))))
    cache.apply(Changes([], "20"))
    cache.apply(listing(21, pod("a", 5), pod("b", 6)))
    cache.apply(Trouble(Unavailable("gone")))
    assert cache.revision == revision
    cache.apply(changes(("MODIFIED", pod("a", 22))))
    assert cache.revision == revision + 1


def test_a_written_object_is_seen_at_once_and_its_echo_changes_nothing(cache):
    cache.merge(pod("c", 11))
    revision = cache.revision
    assert versions(cache)["c"] == 11
    cache.apply(changes(("ADDED", pod("c", 11))))
    assert cache.revision == revision


def test_an_older_event_does_not_undo_a_written_object(cache):
    cache.merge(pod("a", 15))
    cache.apply(changes(("MODIFIED", pod("a", 12))))
    assert versions(cache)["a"] == 15


def test_an_older_list_does_not_undo_a_written_object(cache):
    cache.merge(pod("a", 15))
    cache.merge(pod("c", 16))
    cache.apply(listing(12, pod("a", 5), pod("b", 6)))
    assert versions(cache) == {"a": 15, "b": 6, "c": 16}
    cache.apply(listing(17, pod("b", 6)))
    assert versions(cache) == {"b": 6}


def test_an_older_answer_does_not_replace_a_newer_object(cache):
    cache.apply(changes(("MODIFIED", pod("a", 12))))
    cache.merge(pod("a", 11))
    assert versions(cache)["a"] == 12


def test_a_late_answer_does_not_bring_back_what_the_watch_saw_deleted(cache):
    cache.apply(changes(("ADDED", pod("c", 11)), ("DELETED", pod("c", 12))))
    cache.merge(pod("c", 11))
    assert "c" not in versions(cache)


def test_a_forgotten_object_does_not_come_back_by_events_on_their_way(cache):
    cache.forget(pod("a", 5))
    assert versions(cache) == {"b": 6}
    cache.apply(changes(("MODIFIED", pod("a", 11))))
    cache.apply(listing(12, pod("a", 11), pod("b", 6)))
    cache.merge(pod("a", 13))
    assert versions(cache) == {"b": 6}
    cache.apply(changes(("DELETED", pod("a", 14))))
    assert versions(cache) == {"b": 6}
    assert cache._forgotten == set()


def test_a_new_object_of_a_forgotten_name_is_taken(cache):
    cache.forget(pod("a", 5))
    cache.merge(pod("a", 15, uid="second"))
    cache.apply(changes(("DELETED", pod("a", 14))))
    assert versions(cache) == {"a": 15, "b": 6}


def test_a_list_without_the_forgotten_object_ends_its_memory(cache):
    cache.forget(pod("a", 5))
    cache.apply(listing(20, pod("b", 6)))
    assert cache._forgotten == set()


def test_forgetting_somebody_elses_object_of_that_name_does_nothing(cache):
    cache.forget(pod("a", 5, uid="another"))
    cache.forget(pod("z", 5))
    assert versions(cache) == {"a": 5, "b": 6}


# --- a list that comes page by page


def test_of_a_list_nothing_is_seen_before_its_last_page(cache):
    heard: list[Collection[Change[Pod]]] = []
    cache.subscribe(heard.append)
    cache.apply(page(20, pod("a", 11, node="n2")))
    cache.apply(page(20, pod("c", 12, node="n2")))
    assert versions(cache) == {"a": 5, "b": 6}
    assert (on(cache, "n1"), on(cache, "n2"), heard) == ({"a", "b"}, set(), [])
    cache.apply(listing(20, pod("d", 13, node="n2")))
    assert versions(cache) == {"a": 11, "c": 12, "d": 13}
    assert (on(cache, "n1"), on(cache, "n2")) == (set(), {"a", "c", "d"})
    assert {names(change) for change in heard[0]} == {("a", "a"), (None, "c"), (None, "d"), ("b", None)}


def test_before_the_last_page_of_the_first_list_a_cache_is_not_ready():
    cache = new_cache()
    cache.apply(page(20, pod("a", 11)))
    assert not cache.is_ready
    assert cache.staleness().stale
    cache.apply(listing(20))
    assert cache.is_ready
    assert versions(cache) == {"a": 11}


def test_a_list_that_breaks_off_changes_nothing_and_the_next_begins_anew(cache, clock):
    cache.apply(page(20, pod("a", 11), pod("c", 12)))
    cache.apply(Trouble(Unavailable("gone")))
    assert versions(cache) == {"a": 5, "b": 6}
    cache.apply(page(30, pod("b", 6)))
    cache.apply(listing(30, pod("e", 25)))
    assert versions(cache) == {"b": 6, "e": 25}


def test_what_a_list_has_as_we_know_it_is_not_held_twice(cache):
    known = cache.get("a", "n")
    cache.apply(page(20, pod("a", 5, node="n1")))
    cache.apply(listing(20, pod("b", 6, node="n1")))
    assert cache.get("a", "n") is known


@pytest.mark.parametrize("listed", [True, False])
def test_an_object_written_between_pages_is_seen_at_once_and_stays(cache, listed):
    cache.apply(page(20, *([pod("c", 15)] if listed else [])))
    cache.merge(pod("c", 21))
    assert versions(cache)["c"] == 21
    cache.apply(listing(20, pod("a", 5), pod("b", 6)))
    assert versions(cache) == {"a": 5, "b": 6, "c": 21}


def test_an_answer_that_comes_late_between_pages_does_not_overrule_the_list(cache):
    cache.apply(page(20, pod("a", 5)))
    cache.merge(pod("c", 15))
    cache.merge(pod("a", 16))
    cache.apply(listing(20, pod("b", 6)))
    assert "c" not in versions(cache), "it was deleted before the list was made"


@pytest.mark.parametrize("is_before_its_page", [True, False])
def test_an_object_forgotten_between_pages_does_not_come_back(cache, is_before_its_page):
    if not is_before_its_page:
        cache.apply(page(20, pod("a", 5), pod("b", 6)))
    else:
        cache.apply(page(20, pod("b", 6)))
    cache.forget(pod("a", 5))
    cache.apply(listing(20, *([pod("a", 5)] if is_before_its_page else [])))
    assert versions(cache) == {"b": 6}
    cache.apply(changes(("MODIFIED", pod("a", 21))))
    assert versions(cache) == {"b": 6}
    cache.apply(changes(("DELETED", pod("a", 22))))
    assert cache._forgotten == set()


def test_forgetting_between_pages_leaves_a_new_object_of_that_name(cache):
    cache.apply(page(20, pod("a", 15, uid="second")))
    cache.forget(pod("a", 5))
    assert "a" not in versions(cache)
    cache.apply(listing(20, pod("b", 6)))
    assert versions(cache) == {"a": 15, "b": 6}


def test_what_is_not_served_any_more_is_cleared(cache):
    heard: list[Collection[Change[Pod]]] = []
    cache.subscribe(heard.append)
    cache.clear()
    assert versions(cache) == {}
    assert on(cache, "n1") == set()
    assert {names(change) for change in heard[0]} == {("a", None), ("b", None)}


async def test_changes_without_number_are_told_in_portions(clock):
    cache = new_cache(clock)
    heard = []
    cache.subscribe(lambda changed: heard.append(len(changed)))
    cache.apply(listing(2000, *(pod(f"p{number}", number) for number in range(1, 1201))))
    assert sum(heard) == 1200
    assert max(heard) <= 500


def test_an_api_server_restored_from_a_backup_is_believed(cache):
    cache.merge(pod("c", 15))
    cache.forget(pod("b", 6))
    heard: list[Collection[Change[Pod]]] = []
    cache.subscribe(heard.append)
    cache.apply(page(4, pod("a", 3)))
    cache.apply(listing(4, pod("b", 2)))
    assert versions(cache) == {"a": 3, "b": 2}
    assert on(cache, "n1") == set()
    assert {names(change) for change in heard[0]} == {("a", "a"), (None, "b"), ("c", None)}


def names(change: tuple[Pod | None, Pod | None]) -> tuple[str | None, str | None]:
    before, now = change
    return before.metadata.name if before else None, now.metadata.name if now else None


def test_subscribers_hear_what_was_and_what_is_until_they_leave(cache):
    heard = []
    leave = cache.subscribe(lambda changed: heard.append({names(change) for change in changed}))
    cache.apply(changes(("ADDED", pod("c", 11)), ("DELETED", pod("a", 12))))
    cache.merge(pod("d", 20))
    cache.forget(pod("b", 6))
    leave()
    cache.merge(pod("e", 21))
    assert heard == [{(None, "c"), ("a", None)}, {(None, "d")}, {("b", None)}]


def test_a_reader_keeps_what_it_read(cache):
    seen = cache.all()
    cache.apply(listing(20))
    assert len(seen) == 2


def test_trouble_is_stale_at_once_and_good_news_ends_it(cache, clock):
    assert not cache.staleness().stale
    clock.now += 20
    cache.apply(Trouble(Unavailable("connection refused")))
    assert cache.staleness().error == "connection refused"
    assert cache.staleness().stale
    assert cache.staleness().age_seconds == 20
    cache.apply(Changes([], "10"))
    assert cache.staleness().age_seconds == 0
    assert not cache.staleness().stale


def test_silence_is_stale_too(cache, clock):
    clock.now += USUAL.idle_seconds + STALE_SECONDS + 0.1
    assert cache.staleness().stale
    assert cache.staleness().error is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "delete", "relist", "pages", "merge"]),
            st.sampled_from("abc"),
            st.sampled_from(["n1", "n2"]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_content_and_indexes_follow_the_server(steps):
    cache = new_cache()
    cache.apply(listing(1))
    server: dict[str, Pod] = {}
    version = 1
    for step, name, node in steps:
        version += 1
        if step == "put" or (step == "merge" and name not in server):
            server[name] = pod(name, version, server[name].metadata.uid if name in server else f"{name}{version}", node)
            if step == "merge":
                cache.merge(server[name])
            cache.apply(changes(("MODIFIED", server[name])))
        elif step == "delete" and name in server:
            cache.apply(changes(("DELETED", pod(name, version, server.pop(name).metadata.uid))))
        elif step == "relist":
            cache.apply(listing(version, *server.values()))
        elif step == "pages":
            for found in server.values():
                cache.apply(page(version, found))
            cache.apply(listing(version))
    assert {found.metadata.name: found for found in cache.all()} == server
    for node in ("n1", "n2"):
        assert on(cache, node) == {name for name, found in server.items() if found.spec.node_name == node}
