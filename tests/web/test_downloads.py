"""What the server offers to install: a wheel that is right in itself. That it installs and works: `tests/client`."""

import base64
import csv
import hashlib
import io
import re
import zipfile
from email import message_from_bytes

import httpx
import pytest
from litestar import Litestar

from genet import __version__
from genet.settings import Auth, Settings
from genet.web.app import bounded, create_litestar
from genet.web.controllers.downloads import downloads
from genet.web.downloads import installed, packed

SETTINGS = Settings(auth=Auth(mode="dev"))
NAME = f"genet_platform-{__version__}-py3-none-any.whl"


@pytest.fixture
async def http():
    async with over(create_litestar(SETTINGS)) as client:
        yield client


def over(app: Litestar) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(bounded(app, SETTINGS)), base_url="http://localhost:8080")


async def test_the_page_leads_to_the_wheel(http):
    page = await http.get("/downloads/")
    assert page.headers["content-type"].startswith("text/html")
    ((link, digest),) = re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', page.text)
    wheel = await http.get(f"/downloads/{link}")
    assert wheel.status_code == 200
    assert link == NAME
    assert hashlib.sha256(wheel.content).hexdigest() == digest
    assert int(wheel.headers["content-length"]) == len(wheel.content)


@pytest.mark.parametrize("public_url", [None, "https://genet.example.org"])
async def test_the_page_says_what_to_type(public_url):
    async with over(Litestar(downloads(public_url))) as client:
        address = f"{public_url}/downloads/{NAME}" if public_url else "ADDRESS-OF-THIS-FILE"
        assert f"<pre>pip install {address}</pre>" in (await client.get("/downloads/")).text


async def test_what_a_client_has_is_not_sent_again(http):
    tag = (await http.get(f"/downloads/{NAME}")).headers["etag"]
    again = await http.get(f"/downloads/{NAME}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await http.get(f"/downloads/{NAME}", headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["genet_platform-9-py3-none-any.whl", "..%2f..%2fapp.py", "app.py", "%00"])
async def test_nothing_else_is_there(http, name):
    answer = await http.get(f"/downloads/{name}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_server_that_was_never_installed_offers_nothing():
    async with over(Litestar(downloads(None, lambda: None))) as client:
        for path in ("/downloads/", f"/downloads/{NAME}"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert "not installed" in answer.text


def test_the_record_holds_every_file_with_its_hash():
    wheel = installed()
    assert wheel is not None
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        stem = f"genet_platform-{__version__}.dist-info"
        rows = {
            name: (digest, size)
            for name, digest, size in csv.reader(archive.read(f"{stem}/RECORD").decode().splitlines())
        }
        assert rows.pop(f"{stem}/RECORD") == ("", "")
        assert rows.keys() | {f"{stem}/RECORD"} == set(archive.namelist())
        for name, (digest, size) in rows.items():
            content = archive.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={expected}", len(content))
        about = message_from_bytes(archive.read(f"{stem}/METADATA"))
        assert (about["Name"], about["Version"]) == ("genet-platform", __version__)
        assert archive.read(f"{stem}/entry_points.txt").decode().split() == [
            "[console_scripts]",
            "genet",
            "=",
            "genet.cli:main",
        ]


def test_it_holds_the_package_and_nothing_of_this_machine():
    wheel = installed()
    assert wheel is not None
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        names = archive.namelist()
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert {"genet/__init__.py", "genet/cli/user.py", "genet/client/login.py", "genet/py.typed"} <= set(names)
    assert modes == {0o100644}
    unwanted = ("/static/", "__pycache__", "direct_url", "INSTALLER", ".pth", "/.")
    assert not [name for name in names if any(part in name for part in unwanted)]


def test_the_same_files_are_the_same_bytes(tmp_path):
    first, again = installed(), installed()
    assert first == again
    assert packed({"b": b"1", "a": b"2"}, "r") == packed({"a": b"2", "b": b"1"}, "r")


def test_what_is_beside_the_sources_stays_here(tmp_path):
    for name in (
        "__init__.py",
        "py.typed",
        "web/static/index.html",
        "__pycache__/x.pyc",
        "x.pyc",
        ".env",
        ".git/config",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    wheel = installed(tmp_path)
    assert wheel is not None
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        assert [name for name in archive.namelist() if name.startswith("genet/")] == [
            "genet/__init__.py",
            "genet/py.typed",
        ]
