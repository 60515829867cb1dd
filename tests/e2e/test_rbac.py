"""What people and Genet itself may do, asked of a real API server: all of it, and nothing beyond."""

import json

import pytest

from tests.e2e.conftest import IMAGE
from tests.e2e.rights import Right, installation

pytestmark = pytest.mark.e2e

READ = ("get", "list", "watch")
PERSON = {
    *(
        Right(verb, resource)
        for verb in READ
        for resource in (
            "pods", "pods/log", "events", "services", "configmaps", "persistentvolumeclaims", "resourcequotas",
            "limitranges", "jobs.batch",
        )
    ),
    Right("delete", "pods"),
    *(Right(verb, f"pods/{way}") for verb in ("get", "create") for way in ("exec", "attach", "portforward")),
}  # fmt: skip
"""All that a person may in the own namespace."""
EVERYWHERE = {
    *(
        Right(verb, resource)
        for verb in READ
        for resource in (
            "nodes", "pods", "namespaces", "persistentvolumeclaims", "resourceslices.resource.k8s.io",
            "resourceclaims.resource.k8s.io",
        )
    ),
    *(Right(verb, kind) for verb in ("create", "patch") for kind in ("namespaces", "persistentvolumes")),
    Right("create", "rolebindings.rbac.authorization.k8s.io"),
}  # fmt: skip
"""All that Genet may in any namespace."""
WORKLOADS = ("daemonsets", "deployments", "replicasets", "statefulsets")
TENANT = {
    *(Right(verb, "pods") for verb in ("create", "patch", "delete")),
    Right("get", "pods/log"),
    *(Right(verb, "pods/exec") for verb in ("get", "create")),
    *(Right(verb, "events") for verb in ("list", "create")),
    *(Right(verb, "persistentvolumeclaims") for verb in ("create", "patch", "delete")),
    *(
        Right(verb, resource)
        for verb in ("create", "patch")
        for resource in ("resourcequotas", "limitranges", "networkpolicies.networking.k8s.io")
    ),
    *(Right(verb, "resourceclaimtemplates.resource.k8s.io") for verb in ("get", "list", "create", "patch", "delete")),
    *(Right(verb, "services") for verb in ("get", "list", "create", "patch", "delete")),
    *(Right(verb, "secrets") for verb in ("create", "patch", "delete")),
    *(Right(verb, "jobs.batch") for verb in ("get", "list", "delete")),
    *(Right(verb, "cronjobs.batch") for verb in ("get", "delete")),
    *(Right(verb, f"{kind}.apps") for verb in ("get", "delete") for kind in WORKLOADS),
    *(Right(verb, "replicationcontrollers") for verb in ("get", "delete")),
}
"""What Genet may besides in managed namespaces."""
GRANTS = {
    *(Right(verb, "secrets") for verb in (*READ, "create", "update", "delete")),
    *(Right(verb, "leases.coordination.k8s.io") for verb in ("get", "create", "update")),
}
"""What Genet may besides in the namespace of grants."""
JOBS = {
    *(Right(verb, "jobs.batch") for verb in ("get", "list", "create", "delete")),
    *(Right(verb, "leases.coordination.k8s.io") for verb in ("get", "create", "patch", "delete")),
    Right("get", "pods/log"),
}
"""What Genet may besides in the namespace of the Jobs that save pods."""


@pytest.fixture(scope="module")
def rights(kubectl, new_person):
    with installation(kubectl, new_person()) as made:
        yield made


def as_user(rights, user, *arguments, stdin=None):
    return rights.kubectl.run(f"--as={user}", *arguments, stdin=stdin)


def forbidden(done):
    return done.returncode != 0 and "forbidden" in done.stderr.lower()


# --- people -----------------------------------------------------------------------------------------------------------


def test_a_person_may_this_in_the_own_namespace_and_nothing_else(rights):
    assert rights.held(rights.user, rights.person.namespace) == PERSON


@pytest.mark.parametrize("where", ["default", "kube-system", "release", "grants", ""], ids=str)
def test_a_person_may_nothing_anywhere_else(rights, where):
    namespace = {"release": rights.release, "grants": rights.grants}.get(where, where)
    assert rights.held(rights.user, namespace) == set()


@pytest.mark.parametrize("user", ["{id}", "genet:{id}x", "genet:", "genet:genet:{id}", "GENET:{id}"])
def test_nobody_is_taken_for_that_person(rights, user):
    assert rights.held(user.format(id=rights.person.identifier), rights.person.namespace) == set()


