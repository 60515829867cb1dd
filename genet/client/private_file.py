"""Files that hold what nobody else may read: made so from the first byte, and never to be seen half written."""

import os
from contextlib import suppress
from pathlib import Path


def replace(file: Path, text: str) -> None:
    """Write the file as a whole; who reads it meanwhile reads what was there before. Raises OSError."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
