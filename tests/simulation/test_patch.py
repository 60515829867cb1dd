import pytest
from hypothesis import given
from hypothesis import strategies as st

from genet.simulation.errors import ApiError
from genet.simulation.patch import json_patch, merge_patch, strategic_merge_patch

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("operations", "after"),
    [
        ([{"op": "add", "path": "/b", "value": 2}], {"a": [1, 2], "b": 2}),
        ([{"op": "add", "path": "/a/1", "value": 9}], {"a": [1, 9, 2]}),
        ([{"op": "add", "path": "/a/-", "value": 9}], {"a": [1, 2, 9]}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ([{"op": "replace", "path": "/a", "value": {"x/y": {"~": 1}}},
          {"op": "test", "path": "/a/x~1y/~0", "value": 1}], {"a": {"x/y": {"~": 1}}}),
        ([{"op": "move", "from": "/a/0", "path": "/b"}], {"a": [2], "b": 1}),
        ([{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/-", "value": 3}],
         {"a": [1, 2], "b": [1, 2, 3]}),
        ([{"op": "replace", "path": "", "value": {}}], {}),
    ],
)  # fmt: skip
def test_json_patches_are_applied_in_order(operations, after):
    document = {"a": [1, 2]}
    assert json_patch(document, operations) == after
    assert document == {"a": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 1},
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "add", "path": "/a/7", "value": 1},
        {"op": "add", "path": "/a/-1", "value": 1},
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/b"},
        {"op": "explode", "path": "/a"},
        {},
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(operation):
    with pytest.raises(ApiError) as refused:
        json_patch({"a": [1, 2]}, [operation])
    assert refused.value.code == 422


def test_a_merge_patch_sets_merges_and_deletes():
    document = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge_patch(document, {"a": {"b": None, "e": {"f": None}}, "d": [2]}) == {"a": {"c": 2, "e": {}}, "d": [2]}


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_is_applied_once(document, patch):
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


def containers(**images):
    return [{"name": name, "image": image} for name, image in images.items()]


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"containers": containers(a="1", b="1")}, {"containers": containers(b="2", c="2")},
         {"containers": containers(a="1", b="2", c="2")}),
        ({"containers": containers(a="1", b="1")}, {"containers": [{"name": "a", "$patch": "delete"}]},
         {"containers": containers(b="1")}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({"labels": {"a": "1"}}, {"labels": {"a": None, "b": "2"}}, {"labels": {"b": "2"}}),
    ],
)  # fmt: skip
def test_a_strategic_merge_knows_its_lists(before, patch, after):
    assert strategic_merge_patch(before, patch) == after
