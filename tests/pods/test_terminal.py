"""What waits between a screen and its shell; everything else of terminals is tested over real sockets."""

import asyncio

import pytest

from genet.pods.terminal import MOST_BYTES, _Typed


async def test_what_is_not_read_is_not_taken():
    typed = _Typed()
    await typed.put(b"a" * MOST_BYTES)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await typed.put(b"b")
    assert await typed.get() == b"a" * MOST_BYTES
    await typed.put(b"c")
    assert await typed.get() == b"c"
