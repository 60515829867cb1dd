"""Every situation with its codes, params and both languages' sentences, as people read them: `golden.json`.

`UPDATE_GOLDEN=1` writes the file anew; read what changed before you commit it.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest

from genet.pods.diagnosis.rules import diagnose
from genet.pods.diagnosis.texts import TEXTS
from tests.pods.diagnosis.builders import REAL, real
from tests.pods.diagnosis.cases import CASES

GOLDEN = Path(__file__).parent / "golden.json"
EVERYTHING = {f"real: {name}": real(name) for name in REAL} | CASES


def told(evidence):
    english, chinese = diagnose(evidence, "en"), diagnose(evidence, "zh")
    assert [(r.code, r.params) for r in english] == [(r.code, r.params) for r in chinese]
    return [
        {"code": one.code, "params": msgspec.to_builtins(one.params), "en": one.text, "zh": other.text}
        for one, other in zip(english, chinese, strict=True)
    ]


def test_every_situation_is_in_the_golden_file():
    if os.environ.get("UPDATE_GOLDEN") == "1":
        found = {name: told(evidence) for name, evidence in EVERYTHING.items()}
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert set(json.loads(GOLDEN.read_text())) == set(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_is_said_of(name):
    assert told(EVERYTHING[name]) == json.loads(GOLDEN.read_text())[name]


def test_every_code_is_brought_about():
    seen = {reason.code for evidence in EVERYTHING.values() for reason in diagnose(evidence)}
    # the last is put there by whoever could not read something
    assert seen == set(TEXTS) - {"unread"}
