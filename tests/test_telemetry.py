import json
import logging

import pytest

from genet.telemetry import JsonFormatter


def line(message="hello", *arguments, exc_info=None, **extra):
    record = logging.makeLogRecord(
        {"name": "genet.tests", "levelno": logging.INFO, "levelname": "INFO", "msg": message, "args": arguments}
        | {"exc_info": exc_info, "created": 1_700_000_000.1234, **extra}
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_record_is_one_json_object():
    assert line("%d pods", 3, user="alice") == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "info",
        "logger": "genet.tests",
        "message": "3 pods",
        "user": "alice",
    }


def test_a_traceback_stays_on_the_line():
    with pytest.raises(ValueError) as caught:
        int("two\nlines")
    written = line(exc_info=(caught.type, caught.value, caught.tb))
    assert written["traceback"].startswith("Traceback (most recent call last)")
    assert "invalid literal" in written["traceback"]


@pytest.mark.parametrize("odd", ["new\nline", "\x1b[31m", "\udcff", object()])
def test_whatever_is_logged_makes_a_line(odd):
    assert line(str(odd), odd=odd)["message"]
