"""What ssh is started with: checked words of the server's, put together here."""

import base64
import hashlib

import pytest

from genet.client import ssh
from genet.client.errors import ClientError
from genet.client.pods import Connection, Pod

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(range(32))).decode()
FINGERPRINT = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(BLOB)).digest()).decode().rstrip("=")
TO = ssh.Target("root", "10.0.0.1", 30022)


def pod(line: str | None, status: str = "Running") -> Pod:
    return Pod(id="pod-alice-a", name="a", status=status, connection=Connection(line))


@pytest.mark.parametrize(
    ("line", "to"),
    [
        ("ssh -p 30022 root@10.0.0.1", TO),
        ("ssh root@10.0.0.1 -p 30022", TO),
        ("ssh root@node1.example.org", ssh.Target("root", "node1.example.org", 22)),
        ("ssh -p 30022 root@2001:db8::1", ssh.Target("root", "2001:db8::1", 30022)),
    ],
)
def test_user_address_and_port_are_taken(line, to):
    assert ssh.target(pod(line)) == to


@pytest.mark.parametrize(
    "line",
    [
        "ssh -oProxyCommand=evil root@10.0.0.1",
        "ssh -p 30022 root@-oProxyCommand=evil",
        "ssh -p 30022 -oProxyCommand=evil@10.0.0.1",
        "ssh -p 30022 root@10.0.0.1; evil",
        "ssh -p 30022 root@10.0.0.1 evil",
        "ssh -p 99999 root@10.0.0.1",
        "ssh -p 0 root@10.0.0.1",
        "ssh -p 30022 root@10.0.0.1\n",
        "telnet 10.0.0.1",
        "",
    ],
)
def test_words_that_could_run_something_here_are_refused(line):
    with pytest.raises(ClientError, match="words that are not used"):
        ssh.target(pod(line))


def test_a_pod_without_a_way_in_says_so():
    with pytest.raises(ClientError, match="while it is Pending"):
        ssh.target(pod(None, "Pending"))


def test_what_the_person_typed_stands_behind_the_address(tmp_path):
    words = ssh.arguments(TO, tmp_path / "hosts", ["-i", "key", "ls"])
    assert words[-4:] == ["10.0.0.1", "-i", "key", "ls"]
    assert "StrictHostKeyChecking=yes" in words
    assert f"UserKnownHostsFile={tmp_path / 'hosts'}" in words
    assert ssh.arguments(TO, None, []) == ["ssh", "-p", "30022", "-l", "root", "10.0.0.1"]


def test_only_the_host_key_that_genet_names_is_believed():
    scanned = f"# 10.0.0.1:30022 SSH-2.0\n[10.0.0.1]:30022 ssh-ed25519 {BLOB}\n10.0.0.1 ssh-rsa AAAA\n"
    assert ssh.known_hosts(TO, scanned, [FINGERPRINT]) == f"[10.0.0.1]:30022 ssh-ed25519 {BLOB}\n"
    with pytest.raises(ClientError, match="is not the pod"):
        ssh.known_hosts(TO, scanned, ["SHA256:" + "A" * 43])
    with pytest.raises(ClientError, match="does not answer"):
        ssh.known_hosts(TO, "", [FINGERPRINT])


def test_a_block_for_the_configuration(tmp_path):
    assert ssh.config(pod(""), TO, None).splitlines() == [
        "Host pod-alice-a", "  HostName 10.0.0.1", "  Port 30022", "  User root"
    ]  # fmt: skip
    assert "StrictHostKeyChecking yes" in ssh.config(pod(""), TO, tmp_path)
