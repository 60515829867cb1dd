"""How sshd runs in a pod: its own host key, its own configuration, and the script that keeps it running. Pure.

The script is a POSIX shell's builtins, mkdir and chmod: of the image nothing is asked but what comes with any sshd.

Traps:
- The image's `sshd_config` may let passwords in or look for keys elsewhere: it is not read (`-f`).
- PAM would ask for passwords in its own way and closes sessions where it may not write to the audit: off.
- Where an account is locked (`!` in the shadow file), sshd without PAM lets nobody in, whatever key they have.
- sshd starts sessions with an environment of its own. `SetEnv` gives the container's back: one line, as only the first
  counts. A login shell reads /etc/profile after that, which may set PATH anew: a file in /etc/profile.d, if there is
  such a directory, has the last word.
- What sshd is started with (the host key, the environment with whatever secrets are in it) must not be in the files
  of the container, which may be saved as an image and given to others: it is written to a volume in memory. Everybody
  may write to a new volume, so its mode is set first; without that there is no sshd.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

DIRECTORY: Final = "/etc/genet/ssh"
"""Where the pod finds its files."""

RUN: Final = "/run/genet-ssh"
"""Where the pod keeps what sshd runs with: a volume in memory."""

CONFIGURATION: Final = f"""\
# Written by Genet. Keys only; the image's own sshd_config is not read.
Port 22
HostKey {RUN}/ssh_host_ed25519_key
PidFile none
AuthenticationMethods publickey
PubkeyAuthentication yes
AuthorizedKeysFile {DIRECTORY}/authorized_keys
AuthorizedKeysCommand none
TrustedUserCAKeys none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
ChallengeResponseAuthentication no
HostbasedAuthentication no
PermitEmptyPasswords no
PermitRootLogin prohibit-password
PermitUserEnvironment no
UsePAM no
UseDNS no
MaxAuthTries 20
LoginGraceTime 30
ClientAliveInterval 60
ClientAliveCountMax 10
AllowTcpForwarding yes
AllowAgentForwarding yes
X11Forwarding no
PermitTunnel no
GatewayPorts no
Subsystem sftp internal-sftp
"""

START: Final = f"""\
# Written by Genet: starts sshd beside the main process, again when it ends. `. {DIRECTORY}/start` in a script of your
# own does the same. Nothing but builtins of the shell, sshd itself, mkdir and chmod.
genet_sshd_configuration() {{
  while IFS= read -r genet_line; do printf '%s\\n' "$genet_line"; done < {DIRECTORY}/sshd_config
  # the environment of the container, in one line: of several only the first would count
  genet_newline='
'
  genet_all=
  genet_names=$(export -p)
  while IFS= read -r genet_line; do
    case $genet_line in 'export '*|'declare -x '*) ;; *) continue ;; esac
    genet_name=${{genet_line#export }}
    genet_name=${{genet_name#declare -x }}
    genet_name=${{genet_name%%=*}}
    case $genet_name in
      ''|[0-9]*|*[!A-Za-z0-9_]*) continue ;;
      genet_*|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|_|TERM|MAIL|SSH_*) continue ;;
    esac
    eval "[ \\"\\${{$genet_name+set}}\\" = set ] || continue; genet_value=\\$$genet_name"
    case $genet_value in *[\\"\\\\]*|*"$genet_newline"*) continue ;; esac
    genet_all="$genet_all \\"$genet_name=$genet_value\\""
  done <<GENET_NAMES
$genet_names
GENET_NAMES
  printf 'SetEnv%s "GENET_PATH=%s"\\n' "$genet_all" "$PATH"
}}
genet_sshd() {{
  genet_umask=$(umask)
  umask 077
  [ -d /run/sshd ] || mkdir -p /run/sshd
  [ -d {RUN} ] || mkdir -p {RUN}
  chmod 700 {RUN} || {{ echo 'genet: no sshd, as {RUN} is open to everybody'; return; }}
  while IFS= read -r genet_line; do printf '%s\\n' "$genet_line"; done \\
    < {DIRECTORY}/ssh_host_ed25519_key > {RUN}/ssh_host_ed25519_key
  genet_sshd_configuration > {RUN}/sshd_config
  if [ -d /etc/profile.d ]; then
    umask 022
    printf '%s\\n' '[ -z "$GENET_PATH" ] || PATH=$GENET_PATH; export PATH' > /etc/profile.d/zz-genet-path.sh
  fi
  genet_pause=1
  while :; do
    (umask "$genet_umask"; exec /usr/sbin/sshd -D -e -f {RUN}/sshd_config)
    echo "genet: sshd ended with $?; starting it again in $genet_pause s"
    sleep "$genet_pause"
    [ "$genet_pause" -ge 60 ] || genet_pause=$((genet_pause * 2))
  done
}}
if [ -x /usr/sbin/sshd ]; then genet_sshd & fi
"""


@dataclass(frozen=True)
class HostKey:
    private: str = field(repr=False)
    """In OpenSSH's own form."""
    fingerprint: str


def new_host_key() -> HostKey:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    blob = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    return HostKey(private, fingerprint(base64.b64decode(blob)))


def host_key(private: bytes) -> HostKey:
    """Raises ValueError for what is no such key."""
    key = load_ssh_private_key(private, None)
    blob = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    return HostKey(private.decode(), fingerprint(base64.b64decode(blob)))


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
