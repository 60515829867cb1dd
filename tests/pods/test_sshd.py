"""The script that starts sshd in a pod, run by real shells; and what sshd is told."""

import os
import re
import shutil
import subprocess

import msgspec
import pytest

from genet.pods import ssh, sshd
from genet.pods.sshd import CONFIGURATION, START
from genet.settings import Settings

PROFILE = "/etc/profile.d/zz-genet-path.sh"

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


def started(shell, directory, *, chmod="chmod"):
    """What the script says and writes in a container with a secret in its environment, where all of it is below."""
    for name, text in {"sshd_config": "Port 22\n", "ssh_host_ed25519_key": "the private key\n"}.items():
        (directory / name).write_text(text)
    run = directory / "run"
    run.mkdir()
    run.chmod(0o777)  # as a kubelet makes a volume
    script = START.replace("/run/sshd", str(directory / "empty")).replace("/etc/profile.d", str(directory / "none"))
    script = script.replace(sshd.RUN, str(run)).replace(sshd.DIRECTORY, str(directory)).replace("chmod", chmod)
    script = script.replace("while :; do", "while false; do").replace("if [ -x /usr/sbin/sshd ]", "if false")
    done = subprocess.run(
        [*shell, "-c", f"{script}\ngenet_sshd"],
        env={"PATH": "/usr/bin:/bin", "TOKEN": "a secret"},
        capture_output=True,
        text=True,
        check=True,
    )
    return run, done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_volume_is_closed_to_others_before_a_secret_is_in_it(shell, tmp_path):
    run, _ = started(shell, tmp_path)
    assert run.stat().st_mode & 0o777 == 0o700
    assert (run / "ssh_host_ed25519_key").read_text() == "the private key\n"
    assert {path.stat().st_mode & 0o777 for path in run.iterdir()} == {0o600}
    assert '"TOKEN=a secret"' in (run / "sshd_config").read_text()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_where_the_volume_cannot_be_closed_there_is_no_sshd_and_no_secret(shell, tmp_path):
    run, said = started(shell, tmp_path, chmod="false")
    assert said.startswith("genet: no sshd")
    assert list(run.iterdir()) == []


def test_no_secret_is_written_to_the_files_of_the_container():
    """They may be saved as an image: what the script writes is in memory, or says nothing of this pod."""
    parts = ssh.parts(msgspec.convert({"auth": {"mode": "dev"}}, Settings), "pod-a")
    mounts = {mount["name"]: mount["mountPath"] for mount in parts.mounts}
    volumes = {volume["name"]: volume for volume in parts.volumes}
    memory = [path for name, path in mounts.items() if volumes[name].get("emptyDir", {}).get("medium") == "Memory"]
    written = set(re.findall(r"> (/\S+)", START))
    assert written == {"/run/genet-ssh/ssh_host_ed25519_key", "/run/genet-ssh/sshd_config", PROFILE}
    assert {path for path in written if not any(path.startswith(f"{one}/") for one in memory)} == {PROFILE}


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
