"""Logs, and exec over WebSocket, of pods. What the containers say is theirs; this room speaks the protocols.

exec knows v4.channel.k8s.io and v5.channel.k8s.io: every message is one byte that names the channel (0 stdin, 1 stdout,
2 stderr, 3 the final Status, 4 terminal size), then data; v5 adds 255, whose data names the channel that ends.
SPDY is not spoken: clients that know nothing newer are told so.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from aiohttp import WSMsgType, web

from genet.simulation.errors import ApiError, bad_request
from genet.simulation.faults import Faults
from genet.simulation.paths import Target, flag, number
from genet.simulation.shell import CannotStart
from genet.simulation.store import Object, Store
from genet.simulation.tty import Screen

STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_TYPED_AHEAD = 64
"""Messages that a process has not read yet."""
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

Line = tuple[datetime, str]
Write = Callable[[bytes], Awaitable[None]]


class Containers(Protocol):
    """What runs in the pods' containers."""

    def logs(self, pod: Object, container: str, *, previous: bool) -> list[Line]: ...

    def follow(self, pod: Object, container: str) -> AsyncIterator[Line]:
        """The lines so far and those to come, until the container ends."""
        ...

    async def exec(  # noqa: PLR0917 - the seven things that exec is about
        self, pod: Object, container: str, command: list[str], stdin: AsyncIterator[bytes] | None,
        screen: Screen | None, write_out: Write, write_err: Write,
    ) -> int:  # fmt: skip
        """Run the command; gives its exit code. Cancelled, it leaves the command where it is.

        Raises:
            CannotStart: there is no such program.
        """
        ...


