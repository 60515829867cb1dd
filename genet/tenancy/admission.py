"""Whether people may create objects with kubectl: only where the chart's admission policy watches over it.

The rights to create come with the same chart, so a Genet that started without the policy would serve a cluster in which
anybody takes any node. It looks once, when it starts: what an administrator deletes later is not Genet's to guard.
"""

from typing import Final

from genet.errors import Forbidden, GenetError, NotFound
from genet.kube.client import KubeClient
from genet.kube.projection import KubeObject, Projection, Resource
from genet.settings import Settings

GROUP_VERSION: Final = "admissionregistration.k8s.io/v1"
POLICY: Final = "genet-user"
"""Name of the policy and of its binding."""


class _PolicySpec(Projection):
    failure_policy: str = "Fail"
    validations: tuple[object, ...] = ()


class _Policy(KubeObject):
    spec: _PolicySpec = _PolicySpec()


class _BindingSpec(Projection):
    policy_name: str = ""
    validation_actions: tuple[str, ...] = ()
    match_resources: object = None


class _Binding(KubeObject):
    spec: _BindingSpec = _BindingSpec()


POLICIES = Resource(
    GROUP_VERSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", _Policy, namespaced=False
)
BINDINGS = Resource(
    GROUP_VERSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", _Binding, namespaced=False
)


async def complaint(kube: KubeClient, settings: Settings) -> str | None:
    """Why Genet must not start with `kubeconfig.allowCreate`; None: it may, or the setting is off."""
    if not settings.kubeconfig.allow_create:
        return None
    try:
        if POLICIES.plural not in await kube.resources(GROUP_VERSION):
            return "this cluster does not serve ValidatingAdmissionPolicies (Kubernetes 1.30 does)"
        return await _unfit(kube)
    except Forbidden as error:
        return f"Genet may not read the admission policy {POLICY}: {error.detail}"
    except GenetError as error:
        return f"cannot be checked: {error.detail}"


async def _unfit(kube: KubeClient) -> str | None:
    try:
        policy, binding = await kube.get(POLICIES, POLICY), await kube.get(BINDINGS, POLICY)
    except NotFound as error:
        return f"the admission policy {POLICY} and its binding are not both installed: {error.detail}"
    if policy.spec.failure_policy != "Fail" or not policy.spec.validations:
        return f"the admission policy {POLICY} is not the chart's: it lets through what it cannot judge"
    bound = binding.spec
    if bound.policy_name != POLICY or "Deny" not in bound.validation_actions or bound.match_resources is not None:
        return f"the binding of the admission policy {POLICY} does not deny everywhere"
    return None
