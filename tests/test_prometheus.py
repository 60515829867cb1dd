"""Against servers on loopback that behave as badly as real ones do."""

import asyncio
import gzip
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from genet.errors import Unavailable
from genet.prometheus import Prometheus
from tests.listening import Handler, listening

TYPE_JSON = "application/json"


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    async with listening(handler) as address:
        yield f"http://{address}"


def answering(
    body: bytes, *, status: str = "200 OK", kind: str = TYPE_JSON, length: int | None = None, extra: str = ""
):
    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        size = len(body) if length is None else length
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{extra}\r\n".encode())
        writer.write(body)
        await writer.drain()

    return handler


def matrix(*series: Mapping[str, object]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()


def vector(*series: Mapping[str, object]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}}).encode()


UP = {"metric": {"__name__": "up", "job": "dcgm"}, "value": [1700000000.5, "1"]}


async def reason(handler: Handler, **options) -> str:
    async with served(handler) as url:
        with pytest.raises(Unavailable) as raised:
            await Prometheus(url, **options).query("up")
    return raised.value.detail


async def test_samples_carry_labels_value_and_time():
    async with served(answering(vector(UP))) as url:
        (sample,) = await Prometheus(url).query("up")
    assert sample.labels == {"__name__": "up", "job": "dcgm"}
    assert (sample.value, sample.timestamp) == (1.0, 1700000000.5)


async def test_no_series_is_an_answer():
    async with served(answering(vector())) as url:
        assert await Prometheus(url).query("up") == ()


async def test_not_a_number_is_a_value_of_prometheus():
    nan = {"metric": {}, "value": [1, "NaN"]}
    inf = {"metric": {}, "value": [1, "+Inf"]}
    async with served(answering(vector(nan, inf))) as url:
        values = [sample.value for sample in await Prometheus(url).query("up")]
    assert math.isnan(values[0])
    assert math.isinf(values[1])


START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def over_three_minutes(handler: Handler):
    async with served(handler) as url:
        return await Prometheus(url).query_range("up", START, START + 3 * MINUTE, MINUTE)


async def test_a_range_has_a_value_at_every_step_and_gaps_where_there_was_none():
    first = int(START.timestamp())
    one = {"metric": {"job": "dcgm"}, "values": [[first, "1"], [first + 120, "NaN"], [first + 180, "4.5"]]}
    other = {"metric": {"job": "hami"}, "values": [[first + 60, "2"]]}
    series = await over_three_minutes(answering(matrix(one, other)))
    assert [(s.labels["job"], s.values) for s in series] == [
        ("dcgm", (1.0, None, None, 4.5)),
        ("hami", (None, 2.0, None, None)),
    ]


async def test_a_range_is_asked_for_with_its_start_its_end_and_its_step():
    asked = []

    async def handler(reader, writer):
        head = await reader.readuntil(b"\r\n")
        asked.append(parse_qs(urlsplit(head.decode().split()[1]).query))
        await answering(matrix())(reader, writer)

    assert await over_three_minutes(handler) == ()
    first = int(START.timestamp())
    assert asked == [{"query": ["up"], "start": [str(first)], "end": [str(first + 180)], "step": ["60"]}]


async def test_a_vector_is_no_range():
    with pytest.raises(Unavailable, match="something else than samples"):
        await over_three_minutes(answering(vector(UP)))


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (answering(b"<html>login</html>", kind="text/html; charset=utf-8"), "text/html instead of JSON"),
        (answering(b"<html>oops</html>"), "broken JSON"),
        (answering(vector(UP)[:-9]), "broken JSON"),
        (answering(vector(UP), length=5000), "broke off"),
        (answering(b"secret stack trace", status="500 Internal Server Error"), "HTTP status 500"),
        (answering(b"", status="302 Found", extra="Location: http://127.0.0.1:9/login\r\n"), "HTTP status 302"),
        (answering(b"{}"), "something else than samples"),
        (answering(b"[1]"), "something else than samples"),
        (answering(b'{"data":{"result":[1700000000,"1"]}}'), "something else than samples"),
        (answering(vector({"metric": {"a": 1}, "value": [1, "1"]})), "something else than samples"),
        (answering(vector({"metric": {}, "value": [1, "much"]})), "something else than samples"),
    ],
)
async def test_wrong_content_is_said_plainly(handler, said):
    detail = await reason(handler)
    assert said in detail
    assert "127.0.0.1" not in detail
    assert "secret" not in detail


async def test_nobody_listening_is_said():
    async with served(answering(b"")) as url:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"):
        await Prometheus(url).query("up")


@pytest.mark.parametrize("extra", ["", "Content-Encoding: gzip\r\n"])
async def test_an_answer_beyond_the_bound_is_refused(extra):
    body = vector(*[UP] * 100)
    body = gzip.compress(body) if extra else body
    assert "more than 1000 bytes" in await reason(answering(body, extra=extra), max_bytes=1000)


async def test_a_failing_server_is_asked_once():
    asked = 0

    async def handler(reader, writer):
        nonlocal asked
        asked += 1
        await answering(b"", status="503 Service Unavailable")(reader, writer)

    await reason(handler)
    assert asked == 1


async def silent(reader, writer):
    await reader.read()


async def drips_its_head(reader, writer):
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.01)


async def drips_its_body(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(10_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [silent, drips_its_head, drips_its_body])
async def test_the_whole_call_is_bounded_and_its_thread_ends(handler):
    async with served(handler) as url:
        prometheus = Prometheus(url, timeout_seconds=0.2)
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
            await prometheus.query("up")
        assert time.monotonic() - began < 2
        assert prometheus._asking is not None
        await asyncio.wait_for(asyncio.wait({prometheus._asking}), 2)


async def test_a_cancelled_question_frees_its_thread():
    async with served(silent) as url:
        prometheus = Prometheus(url, timeout_seconds=60)
        task = asyncio.create_task(prometheus.query("up"))
        await asyncio.sleep(0)  # one turn of the loop: the question is on its way
        assert prometheus._asking is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(asyncio.wait({prometheus._asking}), 2)


async def test_one_question_at_a_time():
    async with served(silent) as url:
        prometheus = Prometheus(url, timeout_seconds=60)
        first = asyncio.create_task(prometheus.query("up"))
        await asyncio.sleep(0)  # one turn of the loop: the question is on its way
        assert prometheus._asking is not None
        with pytest.raises(Unavailable, match="earlier question"):
            await prometheus.query("up")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


class Job(msgspec.Struct):
    job: str = ""


async def test_a_scan_reads_the_labels_it_was_asked_for_one_series_at_a_time():
    async with served(answering(vector(UP, {"metric": {}, "value": [2, "NaN"]}))) as url:
        scan = await Prometheus(url).scan("up", Job)
    assert len(scan) == 2
    assert [sample.labels for sample in scan] == [Job("dcgm"), Job("")]


async def test_a_series_that_is_none_is_said_when_its_turn_comes():
    async with served(answering(vector(UP, {"metric": {"job": "x"}, "value": [2, "much"]}))) as url:
        samples = iter(await Prometheus(url).scan("up", Job))
    assert next(samples).labels.job == "dcgm"
    with pytest.raises(Unavailable, match="something else than samples"):
        next(samples)
