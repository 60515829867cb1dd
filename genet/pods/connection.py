"""How people get into a pod, as lines to copy. Pure.

Trap: a NodePort is given to another pod later, with another host key, and ssh would warn of an attack. So the block for
`~/.ssh/config` names the host key after the pod (`HostKeyAlias`), and the fingerprint is shown beside.
"""

from urllib.parse import quote, urlencode

from genet import naming
from genet.kube import objects
from genet.kube.requests import is_finished
from genet.pods import ssh
from genet.pods.model import Connection, Port
from genet.settings import Settings

_USER = "root"
_HOME = "/root"
_FORWARDED = 8888


def connection(pod: objects.Pod, settings: Settings) -> Connection:
    ports = [
        Port(name=port.name, container_port=port.container_port, node_port=None, url=None)
        for container in pod.spec.containers
        for port in container.ports
    ]
    with_kubectl = settings.kubeconfig.mode != "off" and not is_finished(pod)
    name, namespace = pod.metadata.name, pod.metadata.namespace
    node_port, host = ssh_port(pod), settings.ssh.host or pod.status.host_ip
    reached = node_port is not None and bool(host)
    place = f"{_USER}@{_bracketed(host)}:{node_port}"
    if node_port is not None:
        own = Port(name="ssh", container_port=ssh.PORT, node_port=node_port, url=f"ssh://{place}" if reached else None)
        ports.insert(0, own)
    fingerprint = pod.metadata.annotations.get(naming.SSH_HOST_KEY)
    gateway = urlencode({"type": "ssh", "host": host, "port": node_port, "user": _USER, "projectPath": _HOME})
    return Connection(
        ssh=f"ssh {_USER}@{host} -p {node_port}" if reached else None,
        ports=tuple(ports),
        vscode=f"vscode://vscode-remote/ssh-remote+{quote(place, safe='@:[]')}{_HOME}" if reached else None,
        jetbrains=f"jetbrains-gateway://connect#{gateway}" if reached else None,
        ssh_config=_config(name, host, node_port) if reached else None,
        kubectl_exec=f"kubectl -n {namespace} exec -it {name} -- /bin/sh" if with_kubectl else None,
        port_forward=f"kubectl -n {namespace} port-forward {name} {_FORWARDED}:{_FORWARDED}" if with_kubectl else None,
        host_key_fingerprints=(fingerprint,) if node_port is not None and fingerprint else (),
    )


def ssh_port(pod: objects.Pod) -> int | None:
    """Only of Genet's own pods: on others the annotation is anybody's word."""
    if pod.metadata.labels.get(naming.CREATED_BY) != "genet" or is_finished(pod):
        return None
    return ssh.port_of(pod.metadata.annotations)


def _config(name: str, host: str, port: int | None) -> str:
    lines = (
        f"Host {name}",
        f"  HostName {host}",
        f"  Port {port}",
        f"  User {_USER}",
        f"  HostKeyAlias {name}",
        "  ServerAliveInterval 30",
        "",
    )
    return "\n".join(lines)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
