"""Which addresses tokens may travel to: https, and plain http on this machine alone."""

from urllib.parse import urlsplit

from genet.client.errors import ClientError, printable

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def server_url(text: str) -> str:
    """What somebody typed for a server, as its URL without a slash at the end; a bare name means https."""
    url, _, query = (text if "://" in text else f"https://{text}").partition("?")
    if query:
        raise ClientError("the server's address is what stands before the question mark", hint=f"Use {printable(url)}")
    return safe_url(url.rstrip("/"), "the server's address")


def safe_url(url: str, what: str) -> str:
    """The URL as it is; raises ClientError where a token sent there could be read on the way."""
    shown = printable(url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ClientError(f"{what} is no URL: {shown}") from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment or not url.isprintable():
        raise ClientError(f"{what} is no URL of a server: {shown}")
    if parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK):
        return url
    raise ClientError(f"{what} is not https: {shown}", hint="Plain http is used on this machine alone.")


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
