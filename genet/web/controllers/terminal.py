"""Terminals over WebSocket: binary frames are bytes of the shell, text frames are JSON about it.

Whoever may not have one is told so in an open WebSocket, as `genet.web.sockets` says.
"""

import asyncio
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketException
from litestar.params import FromPath

from genet.errors import FieldError, GenetError, Invalid, NotFound
from genet.kube.objects import Pod
from genet.kube.requests import is_finished
from genet.pods.place import Place, place
from genet.pods.terminal import End, Size
from genet.web.endings import on_end
from genet.web.guards import current_caller
from genet.web.identification import services_of
from genet.web.ownership import caller, find
from genet.web.problems import status_of
from genet.web.services import Services
from genet.web.sockets import SAID, SAYING_ALL, TERMINAL, BrowserScreen, refusal
from genet.web.telemetry import UNMEASURED


@websocket("/api/pods/{pod_id:str}/terminal", name="pods:terminal", opt={UNMEASURED: True})
async def terminal(socket: WebSocket[Any, Any, Any], pod_id: FromPath[str]) -> None:
    """A login shell of the pod. Query: `container`, `cols`, `rows`, and for administrators `owner`."""
    services = services_of(socket)
    if TERMINAL not in socket.scope["subprotocols"]:
        raise WebSocketException(code=SAID + 400, detail="invalid")
    try:
        user, pod, where, size = await _asked(socket, pod_id, services)
    except GenetError as error:
        raise refusal(error) from error
    with services.shells.terminals.shown():
        await socket.accept(subprotocols=TERMINAL)
        screen = BrowserScreen(socket)
        try:
            end = await _run(socket, services, screen, user=user, pod=pod, where=where, size=size)
        except GenetError as error:
            code = SAID + status_of(error)
            end = End(code, None if code in SAYING_ALL else error.code)
        await screen.end(end.message(), end.close)


async def _run(
    socket: WebSocket[Any, Any, Any],
    services: Services,
    screen: BrowserScreen,
    *,
    user: str,
    pod: Pod,
    where: Place,
    size: Size,
) -> End:
    own, logged_out = caller(socket), asyncio.Event()
    uid = pod.metadata.uid

    def is_gone() -> bool:
        now = next((one for one in services.pods.of(user) if one.metadata.uid == uid), None)
        return now is None or now.metadata.deletion_timestamp is not None or is_finished(now)

    stop = on_end(services, current_caller(socket), logged_out.set)
    try:
        return await services.shells.terminals(
            own.identifier,
            where,
            size,
            screen,
            logged_out=logged_out,
            check=lambda: services.identity.people.check(own),
            is_gone=is_gone,
        )
    finally:
        stop()


async def _asked(socket: WebSocket[Any, Any, Any], pod_id: str, services: Services) -> tuple[str, Pod, Place, Size]:
    """Whose pod, the pod, the container in it, and the screen's size.

    Raises:
        GenetError: there is no such thing, or not for the caller.
    """
    if not services.settings.terminal.enabled:
        raise NotFound("terminals are switched off")
    query = socket.query_params
    user, pod = await find(socket, query.get("owner"), pod_id, services)
    sides = {side: query[side] for side in ("cols", "rows") if side in query}
    try:
        size = msgspec.convert(sides, Size, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("no such screen", errors=[FieldError("cols, rows", str(error))]) from error
    return user, pod, place(pod, query.get("container")), size
