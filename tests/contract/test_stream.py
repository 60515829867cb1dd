"""What the stream of the overview promises, whatever the cluster is."""

import asyncio
import json
from contextlib import asynccontextmanager

STREAM = "/api/cluster/gpu-overview/stream"


@asynccontextmanager
async def events(person, last_id=None, **params):
    """Pairs of an event's fields and its data."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with person.http.stream("GET", STREAM, params=params, headers=headers) as answer:
        assert answer.status_code == 200
        yield read(answer.aiter_lines())


async def read(lines):
    fields = {}
    async for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields, json.loads(fields["data"])
            fields = {}


def used_on(change, node):
    return sum(found["usedDevices"] for found in change["nodes"] if found["nodeName"] == node)


async def test_a_pod_that_comes_shows_on_its_node_without_being_asked_for(person):
    async with asyncio.timeout(90), events(person, format="columnar") as stream:
        fields, snapshot = await anext(stream)
        assert (fields["event"], snapshot["v"]) == ("snapshot", 1)
        await person.made("one", gpuType="gpu", gpuCount=1)
        node = (await person.sees("one", "Running"))["nodeName"]
        async for fields, change in stream:
            assert fields["event"] == "change"
            if used_on(change, node):
                break
        assert len(change["nodes"]) == len(change["types"])
        assert change["summary"]["usedDevices"] > 0


async def test_whoever_comes_back_is_told_what_happened_meanwhile(person):
    async with asyncio.timeout(90):
        async with events(person) as stream:
            first, _ = await anext(stream)
        await person.made("one", gpuType="gpu", gpuCount=1)
        node = (await person.sees("one", "Running"))["nodeName"]
        async with events(person, first["id"]) as stream:
            async for fields, change in stream:
                assert fields["event"] == "change"
                if used_on(change, node):
                    return


async def test_an_id_that_nobody_gave_gets_a_snapshot(person):
    async with asyncio.timeout(30), events(person, "elsewhere.1.member-object") as stream:
        fields, document = await anext(stream)
        assert fields["event"] == "snapshot"
        assert "acceleratorGroups" in document
