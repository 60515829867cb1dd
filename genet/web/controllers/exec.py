"""One command in a pod over HTTP; it ends when its client hangs up, and with what let its client in."""

import asyncio

from litestar import post
from litestar.params import JSONBody

from genet.pods.exec import ExecRequest, ExecResult, unusable
from genet.pods.place import place, unknown
from genet.web.body import Body, BodyDTO
from genet.web.endings import on_end
from genet.web.guards import AnyRequest, current_caller
from genet.web.ownership import Owner, PodId, caller, find
from genet.web.problems import refusals
from genet.web.services import Injected
from genet.web.telemetry import UNMEASURED


@post(
    "/api/pods/{pod_id:str}/exec",
    name="pods:exec",
    summary="Run a command in a pod",
    tags=["pods"],
    dto=BodyDTO,
    return_dto=None,
    status_code=200,
    opt={UNMEASURED: True},
    responses=refusals(401, 403, 404, 409, 413, 415, 429, 503),
)
async def exec_in_pod(
    request: AnyRequest,
    services: Injected,
    pod_id: PodId,
    data: JSONBody[Body[ExecRequest]],
    owner: Owner = None,
) -> ExecResult:
    """Run a command to its end.

    It is killed, with all it started, at its time-out, when the client hangs up, and when the client's session or token
    ends.
    """
    _, pod = await find(request, owner, pod_id, services)
    wanted = data.checked([*unusable(data.value.command), *unknown(pod, data.value.container)])
    gone = asyncio.Event()
    listening = asyncio.create_task(_hear(request, gone))
    stop = on_end(services, current_caller(request), gone.set)
    try:
        return await services.shells.exec(
            caller(request).identifier, place(pod, wanted.container), wanted.command, wanted.timeout_seconds, gone
        )
    finally:
        stop()
        listening.cancel()


async def _hear(request: AnyRequest, gone: asyncio.Event) -> None:
    """Sets `gone` when the client has hung up."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            gone.set()
            return
