"""The base of every settings Struct: frozen, camelCase in files, unknown keys refused."""

from typing import Annotated

import msgspec

Quantity = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$")]
"""A Kubernetes quantity: `500m`, `16Gi`."""


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One nested part of the configuration."""
