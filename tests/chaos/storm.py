"""Operations at random, at two replicas, and what their answers promise."""

import base64
import random
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx

from tests.chaos.pair import READY_WITHIN, Pair
from tests.chaos.people import Person

NAMES = "abcd"
AT_ONCE = 10
RUSHES = 0.1
"""Of creations, how many come with those of all other names."""
KINDS = {
    "create": 34, "delete": 13, "restart": 24, "extend": 6, "get": 5, "list": 5,
    "exec": 3, "add key": 4, "drop key": 2, "volumes": 2, "describe": 2,
}  # fmt: skip
"""And how often, of a hundred."""
ALLOWED = {
    "create": {201, 403, 409},
    "delete": {204, 404, 409},
    "restart": {202, 404, 409},
    "extend": {200, 404, 409},
    "get": {200, 404},
    "list": {200},
    "exec": {200, 404, 409},
    "add key": {201, 409},
    "drop key": {204, 404},
    "volumes": {200},
    "describe": {200, 404},
}
"""Answers besides 503."""


class Operation(NamedTuple):
    kind: str
    person: Person
    name: str
    replica: int
    seed: int


class Storm:
    def __init__(
        self,
        pair: Pair,
        people: Sequence[Person],
        modes: Sequence[dict[str, Any]],
        image: str,
        *,
        command: Sequence[str] = ("sleep", "3600"),
    ) -> None:
        """`modes` are the ways to ask for GPUs: fields of a request."""
        self._pair = pair
        self._people = people
        self._modes = modes
        self._container = {"image": image, "command": list(command)}
        self._http = httpx.Client(trust_env=False, timeout=120, limits=httpx.Limits(max_keepalive_connections=0))
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.bad: list[Any] = []

    def rage(self, seed: int, operations: int, kills: int) -> None:
        """A few operations at once; at some of them, a replica that answers them is killed, or both are."""
        chance = random.Random(seed)  # noqa: S311 # nothing secret
        plan: list[Operation] = []
        while len(plan) < operations:
            plan += self._operations(chance)
        del plan[operations:]
        every = operations // (kills + 1)
        moments = {every * (n + 1) - chance.randrange(every // 2 + 1): chance.random() for n in range(kills)}
        places = threading.Semaphore(AT_ONCE)

        def work(operation: Operation) -> None:
            operation = _aimed(operation)
            with operation.person.locks[operation.name]:
                self._do(operation)

        with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(1) as killer:
            done: list[Future[None]] = []
            killing: list[Future[None]] = []
            for number, operation in enumerate(plan):
                if number in moments:
                    for kill in killing:
                        kill.result()
                    self._pair.wait()
                    killing.append(killer.submit(self._kill, moments[number]))
                places.acquire()
                done.append(pool.submit(work, operation))
                done[-1].add_done_callback(lambda _: places.release())
            for one in [*done, *killing]:
                one.result()
        self._http.close()

    def told(self) -> str:
        """Operations by kind and outcome."""
        kinds = {
            kind: f"{kind} {count}" for kind, count in Counter(kind for kind, _ in self.outcomes.elements()).items()
        }
        for (kind, outcome), count in sorted(self.outcomes.items()):
            kinds[kind] += f"{' (' if '(' not in kinds[kind] else ', '}{outcome}: {count}"
        return "; ".join(text + ")" for _, text in sorted(kinds.items()))

    def _operations(self, chance: random.Random) -> list[Operation]:
        """One; now and then, somebody asks for a pod of every name at once, at both replicas."""
        one = self._operation(chance)
        if one.kind != "create" or chance.random() > RUSHES:
            return [one]
        return [
            Operation("create", one.person, name, number % 2, chance.randrange(2**32))
            for number, name in enumerate(NAMES)
        ]

    def _operation(self, chance: random.Random) -> Operation:
        [kind] = chance.choices(list(KINDS), list(KINDS.values()))
        # a quarter of the people does half of everything, so that they get in each other's way
        busy = self._people[: max(1, len(self._people) // 4)]
        person = chance.choice(busy if chance.random() < 0.4 else self._people)
        return Operation(kind, person, chance.choice(NAMES), chance.randrange(2), chance.randrange(2**32))

    def _kill(self, when: float) -> None:
        time.sleep(0.05 + when * 0.4)  # somewhere in the middle of what is under way; nothing depends on it
        victims = (0, 1) if when < 0.2 else (int(when * 1000) % 2,)
        for victim in victims:
            self._pair.kill(victim)
        for victim in victims:
            self._pair.start(victim)

    # --- one operation

    def _do(self, operation: Operation) -> None:
        kind, person, name, _, seed = operation
        chance = random.Random(seed)  # noqa: S311 # nothing secret
        path = f"/api/pods/{person.pod(name)}"
        key_path = f"/api/profile/ssh-keys/{person.key_ids.get(name, '0' * 16)}"
        calls: dict[str, tuple[str, str, Any]] = {
            "create": ("POST", "/api/pods", self._request(chance, name)),
            "delete": ("DELETE", path, None),
            "restart": ("POST", f"{path}/restart", None),
            "extend": ("POST", f"{path}/extend", {"hours": chance.randint(1, 10)}),
            "get": ("GET", path, None),
            "list": ("GET", "/api/pods", None),
            "exec": ("POST", f"{path}/exec", {"command": ["echo", "hi"]}),
            "add key": ("POST", "/api/profile/ssh-keys", {"name": name, "key": public_key(chance)}),
            "drop key": ("DELETE", key_path, None),
            "volumes": ("GET", "/api/volumes", None),
            "describe": ("GET", f"{path}/describe", None),
        }
        answer = self._ask(operation, *calls[kind])
        self.outcomes[kind, str(answer.status_code) if answer is not None else "no answer"] += 1
        if answer is not None and answer.status_code not in ALLOWED[kind] | {503}:
            self.bad.append((operation, answer.status_code, answer.text))
        if kind in ("add key", "drop key"):
            self._promise_key(operation, answer)
        else:
            self._promise(operation, answer)

    def _request(self, chance: random.Random, name: str) -> dict[str, Any]:
        return {**self._container, "name": name, **chance.choice(self._modes)}

    def _ask(self, operation: Operation, method: str, path: str, body: Any) -> httpx.Response | None:
        """Of the replica of this operation, or, as a load balancer would, of the other one where nobody listens."""
        deadline = time.monotonic() + READY_WITHIN
        number = operation.replica
        while True:
            try:
                return self._http.request(
                    method, f"{self._pair.url(number)}{path}", params={"user": operation.person.name}, json=body
                )
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "no replica listens"
                number = 1 - number
                time.sleep(0.05)
            except httpx.TransportError:
                return None

    def _promise(self, operation: Operation, answer: httpx.Response | None) -> None:
        kind, person, name, *_ = operation
        status = answer.status_code if answer is not None else 503
        due = person.pods[name]
        if due == "there" and (status == 404 or (kind == "create" and status == 201)):
            self.bad.append((operation, "it was lost", answer.text if answer is not None else None))
        if kind == "create" and status == 503:
            person.cut.add(person.pod(name))
        if kind == "create" and (status == 201 or (status == 503 and due == "gone")):
            person.pods[name] = "there" if status == 201 else "open"
        if kind == "delete" and (status == 204 or (status in (409, 503) and due == "there")):
            person.pods[name] = "gone" if status == 204 else "open"

    def _promise_key(self, operation: Operation, answer: httpx.Response | None) -> None:
        kind, person, name, *_ = operation
        status = answer.status_code if answer is not None else 503
        if kind == "add key" and status == 201 and answer is not None:
            person.key_ids[name] = answer.json()["id"]
            person.keys[person.key_ids[name]] = "there"
        elif kind == "drop key" and name in person.key_ids:
            key = person.key_ids[name]
            if status == 404 and person.keys[key] == "there":
                self.bad.append((operation, "a key was lost"))
            if status in (204, 503):
                person.keys[key] = "gone" if status == 204 or person.keys[key] == "gone" else "open"


def _aimed(operation: Operation) -> Operation:
    """Mostly at something that is there: of what is not there, there is little to be told."""
    kind, person, name, replica, seed = operation
    chance = random.Random(seed)  # noqa: S311 # nothing secret
    there = [other for other in NAMES if person.pods[other] != "gone"]
    if kind == "create" or not there or chance.random() < 0.25:
        return operation
    return Operation(kind, person, name if name in there else chance.choice(there), replica, seed)


def public_key(chance: random.Random) -> str:
    kind = b"ssh-ed25519"
    blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", 32) + chance.randbytes(32)
    return f"{kind.decode()} {base64.b64encode(blob).decode()} storm"
