"""The one error tree of Genet. It knows no HTTP: `genet.web.errors` maps it to problem+json in one place.

    GenetError
    |- NotFound                 the object does not exist, or is not the caller's to see
    |- Conflict                 the state of things forbids it now
    |  |- AlreadyExists         an object of that name is there
    |  |- CommitInProgress      the pod is being saved as an image already
    |- Gone                     a list or watch position is too old
    |- Forbidden                the caller may not
    |  |- NamespaceTaken        the namespace belongs to somebody else
    |  |- QuotaExceeded         Genet's own sums would pass the limit
    |  |- QuotaRefused          Kubernetes' ResourceQuota said no
    |- Invalid                  bad input; `errors` names every bad field
    |- RateLimited              too much at once; try again later
    |- Unavailable              a part Genet depends on does not answer; try again

Every error carries a stable `code` that clients may rely on, and is raised `from` its cause.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One bad field of a request: its path as the caller wrote it (`gpuDevices[1]`), and what was expected."""

    field: str
    message: str


class GenetError(Exception):
    """Base of everything Genet raises on purpose. `detail` is written for the person who made the request."""

    code: ClassVar[str] = "error"

    def __init__(
        self, detail: str, *, errors: Sequence[FieldError] = (), extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})


class NotFound(GenetError):
    code = "not_found"


class Conflict(GenetError):
    code = "conflict"


class AlreadyExists(Conflict):
    """CREATE met an object of that name."""


class CommitInProgress(Conflict):
    code = "commit_in_progress"


class Gone(GenetError):
    """A resourceVersion or a continue token is too old: list again."""

    code = "gone"


class Forbidden(GenetError):
    code = "forbidden"


class NamespaceTaken(Forbidden):
    code = "namespace_taken"


class QuotaExceeded(Forbidden):
    """`extra["quota"]` says `{resource: "pods"|"gpus", used, asked, limit}`."""

    code = "quota_exceeded"


class QuotaRefused(Forbidden):
    """The second wall: a ResourceQuota of the namespace refused the create."""

    code = "quota_exceeded"


class Invalid(GenetError):
    code = "invalid"


class RateLimited(GenetError):
    """`retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(GenetError):
    """`retry_after` is in seconds, as the other side said it, else None."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
