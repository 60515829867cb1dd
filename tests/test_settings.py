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


OAUTH = """
auth: {mode: oauth}
server: {publicURL: https://genet.example.org}
oauth: {providerURL: https://login.example.org/realms/x, clientID: genet, clientSecret: hunter2}
"""
PLAIN = """
auth: {mode: oauth}
server: {publicURL: https://genet.example.org}
oauth:
  clientID: genet
  authorizationEndpoint: https://code.example.org/login/oauth/authorize
  tokenEndpoint: https://code.example.org/login/oauth/access_token
  userinfoEndpoint: https://api.code.example.org/user
  subjectClaim: id
"""
PROXY = "auth: {mode: proxy, %s}\nserver: {publicURL: https://genet.example.org}\n"


@pytest.mark.parametrize(
    "text",
    [
        OAUTH,
        PLAIN,
        OAUTH.replace("https://genet.example.org", "http://localhost:8080"),
        OAUTH.replace("https://genet.example.org", "'https://[::1]:8443'"),
        OAUTH.replace("https://login.example.org/realms/x", "http://127.0.0.1:4000"),
        PROXY % "trustedProxies: [10.1.2.3, '::1']",
        PROXY % "trustedProxies: [10.1.0.0/16], proxy: {secret: hunter2}",
    ],
)
def test_ways_to_log_in_that_can_work(written, text):
    assert load({}, written(text)).auth.mode in ("oauth", "proxy")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("auth: {mode: oauth}", "server.publicURL: required for auth.mode oauth"),
        (OAUTH.replace("clientID: genet, ", ""), "oauth.clientID: required"),
        (OAUTH.replace("https://genet", "http://genet"), "server.publicURL: expected https://"),
        (OAUTH.replace("example.org}", "example.org/}", 1), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("example.org}", "example.org/genet}", 1), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("example.org}", "example.org:443}", 1), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("https://genet.", "https://Genet."), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("https://genet.", "https://me@genet."), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("https://genet.", "ftp://genet."), "server.publicURL: expected https://NAME"),
        (OAUTH.replace("https://login", "http://login"), "oauth.providerURL: expected https://"),
        (OAUTH.replace("realms/x", "realms/x?y=z"), "oauth.providerURL: expected https://"),
        (OAUTH.replace("realms/x", "realms/x#y"), "oauth.providerURL: expected https://"),
        (OAUTH.replace("providerURL: https://login.example.org/realms/x, ", ""), "oauth.providerURL: required"),
        (OAUTH.replace("hunter2", "h, tokenEndpoint: https://x.org/t"), "oauth.providerURL: either this"),
        (OAUTH.replace("hunter2", "h, scopes: [email]"), "oauth.scopes: expected openid"),
        (PLAIN.replace("  userinfoEndpoint: https://api.code.example.org/user\n", ""), "oauth.userinfoEndpoint: req"),
        (PLAIN.replace("https://api.", "http://api."), "oauth.userinfoEndpoint: expected https://"),
        (PROXY % "trustedProxies: [10.1.0.0/16]", "auth.trustedProxies[0]: more than one address"),
        (PROXY % "trustedProxies: ['::1', 127.0.0.0/8]", "auth.trustedProxies[1]: more than one address"),
        (PROXY % "trustedProxies: ['::/0']", "auth.trustedProxies[0]: more than one address"),
        ("auth: {mode: dev}\noidcProvider: {usernamePrefix: ''}", "oidcProvider.usernamePrefix: expected something"),
        (
            "auth: {mode: dev}\noidcProvider: {usernamePrefix: 'system:'}",
            "oidcProvider.usernamePrefix: expected something",
        ),
        (PROXY % "trustedProxies: [10.1.2.3/16], proxy: {secret: s}", "auth.trustedProxies[0]: expected an IP"),
        (PROXY % "trustedProxies: [proxy.example.org]", "auth.trustedProxies[0]: expected an IP"),
        (PROXY % "proxy: {secret: ''}", "auth.proxy.secret: expected"),
        (PROXY % "proxy: {issuer: 'a|b'}", "auth.proxy.issuer: expected"),
        (PROXY % "proxy: {userHeader: X-Forwarded-For}", "auth.proxy.userHeader"),
        (PROXY % "proxy: {userHeader: Cookie}", "auth.proxy.userHeader"),
        (PROXY % "proxy: {userHeader: X-Auth-Request-Email}", "auth.proxy.emailHeader: expected another"),
        ("auth: {mode: dev}\nserver: {allowedHosts: [a.org, 'b.org:80']}", "server.allowedHosts[1]: expected a host"),
        ("auth: {mode: dev}\nserver: {allowedHosts: ['*.org']}", "server.allowedHosts[0]: expected a host"),
    ],
)
def test_ways_to_log_in_that_cannot_stop_the_start(written, text, complaint):
    with pytest.raises(ConfigurationError) as caught:
        load({}, written(text))
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_no_secret_is_ever_shown(written):
    text = OAUTH + "oidcProvider: {clients: [{id: a, secret: hunter3}, {id: b}]}\n"
    document = effective(load({"GENET_AUTH__PROXY__SECRET": "hunter4"}, written(text)))
    assert "hunter" not in str(document)
    assert document["oauth"]["clientSecret"] == MASK
    assert document["oauth"]["clientID"] == "genet"
    assert [client["secret"] for client in document["oidcProvider"]["clients"]] == [MASK, None]
    assert document["auth"]["proxy"]["secret"] == MASK
