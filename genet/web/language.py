"""In which of Genet's languages a caller is answered, where an answer has sentences."""

from typing import Literal

from genet.web.guards import AnyConnection
from genet.web.negotiation import language


def spoken(connection: AnyConnection) -> Literal["en", "zh"]:
    """As the caller's browser or program says."""
    headers = connection.scope["headers"]  # as they are: pages ask every two seconds, and need no mapping for it
    value = next((value for name, value in headers if name.lower() == b"accept-language"), b"")
    return language(value.decode("latin-1"))
