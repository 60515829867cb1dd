"""What people install: the wheel in a fresh environment, with nothing beside it but what it asks for, logs in."""

import asyncio
import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genet import __version__
from genet.settings import Auth, Settings
from genet.web.app import bounded, create_litestar
from tests.client import wheelhouse
from tests.client.issuer import Issuer
from tests.processes import environment
from tests.served import listening

PERSON = Path(__file__).parent / "person_with_browser.py"
BASE = {"httpx", "msgspec", "wsproto"}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    directory: Path = tmp_path_factory.mktemp("wheelhouse")
    wheelhouse.fill(directory, wheelhouse.base_requirements())
    return directory


@pytest.fixture
def fresh(tmp_path) -> Path:
    """An environment with nothing in it, not even pip: that of the tests works on it."""
    directory: Path = tmp_path / "fresh"
    venv.create(directory, with_pip=False, symlinks=True)
    return directory


@pytest.fixture
async def server() -> AsyncIterator[str]:
    settings = Settings(auth=Auth(mode="dev"))
    async with listening(bounded(create_litestar(settings), settings)) as port:
        yield f"http://127.0.0.1:{port}"


def install(fresh: Path, house: Path, *what: str) -> None:
    done = pip(fresh, "install", "--no-index", "--find-links", str(house), *what)
    assert done.returncode == 0, done.stderr


def pip(fresh: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", fresh / "bin" / "python", *arguments],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def logs_in(fresh: Path, issuer: Issuer, home: Path) -> None:
    env = environment(XDG_CACHE_HOME=str(home), HOME=str(home), BROWSER=f"{sys.executable} {PERSON} %s")
    for arguments in (["login", issuer.url], ["whoami"], ["credential", "--issuer", issuer.url]):
        done = subprocess.run(
            [fresh / "bin" / "genet", *arguments], env=env, cwd=home, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"]["token"] == issuer.id_tokens[-1]


def has_only_the_command_line(fresh: Path, home: Path) -> None:
    assert {item["name"] for item in json.loads(pip(fresh, "list", "--format", "json").stdout)}.isdisjoint(
        {"litestar", "kubernetes", "cryptography"}
    )
    done = subprocess.run(
        [fresh / "bin" / "genet", "serve"], env=environment(HOME=str(home)), cwd=home, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'genet-platform[server]'" in done.stderr


def test_the_base_install_asks_for_little():
    assert {requirement.name for requirement in wheelhouse.base_requirements()} == BASE


def test_the_wheel_of_a_release_logs_in(tmp_path, fresh, house, issuer):
    wheel = wheelhouse.build(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        assert "genet/web/static/index.html" in archive.namelist()
    install(fresh, house, str(wheel))
    logs_in(fresh, issuer, tmp_path)
    has_only_the_command_line(fresh, tmp_path)


async def test_the_wheel_that_the_server_offers_logs_in(tmp_path, fresh, house, issuer, server):
    await asyncio.to_thread(install, fresh, house, "--find-links", f"{server}/downloads/", "genet-platform")
    await asyncio.to_thread(logs_in, fresh, issuer, tmp_path)
    await asyncio.to_thread(has_only_the_command_line, fresh, tmp_path)


async def test_the_wheel_that_the_server_offers_installs_from_its_address(tmp_path, fresh, house, server):
    address = f"{server}/downloads/genet_platform-{__version__}-py3-none-any.whl"
    await asyncio.to_thread(install, fresh, house, address)
    done = subprocess.run([fresh / "bin" / "genet", "--version"], check=True, capture_output=True, text=True)  # noqa: ASYNC221
    assert done.stdout == f"genet {__version__}\n"
    done = await asyncio.to_thread(pip, fresh, "check")
    assert done.returncode == 0, done.stdout
