from collections.abc import AsyncIterator

import pytest

from tests.simulation.world import World, world


@pytest.fixture
async def empty() -> AsyncIterator[World]:
    async with world("empty") as it:
        yield it


@pytest.fixture
async def small() -> AsyncIterator[World]:
    async with world("small") as it:
        yield it


@pytest.fixture
async def mixed() -> AsyncIterator[World]:
    async with world("mixed") as it:
        yield it
