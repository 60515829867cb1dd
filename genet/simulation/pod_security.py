"""Pod Security Standards, level baseline, as the admission of Kubernetes 1.25 and later enforces it.

`restricted` is held to baseline's checks only; the simulation needs no more. The texts are the real server's.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from genet.simulation.store import Object

ENFORCE = "pod-security.kubernetes.io/enforce"
ENFORCE_VERSION = "pod-security.kubernetes.io/enforce-version"
BASELINE = "baseline"

CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
})  # fmt: skip
SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})

Check = Callable[[dict[str, Any]], str | None]


def violations(level: str, pod: Object) -> list[str]:
    """What the pod must not have at that level, one text a check; empty when it may run."""
    if level not in (BASELINE, "restricted"):
        return []
    return [text for check in _CHECKS if (text := check(pod["spec"]))]


def _host_namespaces(spec: dict[str, Any]) -> str | None:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return f"host namespaces ({', '.join(found)})" if found else None


def _privileged(spec: dict[str, Any]) -> str | None:
    bad = [name for name, context in _contexts(spec) if context.get("privileged")]
    return f"privileged ({_containers(bad)} must not set securityContext.privileged=true)" if bad else None


def _capabilities(spec: dict[str, Any]) -> str | None:
    added = {name: set(context.get("capabilities", {}).get("add", ())) - CAPABILITIES
             for name, context in _contexts(spec)}  # fmt: skip
    bad = [name for name, extra in added.items() if extra]
    if not bad:
        return None
    listed = ", ".join(f'"{name}"' for name in sorted(set().union(*added.values())))
    text = f"{_containers(bad)} must not include {listed} in securityContext.capabilities.add"
    return f"non-default capabilities ({text})"


def _host_paths(spec: dict[str, Any]) -> str | None:
    bad = [volume["name"] for volume in spec.get("volumes", ()) if "hostPath" in volume]
    return f"hostPath volumes ({_named('volume', bad)})" if bad else None


def _host_ports(spec: dict[str, Any]) -> str | None:
    ports = {container["name"]: [str(port["hostPort"]) for port in container.get("ports", ()) if port.get("hostPort")]
             for container in _all_containers(spec)}  # fmt: skip
    bad = [name for name, found in ports.items() if found]
    listed = ", ".join(sorted({port for found in ports.values() for port in found}))
    many = "hostPorts" if "," in listed else "hostPort"
    return f"hostPort ({_containers(bad)} uses {many} {listed})" if bad else None


def _proc_mount(spec: dict[str, Any]) -> str | None:
    bad = {name: context["procMount"] for name, context in _contexts(spec)
           if context.get("procMount", "Default") != "Default"}  # fmt: skip
    listed = ", ".join(f'"{value}"' for value in sorted(set(bad.values())))
    return f"procMount ({_containers(list(bad))} must not set securityContext.procMount to {listed})" if bad else None


def _seccomp(spec: dict[str, Any]) -> str | None:
    return _unconfined(spec, "seccompProfile")


def _app_armor(spec: dict[str, Any]) -> str | None:
    return _unconfined(spec, "appArmorProfile")


def _unconfined(spec: dict[str, Any], field: str) -> str | None:
    def is_bad(context: dict[str, Any]) -> bool:
        return bool(context.get(field, {}).get("type") == "Unconfined")

    setters = ["pod"] if is_bad(spec.get("securityContext", {})) else []
    if bad := [name for name, context in _contexts(spec) if is_bad(context)]:
        setters.append(_containers(bad))
    text = f'{" and ".join(setters)} must not set securityContext.{field}.type to "Unconfined"'
    return f"{field} ({text})" if setters else None


def _selinux(spec: dict[str, Any]) -> str | None:
    contexts = [("", spec.get("securityContext", {})), *_contexts(spec)]
    options = [context.get("seLinuxOptions", {}) for _, context in contexts]
    types = sorted({option.get("type", "") for option in options} - SELINUX_TYPES)
    fields = [name for name in ("user", "role") if any(option.get(name) for option in options)]
    texts = [f"type {', '.join(map(repr, types))}".replace("'", '"')] if types else []
    texts += [f"{name} may not be set" for name in fields]
    return f"seLinuxOptions ({'; '.join(texts)})" if texts else None


def _sysctls(spec: dict[str, Any]) -> str | None:
    names = (item["name"] for item in spec.get("securityContext", {}).get("sysctls", ()))
    bad = [name for name in names if name not in SYSCTLS]
    return f"forbidden sysctls ({', '.join(bad)})" if bad else None


def _host_process(spec: dict[str, Any]) -> str | None:
    bad = [name for name, context in _contexts(spec) if context.get("windowsOptions", {}).get("hostProcess")]
    text = f"{_containers(bad)} must not set securityContext.windowsOptions.hostProcess=true"
    return f"hostProcess ({text})" if bad else None


_CHECKS: Sequence[Check] = (
    _app_armor, _capabilities, _host_namespaces, _host_paths, _host_ports, _privileged, _proc_mount, _seccomp, _selinux,
    _sysctls, _host_process,
)  # fmt: skip


def _all_containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field, ())


def _contexts(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(container["name"], container.get("securityContext") or {}) for container in _all_containers(spec)]


def _containers(names: Sequence[str]) -> str:
    return _named("container", names)


def _named(noun: str, names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"{noun}{'s' if len(names) > 1 else ''} {quoted}"
