import pytest
from litestar.exceptions import ClientException

from genet.errors import Invalid
from genet.pods.model import PodRequest
from genet.web.body import decode


def bad_fields(raw):
    return {error.field for error in decode(raw, PodRequest).errors}


def test_a_good_body_has_no_errors():
    body = decode(b'{"image": "debian", "gpuCount": 2, "env": [{"name": "A", "value": "b"}]}', PodRequest)
    assert body.checked().gpu_count == 2
    assert body.value.env[0].value == "b"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", b"5"),
        ("image", b'""'),
        ("gpuType", b"1"),
        ("gpuCount", b'"2"'),
        ("gpuCount", b"-1"),
        ("gpuCount", b"1.5"),
        ("gpuCount", b"true"),
        ("cpu", b"4"),
        ("memory", b"[]"),
        ("nodeName", b"{}"),
        ("gpuDevices", b'"0"'),
        ("gpuDevices[1]", b"[0, -1]"),
        ("gpuDevices[0]", b'["0"]'),
        ("name", b"7"),
        ("command", b'"sleep 5"'),
        ("command[1]", b'["a", 1]'),
        ("env", b"{}"),
        ("env[0]", b'["A=b"]'),
        ("env[0].value", b'[{"name": "A", "value": 1}]'),
        ("env[1].name", b'[{"name": "A", "value": ""}, {"value": "x"}]'),
        ("env[0].secret", b'[{"name": "A", "value": "", "secret": 1}]'),
        ("workingDir", b"0"),
        ("shmSize", b"64"),
    ],
)
def test_each_bad_field_is_named(field, value):
    key = field.partition("[")[0]
    raw = b'{"image": "debian", "%s": %s}' % (key.encode(), value)
    if key == "image":
        raw = b'{"image": %s}' % value
    assert bad_fields(raw) == {field}


def test_a_key_of_no_letters_has_a_name_all_the_same():
    assert bad_fields(b'{"image": "debian", "": 1, "env": [{"name": "A", "value": "", "": 1}]}') == {'""', 'env[0].""'}


def test_all_bad_fields_are_named_at_once():
    raw = b'{"gpuCount": "2", "env": [{"name": 1, "value": 2}], "colour": "red", "cpu": 1}'
    assert bad_fields(raw) == {"image", "gpuCount", "env[0].name", "env[0].value", "colour", "cpu"}


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b'"gpuDevices": ["0", 1, -1, 2.5]', {"gpuDevices[0]", "gpuDevices[2]", "gpuDevices[3]"}),
        (b'"command": [1, "a", null]', {"command[0]", "command[2]"}),
        (b'"env": [5, {"name": 1, "value": ""}, []]', {"env[0]", "env[1].name", "env[2]"}),
    ],
)
def test_all_bad_elements_of_a_list_are_named_at_once(raw, fields):
    assert bad_fields(b'{"image": "debian", %s}' % raw) == fields


def test_elements_that_are_right_stay_in_their_places_beside_wrong_ones():
    body = decode(
        b'{"image": "debian", "gpuDevices": ["0", 1], "command": [1, "a"], '
        b'"env": [5, {"name": "A", "value": 1}, {"name": "B", "value": "b"}]}',
        PodRequest,
    )
    assert (body.value.gpu_devices[1], body.value.command[1]) == (1, "a")
    assert [(variable.name, variable.value) for variable in body.value.env[1:]] == [("A", ""), ("B", "b")]


@pytest.mark.parametrize(("field", "most"), [("env", 256), ("command", 256), ("gpuDevices", 64)])
def test_of_a_list_that_is_too_long_the_elements_are_not_listed(field, most):
    raw = b'{"image": "debian", "%s": [%s]}' % (field.encode(), b",".join([b"{}"] * (most + 1)))
    assert bad_fields(raw) == {field}


def test_fields_that_are_right_survive_beside_wrong_ones():
    body = decode(b'{"image": "debian", "gpuCount": "2", "cpu": "500m"}', PodRequest)
    assert (body.value.image, body.value.gpu_count, body.value.cpu) == ("debian", 0, "500m")
    with pytest.raises(Invalid):
        body.checked()


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"nope", b'{"image": "a"} x', b"[" * 100_000])
def test_what_is_not_json_is_said_so(raw):
    with pytest.raises(ClientException, match="not JSON"):
        decode(raw, PodRequest)


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"null", b"5"])
def test_what_is_no_object_is_invalid(raw):
    with pytest.raises(Invalid, match="object"):
        decode(raw, PodRequest)