class PodStreams:
    def __init__(self, store: Store, containers: Containers, faults: Faults) -> None:
        self._store = store
        self._containers = containers
        self._faults = faults

    async def log(self, request: web.Request, target: Target) -> web.StreamResponse:
        pod = self._store.get("pods", target.namespace or "", target.name)
        container = _container(pod, request.query.get("container", ""))
        previous = flag(request.query, "previous")
        plain = {"Content-Type": "text/plain"}
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)
        _check_started(pod, container, previous=previous)
        lines = self._containers.logs(pod, container, previous=previous)
        chosen = _chosen(lines, request, self._store.clock())
        timestamps = flag(request.query, "timestamps")
        text = b"".join(_line(line, timestamps=timestamps) for line in chosen)
        limit = number(request.query, "limitBytes") or None
        if not flag(request.query, "follow") or previous:
            return web.Response(body=text[:limit], headers=plain)
        response = web.StreamResponse(headers=plain)
        with self._faults.stream(request) as stream:
            await response.prepare(request)  # at once, also of a container that has printed nothing
            await response.write(text)
            shown = len(lines)
            async for line in self._containers.follow(pod, container):
                if shown:
                    shown -= 1
                    continue
                await stream.passage()
                await response.write(_line(line, timestamps=timestamps))
        return response

    async def exec(self, request: web.Request, target: Target) -> web.StreamResponse:
        pod = self._store.get("pods", target.namespace or "", target.name)
        query = request.query
        container = _container(pod, query.get("container", ""))
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {target.name} does not have a host assigned")
        phase = pod.get("status", {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
        command = query.getall("command", [])
        if not command:
            raise bad_request("you must specify at least one command for the container")
        socket = web.WebSocketResponse(protocols=PROTOCOLS)
        if not socket.can_prepare(request).ok:
            raise bad_request("Upgrade request required")
        if not _running(pod, container):
            message = f'container not found ("{container}")'
            raise ApiError(500, "InternalError", f"Internal error occurred: unable to upgrade connection: {message}")
        await socket.prepare(request)
        wants_input = flag(query, "stdin")
        with self._faults.stream(request) as stream:

            async def write(channel: int, data: bytes) -> None:
                await stream.passage()
                with suppress(ConnectionError):  # a process does not hear that nobody listens any more
                    await socket.send_bytes(bytes([channel]) + data)

            typed: asyncio.Queue[bytes] = asyncio.Queue(_TYPED_AHEAD)
            screen = Screen() if flag(query, "tty") else None
            reading = asyncio.create_task(_read(socket, typed, screen))
            running = asyncio.create_task(self._containers.exec(
                pod, container, command, _typed(typed) if wants_input else None, screen,
                lambda data: write(STDOUT, data), lambda data: write(STDERR, data),
            ))  # fmt: skip
            try:
                await asyncio.wait({reading, running}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    await write(STATUS, msgspec.json.encode(_outcome(running)))
                    await socket.close()
                elif screen is None and not typed.full():
                    typed.put_nowait(b"")
            finally:
                reading.cancel()
                running.cancel()
        return socket


async def _read(socket: web.WebSocketResponse, typed: asyncio.Queue[bytes], screen: Screen | None) -> None:
    """Ends when the client goes; b"" is the end of its input."""
    async for message in socket:
        data = message.data if message.type is WSMsgType.BINARY else message.data.encode()
        if data[:1] == bytes([STDIN]) and len(data) > 1:
            await typed.put(data[1:])
        elif data[:1] == bytes([RESIZE]) and screen is not None:
            size = msgspec.json.decode(data[1:])
            screen.cols, screen.rows = size["Width"], size["Height"]
        elif data == bytes([CLOSE, STDIN]):
            await typed.put(b"")


def _outcome(running: asyncio.Task[int]) -> Object:
    """The final Status, as kubelets over containerd say it."""
    try:
        return _exit_status(running.result())
    except CannotStart as error:
        why = f'exec: "{error}": executable file not found in $PATH: unknown'
        runtime = f"OCI runtime exec failed: exec failed: unable to start container process: {why}"
        return {
            "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": f"Internal error occurred: error executing command in container: {runtime}",
        }  # fmt: skip


async def _typed(queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while data := await queue.get():
        yield data


def _exit_status(code: int) -> Object:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }  # fmt: skip


def _container(pod: Object, name: str) -> str:
    names = [item["name"] for item in pod["spec"]["containers"]]
    pod_name = pod["metadata"]["name"]
    if name and name in [item["name"] for item in pod["spec"].get("initContainers") or ()]:
        return name
    if not name:
        if len(names) > 1:
            choices = " ".join(names)
            raise bad_request(f"a container name must be specified for pod {pod_name}, choose one of: [{choices}]")
        return str(names[0])
    if name not in names:
        raise bad_request(f"container {name} is not valid for pod {pod_name}")
    return name


def _state(pod: Object, container: str) -> Object:
    status = pod.get("status", {})
    states: Iterable[Object] = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    return next((item for item in states if item["name"] == container), {})


def _running(pod: Object, container: str) -> bool:
    return "running" in _state(pod, container).get("state", {})


def _check_started(pod: Object, container: str, *, previous: bool) -> None:
    status, where = _state(pod, container), f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    if previous:
        if not status.get("lastState", {}).get("terminated"):
            raise bad_request(f"previous terminated {where} not found")
        return
    state = status.get("state", {})
    if "running" in state or "terminated" in state or status.get("lastState", {}).get("terminated"):
        return
    waiting = state.get("waiting", {}).get("reason", "ContainerCreating")
    because = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    raise bad_request(f"{where} is waiting to start: {because.get(waiting, waiting)}")


def _chosen(lines: list[Line], request: web.Request, now: datetime) -> list[Line]:
    query = request.query
    if query.get("sinceSeconds") and query.get("sinceTime"):
        why = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        raise ApiError(422, "Invalid", f'PodLogOptions "" is invalid: []: Forbidden: {why}')
    if query.get("sinceSeconds"):
        since = now - timedelta(seconds=number(query, "sinceSeconds"))
        lines = [line for line in lines if line[0] >= since]
    if text := query.get("sinceTime"):
        since = datetime.fromisoformat(text).replace(microsecond=0)  # whole seconds are all the kubelet is told
        lines = [line for line in lines if line[0] >= since]
    if "tailLines" in query:
        tail = number(query, "tailLines")
        lines = lines[-tail:] if tail else []
    return lines


def _line(line: Line, *, timestamps: bool) -> bytes:
    moment, text = line
    prefix = f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z " if timestamps else ""
    return f"{prefix}{text}\n".encode()
