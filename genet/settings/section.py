"""The base of every settings Struct: frozen, camelCase in files, unknown keys refused."""

from typing import Annotated

import msgspec

Quantity = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")]
"""A Kubernetes quantity: `500m`, `16Gi`."""


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One nested part of the configuration."""


SECRET = "secret"  # noqa: S105 # the name of a mark
"""Key in a JSON Schema's extra part: the value is masked wherever the configuration is shown."""
Secret = Annotated[str, msgspec.Meta(min_length=1, extra={SECRET: True}, extra_json_schema={"writeOnly": True})]
"""A value that is never shown: give it by the environment, not in the file."""
