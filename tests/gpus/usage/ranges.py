"""A Prometheus on loopback that answers range queries from a function of the question and the moments asked for."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from genet.prometheus import Prometheus
from tests.listening import listening

Found = Iterable[tuple[Mapping[str, str], Sequence[float | None]]]
"""Labels, and a value or None for each moment."""
Answer = Callable[[str, list[float]], Found | None]
"""None: out of order."""


@asynccontextmanager
async def ranges(answer: Answer, *, timeout_seconds: float = 5) -> AsyncIterator[Prometheus]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked = {name: texts[0] for name, texts in parse_qs(urlsplit(head.split()[1]).query).items()}
        start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        moments = [start + place * step for place in range(int((end - start) // step) + 1)]
        found = answer(asked["query"], moments)
        status, body = "500 Internal Server Error", b""
        if found is not None:
            result = [
                {
                    "metric": labels,
                    "values": [
                        [at, str(value)] for at, value in zip(moments, values, strict=True) if value is not None
                    ],
                }
                for labels, values in found
            ]
            status, body = "200 OK", json.dumps({"data": {"result": result}}).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()

    async with listening(serve) as address:
        yield Prometheus(f"http://{address}", timeout_seconds=timeout_seconds)
