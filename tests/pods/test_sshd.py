"""The script that starts sshd in a pod, run by real shells; and what sshd is told."""

import os
import re
import shutil
import subprocess

import pytest

from genet.pods import sshd
from genet.pods.sshd import CONFIGURATION, START

SHELLS = [
    shell
    for shell in (["/bin/dash"], ["/bin/bash", "--posix"], ["/bin/bash"], ["busybox", "sh"])
    if shutil.which(shell[0])
]


def configured(shell, directory, **env):
    """What the script makes of the configuration in a container with that environment."""
    (directory / "sshd_config").write_text("Port 22\n")
    script = START.replace(sshd.DIRECTORY, str(directory)).replace("if [ -x /usr/sbin/sshd ]", "if false")
    done = subprocess.run(
        [*shell, "-c", f"{script}\ngenet_sshd_configuration"],
        env={"PATH": "/opt/conda/bin:/usr/bin:/bin", "HOME": "/root", **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def variables(text):
    (line,) = re.findall(r"^SetEnv (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in re.findall(r'"([^"]*)"', line))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_sessions_get_the_environment_of_the_container_in_one_line(shell, tmp_path):
    text = configured(shell, tmp_path, GREETING="guten  Tag $HOME `id` 'x' #1", EMPTY="", NVIDIA_VISIBLE_DEVICES="void")
    assert text.startswith("Port 22\n")
    seen = variables(text)
    assert seen["GREETING"] == "guten  Tag $HOME `id` 'x' #1"
    assert seen["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert seen["EMPTY"] == ""
    assert seen["PATH"] == seen["GENET_PATH"] == "/opt/conda/bin:/usr/bin:/bin"
    assert not seen.keys() & {"HOME", "PWD", "SHLVL", "_"}


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_no_value_can_add_a_line_or_a_word_to_the_configuration(shell, tmp_path):
    lines = 'a\nPasswordAuthentication yes\nexport B="x"\n'
    text = configured(shell, tmp_path, LINES=lines, QUOTES='x" PermitRootLogin="yes', BACK="a\\")
    assert len(text.splitlines()) == 2
    assert variables(text).keys().isdisjoint({"LINES", "QUOTES", "BACK"})


@pytest.mark.skipif(not os.path.exists("/usr/sbin/sshd"), reason="no sshd here")  # noqa: PTH110
def test_sshd_takes_the_configuration(tmp_path):
    """Its own word on what holds (`-T`)."""
    (tmp_path / "key").write_text(sshd.new_host_key().private)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "config").write_text(re.sub(r"HostKey .*", f"HostKey {tmp_path / 'key'}", CONFIGURATION))
    said = subprocess.run(
        ["/usr/sbin/sshd", "-T", "-f", str(tmp_path / "config")], capture_output=True, text=True, check=True
    ).stdout
    for line in ("passwordauthentication no", "permitrootlogin without-password", "authenticationmethods publickey"):
        assert line in said


def test_keys_only_and_from_one_file_only():
    words = dict(line.split(" ", 1) for line in CONFIGURATION.splitlines() if not line.startswith("#"))
    assert words["AuthenticationMethods"] == "publickey"
    assert words["AuthorizedKeysFile"] == "/etc/genet/ssh/authorized_keys"
    assert {words["AuthorizedKeysCommand"], words["TrustedUserCAKeys"]} == {"none"}
    off = ("PasswordAuthentication", "KbdInteractiveAuthentication", "PermitEmptyPasswords", "UsePAM")
    assert {words[name] for name in (*off, "HostbasedAuthentication", "PermitUserEnvironment")} == {"no"}
    assert words["PermitRootLogin"] == "prohibit-password"
    assert words["StrictModes"] == "no", "or the files of a Secret would be refused"


def test_a_host_key_is_ssh_keygens_and_never_shown(tmp_path):
    key = sshd.new_host_key()
    file = tmp_path / "key"
    file.write_text(key.private)
    file.chmod(0o600)
    said = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == key.fingerprint
    assert "PRIVATE" not in repr(key)
    assert sshd.host_key(key.private.encode()) == key
    assert sshd.new_host_key().fingerprint != key.fingerprint
    with pytest.raises(ValueError, match="Not OpenSSH private key format"):
        sshd.host_key(b"")
