"""Who used the GPUs, over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from genet.gpus.usage.reports import By, Usage, question
from genet.web.problems import refusals
from genet.web.services import Injected


@get("/api/cluster/usage", name="cluster:usage", summary="GPU-hours", tags=["cluster"], responses=refusals(401, 503))
async def usage(
    services: Injected,
    start: Annotated[
        datetime | None, QueryParameter(name="from", description="default: seven days before `to`")
    ] = None,
    end: Annotated[datetime | None, QueryParameter(name="to", description="default: now")] = None,
    by: Annotated[By, QueryParameter(description="what the hours are added up by")] = "user",
) -> Usage:
    """GPU-hours and GPUs held now by user, type or namespace, and what is held but idle."""
    return await services.usage.report(question(start, end, by, services.clock()))
