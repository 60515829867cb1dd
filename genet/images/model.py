"""What is asked and answered about saving a pod as an image."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

State = Literal["none", "pending", "running", "succeeded", "failed"]


class CommitRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    image: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    """`NAME[:TAG]` within the person's own part of the registry, or the same written out from the registry on."""


class CommitStarted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    job_name: str


class CommitStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of the last time that this pod was saved, as long as that is remembered."""

    status: State
    image: str | None = None
    """As a new pod would name it."""
    message: str | None = None
    """What is being done, or what went wrong and what to do."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    logs: str = ""
    """The last lines of what the Job said."""