@pytest.fixture(scope="module")
def pod(rights):
    """A pod of the person's, as an administrator sees it made."""
    spec = {"containers": [{"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    rights.kubectl.create_in(rights.person.namespace, document)
    rights.kubectl("wait", "-n", rights.person.namespace, "--for=condition=Ready", "pod/a", "--timeout=60s")
    return document


def test_real_requests_of_a_person_are_answered_as_asked(rights, pod):
    def ask(*arguments, stdin=None):
        return as_user(rights, rights.user, "-n", rights.person.namespace, *arguments, stdin=stdin)

    assert ask("get", "pods").returncode == 0
    assert ask("exec", "a", "--", "echo", "hello").stdout.strip() == "hello"
    assert ask("logs", "a").returncode == 0
    another = json.dumps({**pod, "metadata": {"name": "b"}})
    annotation = "genet.io/protected-until=2099-01-01T00:00:00Z"
    for arguments, stdin in (
        (("get", "secrets"), None),
        (("create", "-f", "-"), another),
        (("annotate", "pod", "a", annotation), None),
        (("label", "namespace", rights.person.namespace, "genet.io/managed-"), None),
        (("create", "token", "default"), None),
        (("debug", "a", "--image", IMAGE), None),
        (("delete", "rolebinding", rights.role("genet-user")), None),
        (("delete", "resourcequota", "genet"), None),
        (("get", "--raw", f"/api/v1/namespaces/{rights.person.namespace}/pods/a/proxy/"), None),
        (("get", "nodes"), None),
        (("get", "pods", "-A"), None),
    ):
        assert forbidden(ask(*arguments, stdin=stdin)), arguments
    assert forbidden(as_user(rights, rights.user, "-n", "default", "get", "pods"))
    assert forbidden(as_user(rights, rights.user, "-n", rights.grants, "get", "secrets"))


def test_a_person_without_the_binding_may_nothing(rights, new_person):
    other = new_person()
    assert rights.held(f"genet:{other.identifier}", rights.person.namespace) == set()


# --- Genet ------------------------------------------------------------------------------------------------------------


def test_genet_may_this_in_any_namespace(rights):
    assert rights.held(rights.genet, "kube-system") == EVERYWHERE
    assert rights.held(rights.genet, rights.release) == EVERYWHERE
    assert rights.held(rights.genet, "default") == EVERYWHERE | {Right("list", "events")}
    assert rights.held(rights.genet, "") == EVERYWHERE


def test_genet_may_work_in_managed_namespaces(rights):
    assert rights.held(rights.genet, rights.person.namespace) == EVERYWHERE | TENANT


def test_genet_keeps_its_secrets_in_one_namespace(rights):
    assert rights.held(rights.genet, rights.grants) == EVERYWHERE | GRANTS


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("genet-user", {Right(verb, "rolebindings.rbac.authorization.k8s.io") for verb in ("get", "delete")}),
        ("genet-tenant", {Right("get", "rolebindings.rbac.authorization.k8s.io")}),
        ("admin", set()),
        ("genet-ssh-keys", {Right("get", "secrets")}),
    ],
)
def test_genet_looks_at_its_bindings_and_takes_the_persons_away(rights, name, more):
    # bindings have the roles' own names, which the installation of this test gives a suffix
    is_role = name in ("genet-user", "genet-tenant")
    bind = {Right("bind", "clusterroles.rbac.authorization.k8s.io")} if is_role else set()
    asked = rights.role(name) if is_role else name
    held = rights.held(rights.genet, rights.person.namespace, name=asked)
    assert held == EVERYWHERE | TENANT | more | bind


def test_genet_makes_what_belongs_to_a_pod_and_takes_it_away(rights):
    def asked(*arguments, manifest=None):
        text = json.dumps({"apiVersion": "v1", **manifest}) if manifest else None
        return as_user(rights, rights.genet, "-n", rights.person.namespace, *arguments, stdin=text)

    ports = {"type": "NodePort", "ports": [{"port": 22}]}
    for manifest in (
        {"kind": "Service", "metadata": {"name": "pod-a"}, "spec": ports},
        {"kind": "Secret", "metadata": {"name": "pod-a-ssh"}, "stringData": {"a": "b"}},
        {"kind": "Secret", "metadata": {"name": "genet-ssh-keys"}, "stringData": {"a": "b"}},
    ):
        done = asked("create", "-f", "-", manifest=manifest)
        assert done.returncode == 0, done.stderr
    assert asked("get", "secret", "genet-ssh-keys").returncode == 0
    assert forbidden(asked("get", "secret", "pod-a-ssh"))
    for kind, name in (("service", "pod-a"), ("secret", "pod-a-ssh"), ("secret", "genet-ssh-keys")):
        done = asked("delete", kind, name)
        assert done.returncode == 0, done.stderr


def test_nobody_else_reads_the_secrets_of_that_namespace(rights):
    accounts = (f"{rights.release}:default", f"{rights.grants}:default", f"{rights.person.namespace}:default")
    for user in (rights.user, *(f"system:serviceaccount:{account}" for account in accounts)):
        assert rights.held(user, rights.grants) == set()


def test_real_requests_of_genet_end_where_its_rights_end(rights):
    def binding(role, name="x"):
        subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "genet:mallory-mallory"}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        document = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name}}
        return json.dumps({**document, "roleRef": reference, "subjects": [subject]})

    own = rights.person.namespace
    assert forbidden(as_user(rights, rights.genet, "-n", own, "create", "-f", "-", stdin=binding("admin")))
    assert forbidden(as_user(rights, rights.genet, "-n", own, "create", "-f", "-", stdin=binding("cluster-admin")))
    done = as_user(rights, rights.genet, "-n", own, "create", "-f", "-", stdin=binding(rights.role("genet-user")))
    assert done.returncode == 0, done.stderr
    for arguments in (
        ("-n", own, "delete", "rolebinding", "x"),
        ("-n", own, "delete", "rolebinding", rights.role("genet-tenant")),
        ("-n", own, "get", "secrets"),
        ("-n", "kube-system", "get", "secrets"),
        ("-n", rights.release, "get", "secrets"),
        ("create", "clusterrolebinding", "x", "--clusterrole=cluster-admin", "--user=x"),
        ("delete", "namespace", own),
        ("-n", "kube-system", "create", "token", "default"),
    ):
        assert forbidden(as_user(rights, rights.genet, *arguments)), arguments
    done = as_user(rights, rights.genet, "-n", own, "delete", "rolebinding", rights.role("genet-user"))
    assert done.returncode == 0, done.stderr
    assert rights.held(rights.user, own) == set()


