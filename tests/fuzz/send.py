"""Made-up requests, as the OpenAPI document allows them and as it does not, and what must hold of every answer.

    python -m tests.fuzz.send SERVER COUNT SEED FILE

Runs in an environment of its own that has schemathesis (see `make fuzz`). FILE says who asks, and for whom: a list of
`{"headers": {…}, "query": {…}, "known": {"node_name": […], …}}`. What does not exist is refused before anything else is
looked at, so most requests name something that is there, and somebody always has pods.

Held of every answer: no server's fault (5xx); a refusal is a problem with a code; one of fields (422) names each of
them; and status, media type and body are what the document says. Streams are left once their head has come.
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

BATCH: Final = 20
"""Requests of one operation in a row."""
_TIMEOUT: Final = (5, 60)
_STREAM: Final = "text/event-stream"
_CONFORMS: Final = [content_type_conformance, response_schema_conformance]
_MOST_COMPLAINTS: Final = 200
_TELL_EVERY: Final = 1000
_TRUE_TO_LIFE: Final = 0.85
"""Share of requests that name what is there."""
_POD: Final = {"image": "debian:13", "command": ["sleep", "99999"]}
_KINDS: Final = {"/api/pods": "pod_id", "/api/tokens": "token_id", "/api/profile/ssh-keys": "key_id"}


class Sender:
    def __init__(self, server: str, world: list[dict[str, Any]], dice: random.Random) -> None:
        self._server = server
        self._world = world
        self._dice = dice
        self._session = requests.Session()
        self._session.trust_env = False
        self.counts: Counter[tuple[str, int]] = Counter()
        self.complaints: dict[str, str] = {}
        self.longest = 0.0

    @property
    def sent(self) -> int:
        return self.counts.total()

    def send(self, case: Any) -> None:
        asker = self._dice.choice(self._world)
        self._choose(case, asker["known"], asker["query"])
        told = case.as_transport_kwargs(base_url=self._server)
        told["headers"] = {**dict(told.get("headers") or {}), **asker["headers"]}
        began = time.monotonic()
        try:
            answer = self._session.request(**told, stream=True, timeout=_TIMEOUT, allow_redirects=False)
        except (requests.exceptions.InvalidHeader, UnicodeError):
            return  # no request that could be sent
        self.longest = max(self.longest, time.monotonic() - began)
        name = f"{case.operation.method.upper()} {case.operation.path}"
        self.counts[name, answer.status_code] += 1
        is_stream = answer.headers.get("Content-Type", "").startswith(_STREAM)
        try:
            complaint = self._complaint(answer, is_stream=is_stream) or self._differs(case, answer)
        finally:
            answer.close()
        if complaint is not None and len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.setdefault(f"{name} {answer.status_code}: {complaint}", _curl(told, answer, is_stream))
        if answer.status_code == requests.codes.created and not is_stream:
            self._learn(answer, asker["known"])

    def prepare(self) -> None:
        """Two pods to everybody; what was made by chance goes, or nobody would have room for more."""
        for asker in self._world:
            ask = {"headers": asker["headers"], "params": asker["query"], "timeout": _TIMEOUT}
            there = [pod["id"] for pod in self._session.get(f"{self._server}/api/pods", **ask).json()["pods"]]
            for extra in there[4:]:
                self._session.delete(f"{self._server}/api/pods/{extra}", **ask)  # gone already, perhaps
            for _ in range(2 - len(there)):
                made = self._session.post(f"{self._server}/api/pods", json=_POD, **ask)
                if made.ok:  # or those that go still count
                    there.append(made.json()["id"])
            asker["known"]["pod_id"] = there[:4]

    def _choose(self, case: Any, known: dict[str, list[str]], query: dict[str, str]) -> None:
        is_asked_for_somebody = case.query is not None and self._dice.random() < _TRUE_TO_LIFE
        if is_asked_for_somebody:
            case.query.update({name: value for name, value in query.items() if name in _parameters(case)})
        for values in (case.path_parameters, case.query):
            for name in values or ():
                there = known.get(name)
                # what is deleted is not there for the others
                often = _TRUE_TO_LIFE if case.operation.method != "delete" else 0.1
                if there and self._dice.random() < often:
                    values[name] = self._dice.choice(there)

    def _learn(self, answer: requests.Response, known: dict[str, list[str]]) -> None:
        id_ = answer.json().get("id")
        kind = _KINDS.get(answer.request.path_url.partition("?")[0])
        if isinstance(id_, str) and kind is not None:
            known[kind] = [*known.get(kind, []), id_][-10:]

    def _complaint(self, answer: requests.Response, *, is_stream: bool) -> str | None:
        status = answer.status_code
        if status >= 500:
            return "a server's fault"
        if status < 400:
            return None
        if is_stream or answer.headers.get("Content-Type", "").partition(";")[0] != "application/problem+json":
            return f"a refusal as {answer.headers.get('Content-Type')}"
        problem = answer.json()
        if not problem.get("code") or not problem.get("detail") or problem.get("status") != status:
            return "a problem without code, detail or its status"
        if status == 422:
            errors = problem.get("errors")
            # a body that is no object has no field to name
            whole = [error for error in errors or () if not error["field"] and "object" not in error["message"]]
            if not errors or whole:
                return "no field is named"
        return None

    def _differs(self, case: Any, answer: requests.Response) -> str | None:
        if "json" not in answer.headers.get("Content-Type", "json"):
            return None
        try:
            case.validate_response(answer, checks=_CONFORMS)
        except (FailureGroup, Failure) as error:
            found = error.exceptions if isinstance(error, FailureGroup) else [error]
            return "; ".join(" ".join(str(one).split()) for one in found)[:300]
        return None


def _parameters(case: Any) -> set[str]:
    return {parameter.name for parameter in case.operation.query}


def _curl(told: dict[str, Any], answer: requests.Response, is_stream: bool) -> str:
    body = told.get("data", told.get("json"))
    text = "" if is_stream else answer.text[:400]
    return f"{told['method']} {answer.request.path_url} {body!r}"[:600] + f"\n      -> {text}"


def _batches(operations: list[Any]) -> Iterator[tuple[Any, GenerationMode]]:
    for mode in cycle((GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
        for operation in operations:
            yield operation, mode


def main(server: str, count: int, number: int, file: str) -> int:
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123 # nothing of the project is imported here
        world = json.load(opened)
    dice = random.Random(number)  # noqa: S311 # no secret
    schema = schemathesis.openapi.from_url(f"{server}/api/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    sender = Sender(server, world, dice)
    began = time.monotonic()
    told = 0
    try:
        for operation, mode in _batches(operations):
            if sender.sent >= count:
                break
            if sender.sent - told >= _TELL_EVERY:
                told = sender.sent
                print(f"{told} requests, {len(sender.complaints)} kinds of answers are wrong", flush=True)
            sender.prepare()
            _batch(sender, operation, mode, dice.getrandbits(32))
    except KeyboardInterrupt:
        print("interrupted; so far:")
    _report(sender, time.monotonic() - began, number)
    return 1 if sender.complaints else 0


def _batch(sender: Sender, operation: Any, mode: GenerationMode, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        sender.send(case)

    try:
        run()
    except Exception as error:  # noqa: BLE001 # said, and the rest goes on
        if "Unsatisfiable" not in type(error).__name__:  # what takes nothing cannot be asked wrongly
            causes = getattr(error, "exceptions", [error])  # what did not come again is told by what it was at first
            sender.complaints.setdefault(
                f"{operation.method} {operation.path}: {type(error).__name__}", repr(causes)[:600]
            )


def _report(sender: Sender, seconds: float, number: int) -> None:
    for (name, status), times in sorted(sender.counts.items()):
        print(f"{times:7}  {status}  {name}")
    statuses = Counter[int]()
    for (_, status), times in sender.counts.items():
        statuses[status] += times
    told = ", ".join(f"{times} x {status}" for status, times in sorted(statuses.items()))
    print(f"{sender.sent} requests in {seconds:.0f} s, seed {number}, the slowest {sender.longest:.1f} s: {told}")
    for complaint, example in sender.complaints.items():
        print(f"WRONG {complaint}\n      {example}")
    print(f"{len(sender.complaints)} kinds of answers are wrong")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
