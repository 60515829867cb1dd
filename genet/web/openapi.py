"""What Litestar cannot say of an answer: that one status comes in several media types.

It describes one media type per status. So further ones are described under statuses that HTTP does not have, and
`Alternatives` puts them where they belong.
"""

from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIResponse, Operation

_BEYOND: Final = 1000


def also(status: int, schema: Any, media_type: str, *, number: int = 1) -> dict[int, ResponseSpec]:
    """One more media type of a status, the `number`-th; for handlers whose `operation_class` is `Alternatives`."""
    return {number * _BEYOND + status: ResponseSpec(schema, media_type=media_type, generate_examples=False)}


@dataclass
class Alternatives(Operation):
    def __post_init__(self) -> None:
        responses = self.responses or {}
        for status in [status for status in responses if int(status) > _BEYOND]:
            further, known = responses.pop(status), responses[str(int(status) % _BEYOND)]
            if isinstance(further, OpenAPIResponse) and isinstance(known, OpenAPIResponse):
                known.content = {**(known.content or {}), **(further.content or {})}