# --- rights that a setting brings -------------------------------------------------------------------------------------


def test_certificates_bring_genet_the_right_to_approve_and_people_nothing(kubectl, new_person):
    requests = "certificatesigningrequests.certificates.k8s.io"
    signer = "kubernetes.io/kube-apiserver-client"
    with installation(kubectl, new_person(), "--set", "config.kubeconfig.mode=cert") as rights:
        assert rights.held(rights.genet, "") - EVERYWHERE == {
            *(Right(verb, requests) for verb in ("get", "create", "delete")),
            Right("update", f"{requests}/approval"),
        }
        assert Right("approve", "signers.certificates.k8s.io") in rights.held(rights.genet, "", name=signer)
        for other in ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"):
            assert Right("approve", "signers.certificates.k8s.io") not in rights.held(rights.genet, "", name=other)
        assert rights.held(rights.user, rights.person.namespace) == PERSON


def test_people_may_create_four_kinds_where_that_is_allowed(kubectl, new_person):
    with installation(kubectl, new_person(), "--set", "config.kubeconfig.allowCreate=true") as rights:
        kinds = ("pods", "jobs.batch", "persistentvolumeclaims", "services")
        assert rights.held(rights.user, rights.person.namespace) - PERSON == {Right("create", kind) for kind in kinds}
        assert rights.held(rights.user, "default") == set()


def test_saving_pods_brings_genet_its_own_namespace_of_jobs_and_people_nothing(kubectl, new_person):
    values = (
        "enabled=true",
        "image=registry.example.org/nerdctl:2",
        "repository=registry.example/{userIdentifier}",
    )
    with installation(
        kubectl, new_person(), *(word for value in values for word in ("--set", f"config.commit.{value}"))
    ) as rights:
        jobs = f"{rights.release}-jobs"
        assert rights.held(rights.genet, jobs) - EVERYWHERE == JOBS
        assert not rights.held(rights.genet, "default") & JOBS
        assert rights.held(rights.user, jobs) == set()
        assert rights.held(rights.user, rights.person.namespace) == PERSON
