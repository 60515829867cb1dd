"""WebSockets that are refused: what the page hears of it."""

import json
from typing import Any

import aiohttp
import pytest
from litestar import Litestar, WebSocket, websocket
from litestar.exceptions import HTTPException

from genet.errors import CommitInProgress, NotFound
from genet.web.sockets import TERMINAL, refusal, telling
from tests.served import listening

REFUSALS = {
    "found": refusal(NotFound("no such pod")),
    "log-in": refusal(HTTPException(status_code=401)),
    "busy": refusal(CommitInProgress("it is being saved")),
    "bug": ValueError("a secret"),
    "framework": HTTPException(status_code=418, detail="a secret"),
}


@websocket("/{kind:str}")
async def refusing(socket: WebSocket[Any, Any, Any]) -> None:
    raise REFUSALS[socket.path_params["kind"]]


async def heard(path):
    """Messages, close code and reason."""
    app = telling(Litestar([refusing], logging_config=None))
    async with (
        listening(app) as port,
        aiohttp.ClientSession(trust_env=False) as session,
        session.ws_connect(f"http://127.0.0.1:{port}/{path}", protocols=(TERMINAL,)) as socket,
    ):
        messages = []
        while (frame := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            messages.append(json.loads(frame.data))
        return messages, frame.data, frame.extra


@pytest.mark.parametrize(
    ("path", "messages", "code", "reason"),
    [
        ("found", [], 4404, "not_found"),
        ("log-in", [], 4401, "unauthenticated"),
        ("busy", [{"type": "error", "code": "commit_in_progress"}], 4409, "commit_in_progress"),
        ("bug", [{"type": "error", "code": "internal"}], 4500, "internal"),
        ("framework", [{"type": "error", "code": "internal"}], 4500, "internal"),
        ("there/is/none", [], 4404, "not_found"),
    ],
)
async def test_a_refusal_has_the_code_of_the_same_refusal_over_http(path, messages, code, reason):
    assert await heard(path) == (messages, code, reason)
