"""The command in this process; how it serves, starts and ends as a process of its own is tested in `live`."""

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from genet import __version__
from genet.cli import main


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name in ("GENET_CONFIG", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "genet.yaml"
    path.write_text("auth: {mode: dev}\npodLimitPerUser: 7\n")
    return path


def test_the_version_is_said_without_loading_what_is_not_needed():
    heavy = ("litestar", "kubernetes", "granian", "msgspec", "asyncio", "yaml")
    script = f"import sys, genet.cli\nassert not {{*{heavy!r}}} & {{*sys.modules}}\ngenet.cli.main(['--version'])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"genet {__version__}\n"


def test_config_prints_what_is_in_force(config, capsys):
    assert main(["config", "--config", str(config)]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert (printed["podLimitPerUser"], printed["gpuLimitPerUser"]) == (7, 8)


def test_the_schema_describes_the_file(config, capsys):
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(config.read_text()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"auth": {"mode": "nobody"}})


@pytest.mark.parametrize("command", ["serve", "cleanup", "config"])
def test_a_bad_setting_stops_every_command_with_its_path(config, capsys, command):
    config.write_text("auth: {mode: dev}\ngpu: {availableTypes: [{name: A100, resourceNam: x}]}\n")
    assert main([command, "--config", str(config)]) == 2
    assert "gpu.availableTypes[0].resourceNam" in capsys.readouterr().err


def test_the_openapi_document_is_printed(capsys):
    assert main(["openapi"]) == 0
    assert "/api/pods" in json.loads(capsys.readouterr().out)["paths"]


def test_no_command_at_all_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
