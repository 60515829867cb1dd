"""What a client says it can read (RFC 9110, 12.5): no more of it than Genet has to tell apart."""

_PARTS = 2


def accepts_gzip(accept_encoding: str) -> bool:
    qualities = _qualities(accept_encoding)
    named = [qualities[name] for name in ("gzip", "x-gzip", "*") if name in qualities]
    return bool(named) and named[0] > 0


def prefers(accept: str, media_type: str, other: str) -> bool:
    """Whether `Accept` names `media_type`, and `other` not before it."""
    qualities = _qualities(accept)
    quality = qualities.get(media_type, 0)
    return quality > 0 and quality >= qualities.get(other, 0)


def _qualities(header: str) -> dict[str, float]:
    """By name in lower case; what is no number counts as no."""
    found: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((part[_PARTS:] for part in parameters if part.startswith("q=")), "1")
        try:
            found[name] = float(quality)
        except ValueError:
            found[name] = 0
    return found
