import pytest

from genet.simulation.pod_security import violations


def check(level="baseline", *, context=None, **spec):
    container = {"name": "c", "image": "i", "securityContext": context or {}}
    return violations(level, {"spec": {"containers": [container], **spec}})


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"hostPID": True, "hostIPC": True}, "host namespaces (hostPID=true, hostIPC=true)"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
        (
            {"initContainers": [{"name": "first", "image": "i", "securityContext": {"privileged": True}}]},
            'privileged (container "first" must not set securityContext.privileged=true)',
        ),
        ({"context": {"privileged": True}}, 'privileged (container "c" must not set securityContext.privileged=true)'),
        (
            {"context": {"capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}},
            'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
        ),
        (
            {"context": {"procMount": "Unmasked"}},
            'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            {"context": {"seccompProfile": {"type": "Unconfined"}}},
            'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
            'appArmorProfile (pod must not set securityContext.appArmorProfile.type to "Unconfined")',
        ),
        (
            {"context": {"seLinuxOptions": {"type": "spc_t", "user": "u"}}},
            'seLinuxOptions (type "spc_t"; user may not be set)',
        ),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            {"context": {"windowsOptions": {"hostProcess": True}}},
            'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
        ),
    ],
)
def test_baseline_refuses(spec, text):
    assert check(**spec) == [text]


def test_host_ports_are_refused():
    container = {"name": "i", "ports": [{"hostPort": 80}, {"hostPort": 443}]}
    assert check(ephemeralContainers=[container]) == ['hostPort (container "i" uses hostPorts 443, 80)']


def test_every_violation_is_told():
    assert len(check(hostNetwork=True, context={"privileged": True})) == 2


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}},
        {"seccompProfile": {"type": "RuntimeDefault"}},
        {"runAsUser": 0},
    ],
)
def test_baseline_allows_what_ordinary_images_need(context):
    assert check(context=context) == []


def test_privileged_namespaces_check_nothing():
    assert check("privileged", hostNetwork=True) == []
