"""Addresses in the configuration: what one must look like to be sent secrets, or to be compared with. Pure."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without brackets, is this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_safe(url: str) -> bool:
    """Whether secrets may be sent there: https, or http that does not leave this machine; no name or secret in it."""
    parts = _split(url)
    if parts is None or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_issuer(url: str) -> bool:
    """Whether it can be an issuer: as `is_safe`, and without query (OpenID Connect Discovery 1.0, section 3)."""
    return is_safe(url) and not urlsplit(url).query and "?" not in url and "#" not in url


def is_origin(url: str) -> bool:
    """Whether it is written as browsers write an origin: lower case, no path, no port that is the usual one."""
    parts = _split(url)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or url != f"{parts.scheme}://{parts.netloc}":
        return False
    is_plain = parts.netloc == parts.netloc.lower() and "@" not in parts.netloc and not parts.netloc.endswith(":")
    return is_plain and parts.port != _DEFAULT_PORTS[parts.scheme]


def _split(url: str) -> SplitResult | None:
    """The parts; None: it is no absolute address, or one that readers could read in different ways."""
    if not url.isascii() or not url.isprintable() or any(char in url for char in ' \\"<>^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname else None
