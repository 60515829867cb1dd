"""Pod Security Standards, level baseline, as the admission of Kubernetes 1.25 and later enforces it.

`restricted` is held to baseline's checks only; the simulation needs no more. The texts are the real server's.
"""

import functools
from collections.abc import Callable, Sequence
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

Spec = dict[str, Any]


def violations(level: str, pod: Object) -> list[str]:
    """What the pod must not have at that level, one text a check; empty when it may run."""
    if level not in (BASELINE, "restricted"):
        return []
    return [text for check in _CHECKS if (text := check(pod["spec"]))]


def _host_namespaces(spec: Spec) -> str | None:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return f"host namespaces ({', '.join(found)})" if found else None


def _privileged(spec: Spec) -> str | None:
    bad = [name for name, context in _contexts(spec) if context.get("privileged")]
    return f"privileged ({_named('container', bad)} must not set securityContext.privileged=true)" if bad else None


def _capabilities(spec: Spec) -> str | None:
    added = {
        name: set(context.get("capabilities", {}).get("add", ())) - CAPABILITIES for name, context in _contexts(spec)
    }
    bad = [name for name, extra in added.items() if extra]
    listed = ", ".join(f'"{name}"' for name in sorted(set().union(*added.values())))
    text = f"{_named('container', bad)} must not include {listed} in securityContext.capabilities.add"
    return f"non-default capabilities ({text})" if bad else None


def _host_paths(spec: Spec) -> str | None:
    bad = [volume["name"] for volume in spec.get("volumes", ()) if "hostPath" in volume]
    return f"hostPath volumes ({_named('volume', bad)})" if bad else None


def _host_ports(spec: Spec) -> str | None:
    ports = [(item["name"], port["hostPort"]) for item in _containers(spec) for port in item.get("ports", ())
             if port.get("hostPort")]  # fmt: skip
    listed = sorted({str(port) for _, port in ports})
    text = f"uses hostPort{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
    return f"hostPort ({_named('container', list(dict.fromkeys(name for name, _ in ports)))} {text})" if ports else None


def _proc_mount(spec: Spec) -> str | None:
    bad = [name for name, context in _contexts(spec) if context.get("procMount", "Default") != "Default"]
    text = f'{_named("container", bad)} must not set securityContext.procMount to "Unmasked"'
    return f"procMount ({text})" if bad else None


def _unconfined(field: str, spec: Spec) -> str | None:
    everywhere = [("", spec.get("securityContext") or {}), *_contexts(spec)]
    bad = [name for name, context in everywhere if context.get(field, {}).get("type") == "Unconfined"]
    setters = ["pod"] if "" in bad else []
    setters += [_named("container", names)] if (names := [name for name in bad if name]) else []
    text = f'{" and ".join(setters)} must not set securityContext.{field}.type to "Unconfined"'
    return f"{field} ({text})" if bad else None


def _selinux(spec: Spec) -> str | None:
    contexts = [spec.get("securityContext") or {}, *(context for _, context in _contexts(spec))]
    options = [context.get("seLinuxOptions", {}) for context in contexts]
    types = ", ".join(f'"{name}"' for name in sorted({option.get("type", "") for option in options} - SELINUX_TYPES))
    texts = [f"type {types}"] if types else []
    texts += [f"{name} may not be set" for name in ("user", "role") if any(option.get(name) for option in options)]
    return f"seLinuxOptions ({'; '.join(texts)})" if texts else None


def _sysctls(spec: Spec) -> str | None:
    names = [item["name"] for item in (spec.get("securityContext") or {}).get("sysctls", ())]
    bad = [name for name in names if name not in SYSCTLS]
    return f"forbidden sysctls ({', '.join(bad)})" if bad else None


def _host_process(spec: Spec) -> str | None:
    bad = [name for name, context in _contexts(spec) if context.get("windowsOptions", {}).get("hostProcess")]
    text = f"{_named('container', bad)} must not set securityContext.windowsOptions.hostProcess=true"
    return f"hostProcess ({text})" if bad else None


_CHECKS: Sequence[Callable[[Spec], str | None]] = (
    functools.partial(_unconfined, "appArmorProfile"),
    _capabilities,
    _host_namespaces,
    _host_paths,
    _host_ports,
    _privileged,
    _proc_mount,
    functools.partial(_unconfined, "seccompProfile"),
    _selinux,
    _sysctls,
    _host_process,
)


def _containers(spec: Spec) -> list[Spec]:
    return [*(spec.get("initContainers") or ()), *spec["containers"], *spec.get("ephemeralContainers", ())]


def _contexts(spec: Spec) -> list[tuple[str, Spec]]:
    return [(container["name"], container.get("securityContext") or {}) for container in _containers(spec)]


def _named(noun: str, names: Sequence[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"{noun}{'s' if len(names) > 1 else ''} {quoted}"
