"""In which of Genet's languages a caller is answered, where an answer has sentences."""

from typing import Literal

from genet.web.guards import AnyConnection
from genet.web.negotiation import language


def spoken(connection: AnyConnection) -> Literal["en", "zh"]:
    """As the caller's browser or program says."""
    return language(connection.headers.get("accept-language", ""))
