"""What the chart renders, compared with kept renderings and with what Genet itself says of its configuration.

`UPDATE_GOLDEN=1 pytest tests/helm` writes the kept renderings anew; read the difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

import genet
from genet.settings.sources import load
from tests.helm.conftest import ACCEPTED, CHART, SAVING, Readable, only

HERE = Path(__file__).parent
PROXY = ("--values", str(HERE / "values" / "proxy.yaml"))
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")
GATEWAY = ("--api-versions", "gateway.networking.k8s.io/v1")
EVERYTHING = ("--values", str(HERE / "values" / "everything.yaml"), *GATEWAY)
"""Every value set, and what the cluster must serve for it."""
OAUTH = (
    "--set", "config.auth.mode=oauth", "--set", "config.server.publicURL=https://genet.example.org",
    "--set", "config.oauth.clientID=genet", "--set", "config.oauth.providerURL=https://login.example.org",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("defaults", ACCEPTED), ("everything", (*EVERYTHING, *OPERATOR)), ("proxy", PROXY)],
)
def test_renders_what_was_agreed(helm, name, arguments):
    rendered = yaml.dump_all(helm.template(*arguments), Dumper=Readable, sort_keys=False, width=120)
    golden = HERE / "golden" / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered)
    assert rendered == golden.read_text()


def test_an_older_cluster_gets_everything_that_it_serves(helm):
    def kinds(version):
        return {document["kind"] for document in helm.template(*ACCEPTED, kube_version=version)}

    assert kinds("1.21.0") - kinds("1.20.15") == {"CronJob", "PodDisruptionBudget"}
    assert kinds("1.20.15") < kinds("1.21.0") == kinds("1.37.0")


def test_the_chart_installs_the_genet_it_comes_with():
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == genet.__version__


def test_refuses_a_cluster_that_is_too_old(helm):
    assert "kubeVersion" in helm.complaint(*ACCEPTED, "--kube-version", "1.19.16")


@pytest.mark.parametrize("arguments", [ACCEPTED, EVERYTHING[:2], PROXY, OAUTH])
def test_is_clean_for_helm_lint(helm, arguments):
    done = helm.run("lint", "--strict", str(CHART), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_the_rendered_configuration_is_what_genet_reads(helm, tmp_path):
    settings = load({}, written_config(helm.template(*EVERYTHING), tmp_path))
    wanted = yaml.safe_load((HERE / "values" / "everything.yaml").read_text())["config"]
    assert settings.lifecycle.auto_delete_time == wanted["lifecycle"]["autoDeleteTime"] == "06:05"
    assert settings.pod_limit_per_user == 1_000_000
    assert settings.gpu.preset_images[0].description == wanted["gpu"]["presetImages"][0]["description"]
    assert settings.gpu.preset_images[0].command == tuple(wanted["gpu"]["presetImages"][0]["command"])
    assert settings.kubernetes.service_account == "genet-system/lab"


def test_values_yaml_repeats_genets_own_defaults(helm, tmp_path):
    settings = load({}, written_config(helm.template(*ACCEPTED), tmp_path))
    environ = {
        "GENET_AUTH__MODE": "dev",
        "GENET_AUTH__DEV__ALLOW_REMOTE": "true",
        "GENET_KUBERNETES__SERVICE_ACCOUNT": "genet-system/genet",
        "GENET_KUBERNETES__GRANTS_NAMESPACE": "genet-grants",
        "GENET_COMMIT__NAMESPACE": "genet-jobs",
    }
    assert settings == load(environ)


def test_a_changed_configuration_replaces_the_pods(helm):
    def checksum(*arguments):
        template = only(helm.template(*ACCEPTED, *arguments), "Deployment")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum() == checksum("--set", "service.port=81")
    assert checksum() != checksum("--set", "config.podLimitPerUser=7")


@pytest.mark.parametrize(("time", "schedule"), [("23:00", "0 23 * * *"), ("08:09", "9 8 * * *")])
def test_the_cleanup_runs_at_its_time(helm, time, schedule):
    cronjob = only(helm.template(*ACCEPTED, "--set", f"config.lifecycle.autoDeleteTime={time}"), "CronJob")
    assert cronjob["spec"]["schedule"] == schedule


@pytest.mark.parametrize(("version", "zone"), [("1.26.15", None), ("1.27.0", "Europe/Berlin")])
def test_the_time_zone_is_set_where_cronjobs_know_it(helm, version, zone):
    values = (*ACCEPTED, "--set", "config.lifecycle.timezone=Europe/Berlin")
    assert only(helm.template(*values, kube_version=version), "CronJob")["spec"].get("timeZone") == zone


def test_no_cleanup_where_it_is_switched_off(helm):
    kinds = {document["kind"] for document in helm.template(*ACCEPTED, "--set", "config.lifecycle.enabled=false")}
    assert "CronJob" not in kinds


def test_ascends_word_is_asked_for_only_where_it_is_wanted(helm):
    def in_kube_system(*arguments):
        documents = helm.template(*ACCEPTED, *arguments)
        return {document["kind"] for document in documents if document["metadata"].get("namespace") == "kube-system"}

    assert in_kube_system() == set()
    assert in_kube_system("--set", "config.gpu.ascendDeviceInfo=true") == {"Role", "RoleBinding"}


def test_no_servicemonitor_without_the_operator(helm):
    assert "ServiceMonitor" not in {document["kind"] for document in helm.template(*ACCEPTED)}


def test_an_update_never_takes_a_replica_away_first(helm):
    spec = only(helm.template(*ACCEPTED), "Deployment")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_busy_replicas_get_company(helm):
    documents = helm.template(*ACCEPTED)
    scaler = only(documents, "HorizontalPodAutoscaler")
    assert scaler["apiVersion"] == "autoscaling/v1"
    assert scaler["spec"]["scaleTargetRef"]["name"] == only(documents, "Deployment")["metadata"]["name"]
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 10)
    assert scaler["spec"]["targetCPUUtilizationPercentage"] == 70


def test_an_upgrade_does_not_take_back_what_the_autoscaler_added(helm):
    assert "replicas" not in only(helm.template(*ACCEPTED), "Deployment")["spec"]
    fixed = helm.template(*ACCEPTED, "--set", "autoscaling.enabled=false", "--set", "backend.replicas=3")
    assert only(fixed, "Deployment")["spec"]["replicas"] == 3
    assert "HorizontalPodAutoscaler" not in {document["kind"] for document in fixed}


def test_memory_brings_replicas_only_where_it_is_asked_to(helm):
    scaler = only(helm.template(*ACCEPTED, "--set", "autoscaling.memoryPercent=80"), "HorizontalPodAutoscaler")
    assert scaler["apiVersion"] == "autoscaling/v2"
    targets = {one["resource"]["name"]: one["resource"]["target"] for one in scaler["spec"]["metrics"]}
    assert targets["cpu"] == {"type": "Utilization", "averageUtilization": 70}
    assert targets["memory"] == {"type": "Utilization", "averageUtilization": 80}


def test_there_are_never_fewer_replicas_than_are_asked_for(helm):
    scaler = only(helm.template(*ACCEPTED, "--set", "backend.replicas=12"), "HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (12, 12)


@pytest.mark.parametrize(("drain", "grace"), [("5", 35), ("7.5", 38), ("120", 150)])
def test_a_replica_gets_more_time_to_end_than_it_drains(helm, drain, grace):
    spec = only(helm.template(*ACCEPTED, "--set-json", f"config.server.drainSeconds={drain}"), "Deployment")["spec"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == grace


def pod_specs(documents):
    yield only(documents, "Deployment")["spec"]["template"]["spec"]
    yield only(documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_pods_meet_the_restricted_pod_security_standard(helm):
    for spec in pod_specs(helm.template(*ACCEPTED)):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] != 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        assert all(volume.keys() <= {"name", "configMap", "emptyDir"} for volume in spec["volumes"])


def test_kubernetes_service_variables_do_not_reach_genets_settings(helm):
    # GENET_SERVICE_HOST and its like would stop the start as unknown settings
    assert all(spec["enableServiceLinks"] is False for spec in pod_specs(helm.template(*ACCEPTED)))


def test_people_get_no_verb_that_makes_or_changes_objects(helm):
    for rule in named(helm.template(*ACCEPTED), "ClusterRole", "genet-user")["rules"]:
        assert "secrets" not in rule["resources"]
        into_pods = {"pods/exec", "pods/attach", "pods/portforward"}
        allowed = {"get", "create"} if set(rule["resources"]) <= into_pods else {"get", "list", "watch", "delete"}
        assert set(rule["verbs"]) <= allowed


def test_genet_holds_few_rights_everywhere(helm):
    rules = named(helm.template(*ACCEPTED), "ClusterRole", "genet-backend")["rules"]
    changing = {
        (resource, verb)
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in {"get", "list", "watch"}
    }
    assert changing == {
        ("namespaces", "create"),
        ("namespaces", "patch"),
        ("persistentvolumes", "create"),
        ("persistentvolumes", "patch"),
        ("rolebindings", "create"),
        ("clusterroles", "bind"),
    }
    (bind,) = [rule for rule in rules if rule["verbs"] == ["bind"]]
    assert bind["resourceNames"] == ["genet-user", "genet-tenant"]
    assert not any("secrets" in rule["resources"] for rule in rules)


def test_the_network_policy_shuts_out_pods_of_users_by_default(helm):
    peers = [rule["from"] for rule in only(helm.template(*ACCEPTED), "NetworkPolicy")["spec"]["ingress"]]
    others = {"matchExpressions": [{"key": "genet.io/managed", "operator": "NotIn", "values": ["true"]}]}
    assert peers == [[{"namespaceSelector": others}]] * 2


def test_ingress_and_route_lead_to_the_service_under_the_public_name(helm):
    doors = (
        "ingress.enabled=true",
        "ingress.tlsSecretName=tls",
        "httpRoute.enabled=true",
        "httpRoute.parentRefs[0].name=lab",
    )
    documents = helm.template(*OAUTH, *GATEWAY, *(word for door in doors for word in ("--set", door)))
    spec, route = only(documents, "Ingress")["spec"], only(documents, "HTTPRoute")["spec"]
    assert spec["tls"] == [{"hosts": ["genet.example.org"], "secretName": "tls"}]
    (rule,) = spec["rules"]
    assert rule["host"] == "genet.example.org"
    assert route["hostnames"] == ["genet.example.org"]
    service = named(documents, "Service", rule["http"]["paths"][0]["backend"]["service"]["name"])
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    assert route["rules"][0]["backendRefs"] == [
        {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
    ]


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_secrets_reach_genet_by_its_environment_alone(helm):
    documents = helm.template(*EVERYTHING, *OPERATOR)
    server, cleanup = (spec["containers"][0] for spec in pod_specs(documents))
    found = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in server["env"]}
    assert cleanup["env"] == server["env"]  # it reads the same settings, which are checked as a whole
    assert found == {
        "GENET_OAUTH__CLIENT_SECRET": {"name": "genet-secrets", "key": "client-secret"},
        "GENET_AUTH__PROXY__SECRET": {"name": "genet-secrets", "key": "proxy-secret"},
        "GENET_OIDC_PROVIDER__CLIENTS": {"name": "genet-secrets", "key": "clients.json"},
        "GENET_POD__PULL_SECRETS": {"name": "genet-secrets", "key": "registries.json"},
    }
    assert not any(document["kind"] == "Secret" for document in documents)


def test_genet_reads_them_as_its_settings(helm, tmp_path):
    environ = {
        "GENET_OAUTH__CLIENT_SECRET": "one",
        "GENET_AUTH__PROXY__SECRET": "two",
        "GENET_OIDC_PROVIDER__CLIENTS": '[{"id": "grafana", "secret": "three", "redirectURIs": ["https://g/cb"]}]',
    }
    settings = load(environ, written_config(helm.template(*EVERYTHING), tmp_path))
    assert settings.oauth.client_secret == "one"
    assert settings.auth.proxy.secret == "two"
    assert [(client.id, client.secret) for client in settings.oidc_provider.clients] == [("grafana", "three")]


def test_no_setting_that_is_secret_is_a_value_of_the_chart():
    found = json.loads((CHART / "values.schema.json").read_text())
    assert "writeOnly" not in json.dumps(found["$defs"])


# --- grants, HTTPS, the proxy -----------------------------------------------------------------------------------------


def test_sessions_and_keys_have_a_namespace_of_their_own_that_outlives_the_release(helm, tmp_path):
    documents = helm.template(*OAUTH)
    namespace = only(documents, "Namespace")["metadata"]
    assert namespace["name"] == load({}, written_config(documents, tmp_path)).kubernetes.grants_namespace
    assert namespace["annotations"]["helm.sh/resource-policy"] == "keep"
    # a label that says so would let people's policies, and Genet's tenant role, in
    assert not any(key.startswith("genet.io/") for key in namespace["labels"])
    hard = only(documents, "ResourceQuota")["spec"]["hard"]
    assert hard == {"count/secrets": "50000", "pods": "0"}


def test_only_the_server_may_read_them(helm):
    documents = helm.template(*OAUTH)
    inside = [d for d in documents if d["metadata"].get("namespace") == "genet-grants"]
    role, binding = only(inside, "Role"), only(inside, "RoleBinding")
    assert {tuple(rule["resources"]): rule["verbs"] for rule in role["rules"]} == {
        ("secrets",): ["get", "list", "watch", "create", "update", "delete"],
        ("leases",): ["get", "create", "update"],
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "genet", "namespace": "genet-system"}]
    rules = [rule for d in documents if d["kind"] in ("Role", "ClusterRole") and d is not role for rule in d["rules"]]
    assert not any("*" in rule["resources"] for rule in rules)
    # in people's namespaces: what belongs to a pod is made and taken away, but nothing is read except public keys
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules if "secrets" in rule["resources"]] == [
        (["create", "patch", "delete"], None),
        (["get"], ["genet-ssh-keys"]),
    ]


def test_the_server_speaks_https_with_a_secret_of_the_operators(helm, tmp_path):
    documents = helm.template(*OAUTH, "--set", "tls.secretName=genet-tls")
    spec = only(documents, "Deployment")["spec"]["template"]["spec"]
    (mount,) = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "tls"]
    tls = load({}, written_config(documents, tmp_path)).server.tls
    assert tls is not None
    assert (tls.cert_file, tls.key_file) == (f"{mount['mountPath']}/tls.crt", f"{mount['mountPath']}/tls.key")
    assert {"name": "tls", "secret": {"secretName": "genet-tls"}} in spec["volumes"]
    probes = [spec["containers"][0][probe]["httpGet"]["scheme"] for probe in ("livenessProbe", "readinessProbe")]
    assert probes == ["HTTPS", "HTTPS"]


def test_the_companys_authorities_are_found_where_they_are_mounted(helm, tmp_path):
    documents = helm.template(*OAUTH, "--set", "oauthCA.configMap=company-ca", "--set", "oauthCA.key=bundle.pem")
    spec = only(documents, "Deployment")["spec"]["template"]["spec"]
    (mount,) = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == "oauth-ca"]
    assert load({}, written_config(documents, tmp_path)).oauth.ca_file == f"{mount['mountPath']}/ca.crt"


def test_people_reach_the_proxy_beside_genet_and_not_genet(helm):
    documents = helm.template(*PROXY)
    containers = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: container["name"] for container in containers for port in container["ports"]}
    assert ports == {"http": "genet", "metrics": "genet", "proxy": "proxy"}
    targets = [port["targetPort"] for port in named(documents, "Service", "genet")["spec"]["ports"]]
    assert targets == ["proxy"]
    rules = only(documents, "NetworkPolicy")["spec"]["ingress"]
    assert [port["port"] for rule in rules for port in rule["ports"]] == ["proxy", "metrics"]


def test_the_proxy_beside_genet_gets_no_rights_in_the_cluster(helm):
    spec = only(helm.template(*PROXY), "Deployment")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    tokens = {volume["name"] for volume in spec["volumes"] if "serviceAccountToken" in str(volume)}
    mounting = [
        container["name"]
        for container in spec["containers"]
        for mount in container.get("volumeMounts", ())
        if mount["name"] in tokens
    ]
    assert mounting == ["genet"]
    alone = only(helm.template(*OAUTH), "Deployment")["spec"]["template"]["spec"]
    assert alone["automountServiceAccountToken"] is True


@pytest.mark.parametrize("header", ["userHeader=X-Auth-Request-User", "emailHeader=X-Auth-Request-Email"])
def test_headers_that_the_proxy_lets_through_from_browsers_are_not_believed(helm, header):
    key = f"config.auth.proxy.{header}"
    assert key.partition("=")[0] in helm.complaint(*PROXY, "--set", key)
    helm.template(*PROXY, "--set", key, "--set", "proxy.args={--alpha-config=/etc/proxy.yaml}")
    helm.template(*PROXY, "--set", key, "--set", "proxy.image=another")


def test_without_that_mode_no_proxy_runs(helm):
    documents = helm.template(*OAUTH, "--set", "proxy.image=p")
    assert [c["name"] for c in only(documents, "Deployment")["spec"]["template"]["spec"]["containers"]] == ["genet"]


# --- rights that a setting brings -------------------------------------------------------------------------------------


def rights(documents):
    """(role, verb, resource, names) of everything in the rendering."""
    return {
        (document["metadata"]["name"], verb, resource, tuple(rule.get("resourceNames", ())))
        for document in documents
        if document["kind"] in ("Role", "ClusterRole")
        for rule in document["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }


def test_people_may_read_delete_and_get_into_their_pods_and_nothing_else(helm):
    read = ("pods", "pods/log", "events", "services", "configmaps", "persistentvolumeclaims", "resourcequotas")
    assert {right[1:3] for right in rights(helm.template(*OAUTH)) if right[0] == "genet-user"} == {
        *((verb, resource) for verb in ("get", "list", "watch") for resource in (*read, "limitranges", "jobs")),
        ("delete", "pods"),
        *((verb, f"pods/{way}") for verb in ("get", "create") for way in ("exec", "attach", "portforward")),
    }


def test_certificates_bring_the_right_to_approve_and_nothing_else_does(helm):
    usual = rights(helm.template(*OAUTH))
    assert rights(helm.template(*OAUTH, "--set", "config.kubeconfig.mode=cert")) - usual == {
        *(("genet-certificates", verb, "certificatesigningrequests", ()) for verb in ("create", "get", "delete")),
        ("genet-certificates", "update", "certificatesigningrequests/approval", ()),
        ("genet-certificates", "approve", "signers", ("kubernetes.io/kube-apiserver-client",)),
    }


def test_saving_pods_brings_rights_in_the_namespace_of_its_jobs_alone(helm):
    usual, saving = helm.template(*OAUTH), helm.template(*OAUTH, *SAVING)
    assert rights(saving) - rights(usual) == {
        *(("genet-jobs", verb, "jobs", ()) for verb in ("get", "list", "create", "delete")),
        ("genet-jobs", "get", "pods/log", ()),
        *(("genet-jobs", verb, "leases", ()) for verb in ("get", "create", "patch", "delete")),
    }
    role, binding = (named(saving, kind, "genet-jobs") for kind in ("Role", "RoleBinding"))
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "genet-jobs"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "genet", "namespace": "genet-system"}]


def test_the_namespace_of_the_jobs_is_there_only_where_pods_are_saved_and_is_nobodys(helm):
    assert not [document for document in helm.template(*OAUTH) if "genet-jobs" in document["metadata"].values()]
    labels = named(helm.template(*OAUTH, *SAVING), "Namespace", "genet-jobs")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert not [key for key in labels if key.startswith("genet.io/")]


def test_nobody_reaches_the_pods_of_the_jobs(helm):
    def policies(*arguments):
        documents = helm.template(*OAUTH, *SAVING, *arguments)
        found = [document for document in documents if document["kind"] == "NetworkPolicy"]
        return [policy["spec"] for policy in found if policy["metadata"].get("namespace") == "genet-jobs"]

    assert policies() == [{"podSelector": {}, "policyTypes": ["Ingress"]}]
    assert policies("--set", "networkPolicy.enabled=false") == []


def test_people_may_create_where_it_is_allowed_and_change_nothing(helm):
    usual = rights(helm.template(*OAUTH))
    created = ("pods", "persistentvolumeclaims", "services", "jobs")
    policies = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    assert rights(helm.template(*OAUTH, "--set", "config.kubeconfig.allowCreate=true")) - usual == {
        *(("genet-user", "create", resource, ()) for resource in created),
        *(("genet-backend", "get", resource, ("genet-user",)) for resource in policies),
    }


def test_genet_takes_the_rights_of_people_away_and_no_others(helm):
    of_bindings = {right for right in rights(helm.template(*OAUTH)) if right[2] == "rolebindings"}
    assert of_bindings == {
        ("genet-backend", "create", "rolebindings", ()),
        ("genet-tenant", "get", "rolebindings", ("genet-user", "genet-tenant")),
        ("genet-tenant", "delete", "rolebindings", ("genet-user",)),
    }


def named(documents, kind, name):
    return only([document for document in documents if document["metadata"]["name"] == name], kind)


def written_config(documents, folder):
    """The configuration file as the pods would find it."""
    file = folder / "genet.yaml"
    file.write_text(
        named(documents, "ConfigMap", only(documents, "Deployment")["metadata"]["name"])["data"]["genet.yaml"]
    )
    return file
