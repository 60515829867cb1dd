import pytest

from genet.settings import Settings
from genet.settings.sources import MASK, ConfigurationError, effective, load, schema

DEV = {"GENET_AUTH__MODE": "dev"}


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "genet.yaml"
        file.write_text(text)
        return file

    return write


def test_environment_wins_over_the_file_and_the_file_over_defaults(written):
    file = written("auth: {mode: dev}\npodLimitPerUser: 3\ngpuLimitPerUser: 4\n")
    settings = load({"GENET_GPU_LIMIT_PER_USER": "6"}, file)
    assert (settings.pod_limit_per_user, settings.gpu_limit_per_user) == (3, 6)
    assert settings.lifecycle.auto_delete_time == "23:00"


def test_the_file_may_be_named_by_the_environment(written):
    file = written("auth: {mode: dev}\nui: {title: Lab}\n")
    assert load({"GENET_CONFIG": str(file)}).ui.title == "Lab"


def test_nested_and_structured_values_from_the_environment():
    environ = {
        **DEV,
        "GENET_AUTH__DEV__ALLOW_REMOTE": "true",
        "GENET_PROMETHEUS_URL": "http://prometheus:9090",
        "GENET_GPU__AVAILABLE_TYPES": '[{"name": "H100", "resourceName": "nvidia.com/gpu"}]',
        "GENET_SERVER__METRICS_PORT": "null",
    }
    settings = load(environ)
    assert settings.auth.dev.allow_remote is True
    assert settings.prometheus_url == "http://prometheus:9090"
    assert settings.gpu.available_types[0].name == "H100"
    assert settings.server.metrics_port is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "auth: required"),
        ("auth: {}", "auth.mode: required"),
        ("auth: {mode: trust-me}", "auth.mode: invalid enum value"),
        ("auth: {mode: dev}\npodLimit: 3", "podLimit: no such setting"),
        ("auth: {mode: dev, moed: x}", "auth.moed: no such setting"),
        ("auth: {mode: dev}\npodLimitPerUser: many", "podLimitPerUser: expected `int`"),
        ("auth: {mode: dev}\npodLimitPerUser: -1", "podLimitPerUser: expected `int` >= 0"),
        ("auth: {mode: dev}\ngpu: {availableTypes: [{name: a}]}", "gpu.availableTypes[0].resourceName: required"),
        ("auth: {mode: dev}\nlifecycle: {autoDeleteTime: 23:00}", "(write the time in quotes)"),
        ("auth: {mode: dev}\nlifecycle: {autoDeleteTime: '24:00'}", "lifecycle.autoDeleteTime: expected `str`"),
        ("auth: {mode: dev}\nlifecycle: {timezone: Mars/Olympus}", "lifecycle.timezone: expected an IANA time zone"),
        ("auth: {mode: dev}\nlifecycle: {timezone: /etc/passwd}", "lifecycle.timezone: expected an IANA time zone"),
        (
            "auth: {mode: dev}\ngpu: {availableTypes: [{name: a, resourceName: r/r}, {name: a, resourceName: r/s}]}",
            "gpu.availableTypes: the name 'a' stands twice",
        ),
        ("auth: {mode: dev}\npod: {defaults: {cpu: lots, memory: 1Gi}}", "pod.defaults.cpu: expected `str` matching"),
        ("- a list", "expected a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(written, text, complaint):
    with pytest.raises(ConfigurationError) as caught:
        load({}, written(text))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("GENET_NO_SUCH", "1", "GENET_NO_SUCH: no such setting"),
        ("GENET_AUTH__NO_SUCH", "1", "GENET_AUTH__NO_SUCH: no such setting"),
        ("GENET_GPU__AVAILABLE_TYPES", "[", "GENET_GPU__AVAILABLE_TYPES: not JSON"),
    ],
)
def test_bad_variables_are_named(variable, value, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        load({**DEV, variable: value})


def test_a_missing_file_is_an_error_and_not_the_defaults(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        load(DEV, tmp_path / "absent.yaml")


def test_effective_masks_secrets_and_loads_again(written):
    settings = load({**DEV, "GENET_PROMETHEUS_URL": "http://me:hunter2@prometheus:9090"})
    document = effective(settings)
    assert "hunter2" not in str(document)
    assert document["prometheusURL"] == f"http://{MASK}@prometheus:9090"
    assert document["podLimitPerUser"] == Settings(auth=settings.auth).pod_limit_per_user


def test_schema_speaks_the_files_spelling():
    text = str(schema())
    assert "availableTypes" in text
    assert "available_types" not in text
