"""What goes on after its request was answered (streams) ends with what the caller was let in by."""

import asyncio
from collections.abc import Callable

from genet.auth.user import Caller
from genet.errors import GenetError
from genet.web.services import Services


def on_end(services: Services, caller: Caller | None, callback: Callable[[], None]) -> Callable[[], None]:
    """Have `callback` called when the caller's session or token ends, on whichever replica, or its time is over.

    Whom a proxy or dev mode vouches for has neither: for them it is called when they are disabled.

    Returns:
        What stops that; to be called when nothing goes on any more.
    """
    if caller is None:
        return lambda: None
    stops = []
    if caller.credential_id is not None:
        kept = services.identity.tokens if caller.by == "token" else services.identity.sessions
        stops.append(kept.on_end(caller.credential_id, callback))
    else:
        stops.append(services.identity.endings.on_disabled(caller.user.identifier, callback))
        try:
            services.identity.people.check(caller.user)
        except GenetError:  # since they were let in
            callback()
    if caller.until is not None:
        seconds = (caller.until - services.clock()).total_seconds()
        stops.append(asyncio.get_running_loop().call_later(max(0.0, seconds), callback).cancel)

    def stop() -> None:
        for one in stops:
            one()

    return stop
