"""Logs over HTTP: which form is answered to whom, and how it ends. What is in a stream: `tests/pods/test_follow.py`."""

from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
import pytest

from genet.auth.dev import dev_user
from genet.auth.user import Caller
from genet.pods.follow import OF_A_USER
from genet.pods.logs import Ending
from genet.web.app import create_app
from tests.replicas import cluster, kubeconfig, replica, until
from tests.served import asked, listening, served

__all__ = ["cluster", "kubeconfig", "replica"]

SAYS = ["sh", "-c", "echo line 1; echo line 2; echo line 3; sleep 3600"]
POD = "pod-alice-alice-a"
LOGS = f"/api/pods/{POD}/logs"


async def speaking(replica, cluster):
    await replica.create(name="a", command=SAYS)
    await until(lambda: len(said(cluster)) >= 3)
    await until(lambda: running(replica))


def said(cluster):
    return cluster.containers.logs(cluster.store.get("pods", "user-alice-alice", POD), "main", previous=False)


def running(replica):
    pod = replica.services.follows.look(("user-alice-alice", POD))
    return pod and pod.status.container_statuses and pod.status.container_statuses[0].state.running


def streams(cluster):
    return sum("/log" in stream._request.path for stream in cluster.api.faults._streams)


@asynccontextmanager
async def port_of(replica):
    async with served(replica.services.settings, replica.services) as port:
        yield port


@pytest.mark.parametrize(
    ("query", "headers"),
    [("&follow=true", {}), ("", {"Accept": "text/event-stream"}), ("&follow=true", {"Accept": "application/json"})],
)
async def test_who_asks_for_events_gets_them(replica, cluster, query, headers):
    await speaking(replica, cluster)
    async with port_of(replica) as port, asked(port, f"{LOGS}?user=alice{query}", headers) as answer:
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.headers["cache-control"] == "no-store"
        assert [(await answer.data("log"))["line"] for _ in range(3)] == ["line 1", "line 2", "line 3"]


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "application/json, text/event-stream"}])
async def test_others_get_the_last_lines(replica, cluster, headers):
    await speaking(replica, cluster)
    answer = await replica.ask("GET", LOGS, headers=headers)
    assert answer.json() == {"logs": "line 1\nline 2\nline 3\n", "container": "main", "truncated": False}
    answer = await replica.ask("GET", LOGS, params={"follow": "false"}, headers={"Accept": "text/event-stream"})
    assert answer.json()["container"] == "main"


async def test_a_stream_goes_on_where_the_last_id_says_on_another_replica_too(replica, cluster):
    await speaking(replica, cluster)
    async with port_of(replica) as port:
        async with asked(port, f"{LOGS}?user=alice&follow=true") as answer:
            _, fields = await answer.event()
        async with asked(port, f"{LOGS}?user=alice&follow=true", {"Last-Event-ID": fields["id"]}) as answer:
            assert [(await answer.data("log"))["line"] for _ in range(2)] == ["line 2", "line 3"]


async def test_a_client_that_hangs_up_leaves_nothing_open(replica, cluster):
    await speaking(replica, cluster)
    async with port_of(replica) as port:
        async with asked(port, f"{LOGS}?user=alice&follow=true") as answer:
            await answer.data("log")
            assert streams(cluster) == 1
        await until(lambda: streams(cluster) == 0)
        await until(lambda: not replica.services.follows._open)


async def test_a_draining_replica_ends_its_streams_without_a_word(replica, cluster):
    await speaking(replica, cluster)
    async with port_of(replica) as port, asked(port, f"{LOGS}?user=alice&follow=true") as answer:
        for _ in range(3):
            await answer.data("log")
        replica.services.drain()
        assert (await answer.event())[0] is None


async def test_a_stream_ends_with_the_time_of_its_session(replica, cluster):
    await speaking(replica, cluster)
    settings = replica.services.settings
    until_: list[datetime] = []

    async def identify(connection):
        return Caller(dev_user("alice", settings), by="session", until=until_[0] if until_ else None)

    async with listening(create_app(settings, replica.services, identify=identify)) as port:
        until_.append(replica.services.clock())
        async with asked(port, f"{LOGS}?follow=true") as answer:
            names = []
            while (name := (await answer.event())[0]) is not None:
                names.append(name)
        assert names[-1:] == ["auth"]
        await until(lambda: streams(cluster) == 0)


async def test_others_logs_are_not_found_in_any_form(replica, cluster):
    await speaking(replica, cluster)
    for params in ({}, {"follow": "true"}, {"format": "text"}):
        assert (await replica.ask("GET", LOGS, user="bob", params=params)).status_code == 404


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"follow": "true", "previous": "true"}, ["previous"]),
        ({"follow": "true", "format": "text", "previous": "true"}, ["previous", "format"]),
        ({"follow": "true", "container": "other"}, ["container"]),
        ({"format": "text", "container": "other"}, ["container"]),
        ({"format": "xml"}, ["format"]),
        ({"tailLines": "-1"}, ["tailLines"]),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(replica, cluster, params, fields):
    await speaking(replica, cluster)
    refused = await replica.ask("GET", LOGS, params=params)
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, fields)


async def test_too_many_streams_of_one_person_are_refused(replica, cluster):
    await speaking(replica, cluster)
    pod = replica.services.follows.look(("user-alice-alice", POD))
    how = {"container": None, "tail_lines": 1, "since_seconds": None, "last_id": None}
    for _ in range(OF_A_USER):
        replica.services.follows.open(pod, "alice-alice", **how)
    refused = await replica.ask("GET", LOGS, params={"follow": "true"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "30"


async def test_a_file_is_the_log_itself(replica, cluster):
    await speaking(replica, cluster)
    answer = await replica.ask("GET", LOGS, params={"format": "text"})
    assert answer.text == "line 1\nline 2\nline 3\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{POD}-main.log"'
    assert (await replica.ask("GET", LOGS, params={"format": "text", "tailLines": 1})).text == "line 3\n"
    refused = await replica.ask("GET", LOGS, params={"format": "text", "previous": "true"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_running")


async def test_of_a_huge_log_the_end_is_answered(replica, cluster):
    await speaking(replica, cluster)
    pod = cluster.store.get("pods", "user-alice-alice", POD)
    life = cluster.containers._lives_of(pod, "main")[-1]
    for number in range(9000):
        life.write(f"{number} " + "x" * 1000 + "\n", replica.services.clock())
    answer = await replica.ask("GET", LOGS, params={"tailLines": 9000})
    assert answer.status_code == 200
    seen = msgspec.json.decode(answer.content)
    lines = seen["logs"].splitlines()
    assert lines[-1].startswith("8999 ")
    assert (seen["truncated"], len(lines[0]) > 1000, len(seen["logs"]) < 8 * 2**20) == (True, True, True)


def test_of_what_is_fed_the_end_is_kept_and_no_more():
    ending = Ending(100)
    for number in range(1000):
        ending.feed(b"%04d\n" % number)
        assert sum(map(len, ending._chunks)) <= 105
    assert (ending.text()[:5], ending.text()[-5:], ending.size) == (b"0981\n", b"0999\n", 5000)


def test_of_one_line_longer_than_that_the_end_is_kept():
    ending = Ending(100)
    for _ in range(50):
        ending.feed(b"x" * 10)
    ending.feed(b"\n")
    assert ending.text() == b"x" * 99 + b"\n"
