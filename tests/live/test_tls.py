"""HTTPS that the server ends itself: which versions it speaks, and what it says of files that do not do."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.certificates import Authority
from tests.processes import GENET, configuration, environment, free_port, program, until


def hello(version: str) -> bytes:
    """A ClientHello that offers this version at the most; today's OpenSSL would not send the older ones."""
    groups, formats, signatures = "000a000400020017", "000b00020100", "000d000400020403"
    extensions = bytes.fromhex(groups + formats + signatures)
    body = bytes.fromhex(version) + bytes(32) + bytes.fromhex("000002c02b0100")
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes.fromhex("160301") + len(message).to_bytes(2, "big") + message


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority")).create()


def config(directory: Path, kubeconfig: str, certificate: Path, key: Path) -> Path:
    file = configuration(directory, kubeconfig)
    document = yaml.safe_load(file.read_text())
    document["server"]["tls"] = {"certFile": str(certificate), "keyFile": str(key)}
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture(scope="module")
def port(cluster: dict[str, str], authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory, found = tmp_path_factory.mktemp("tls"), free_port()
    file = config(directory, cluster["kubeconfig"], *authority.issue(directory))
    with program([*GENET, "serve", "--config", str(file), "--port", str(found)], log=directory / "log") as process:
        trusted = ssl.create_default_context(cafile=str(authority.ca_file))

        def is_ready() -> bool:
            assert process.poll() is None, (directory / "log").read_text()
            try:
                return httpx.get(f"https://localhost:{found}/readyz", verify=trusted, trust_env=False).is_success
            except httpx.TransportError:
                return False

        until(is_ready)
        yield found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_speaks_tls_with_the_certificate_it_was_given(
    port: int, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as spoken,
    ):
        assert spoken.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


@pytest.mark.parametrize(("version", "is_spoken"), [("0301", False), ("0302", False), ("0303", True)])
def test_it_speaks_nothing_older(port: int, version: str, is_spoken: bool) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(hello(version))
        answer = plain.recv(7)
    server_hello, alert, protocol_version = 22, 21, 70
    assert answer[0] == server_hello if is_spoken else (answer[0], answer[6]) == (alert, protocol_version)


def test_plain_http_is_not_answered_on_its_port(port: int) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{port}/healthz", trust_env=False)


def test_files_that_do_not_do_stop_the_start_and_are_named(
    cluster: dict[str, str], authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue(tmp_path)
    _, key_of_another = authority.issue(tmp_path, "other")
    for pair, said in [
        ((tmp_path / "nothing.pem", key), "server.tls.certFile"),
        ((certificate, tmp_path / "nothing.key"), "server.tls.keyFile"),
        ((certificate, key_of_another), "are no certificate and its key"),
        ((certificate, certificate), "are no certificate and its key"),
    ]:
        file = config(tmp_path, cluster["kubeconfig"], *pair)
        command = [*GENET, "serve", "--config", str(file), "--port", str(free_port())]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
