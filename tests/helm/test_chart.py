"""What the chart renders, compared with kept renderings and with what Genet itself says of its configuration.

`UPDATE_GOLDEN=1 pytest tests/helm` writes the kept renderings anew; read the difference before committing it.
"""

import os
import shutil
from pathlib import Path

import pytest
import yaml

import genet
from genet.settings.sources import load
from tests.helm.conftest import ACCEPTED, CHART, Readable, only

HERE = Path(__file__).parent
EVERYTHING = ("--values", str(HERE / "values" / "everything.yaml"))
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("defaults", ACCEPTED), ("everything", (*EVERYTHING, *OPERATOR))],
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


@pytest.mark.parametrize("arguments", [ACCEPTED, EVERYTHING])
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


def test_the_ingress_is_ready_for_the_day_when_login_lands(helm, tmp_path):
    chart = tmp_path / "genet"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "login-guard.yaml").unlink()
    values = ("ingress.enabled=true", "ingress.host=genet.example.org", "ingress.tlsSecretName=tls")
    documents = helm.template(*(word for value in values for word in ("--set", value)), chart=chart)
    spec = only(documents, "Ingress")["spec"]
    assert spec["tls"] == [{"hosts": ["genet.example.org"], "secretName": "tls"}]
    (rule,) = spec["rules"]
    assert rule["host"] == "genet.example.org"
    service = named(documents, "Service", rule["http"]["paths"][0]["backend"]["service"]["name"])
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]


def named(documents, kind, name):
    return only([document for document in documents if document["metadata"]["name"] == name], kind)


def written_config(documents, folder):
    """The configuration file as the pods would find it."""
    file = folder / "genet.yaml"
    file.write_text(
        named(documents, "ConfigMap", only(documents, "Deployment")["metadata"]["name"])["data"]["genet.yaml"]
    )
    return file
