"""A Prometheus on loopback that answers each query from what a test gives it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from genet.prometheus import Sample
from tests.listening import listening


class Answers:
    """What it says. `samples` are the series there are; `faults` are HTTP statuses by words of the query."""

    def __init__(self) -> None:
        self.samples: list[Sample[dict[str, str]]] = []
        self.past: dict[str, list[Sample[dict[str, str]]]] = {}
        """By words of the query: answers to questions about the past."""
        self.faults: dict[str, int] = {}
        self.unanswered: str | None = None
        """Words of the questions that are never answered; none in particular: of all."""
        self.asked: list[str] = []

    def answer(self, query: str) -> tuple[int, bytes]:
        self.asked.append(query)
        for words, status in self.faults.items():
            if words in query:
                return status, b""
        if query.startswith("max_over_time"):
            found = next((samples for words, samples in self.past.items() if words in query), [])
        else:
            named = re.fullmatch(r'\{__name__=~"(.*)"\}', query)
            pattern = re.compile(named[1] if named else re.escape(query))
            found = [sample for sample in self.samples if pattern.fullmatch(sample.labels["__name__"])]
        series = [{"metric": sample.labels, "value": [1, str(sample.value)]} for sample in found]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}}).encode()


@asynccontextmanager
async def prometheus() -> AsyncIterator[tuple[Answers, str]]:
    """What it will say, and its URL."""
    answers = Answers()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        query = parse_qs(urlsplit(head.split()[1]).query)["query"][0]
        status, body = answers.answer(query)
        if answers.unanswered is not None and answers.unanswered in query:
            await asyncio.Event().wait()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 {status} Said\r\n{kind}Connection: close\r\n\r\n".encode() + body)

    async with listening(serve) as address:
        yield answers, f"http://{address}"
