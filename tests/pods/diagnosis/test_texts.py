"""Every code has both languages, which speak of the same params and of nothing else."""

import re

import pytest

from genet.pods.diagnosis.reasons import finding, quoted
from genet.pods.diagnosis.texts import TEXTS, reason, sentence
from genet.pods.diagnosis.wording import amount, duration, fields, headline, size, worded

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("code", TEXTS)
def test_both_languages_are_there_and_speak_of_the_same(code):
    text = TEXTS[code]
    assert fields(text.en) == fields(text.zh)
    assert text.en.rstrip("]").endswith(".")
    assert text.zh.rstrip("]").endswith("。")
    assert CHINESE.search(text.zh)
    assert not CHINESE.search(text.en)


@pytest.mark.parametrize("code", TEXTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_of_a_template_is_left_in_a_sentence(code, language):
    text = TEXTS[code]
    for value in (None, 1, 2, "x", [], ["x", "y"]):
        said = reason(finding(code, **dict.fromkeys(text.params, value)), language).text
        assert not re.search(r"[{}]|\[\[|\]\]", said)
        assert sentence(finding(code, **dict.fromkeys(text.params, value)), language)


@pytest.mark.parametrize("code", TEXTS)
def test_all_params_of_a_code_are_in_its_reason(code):
    assert set(reason(finding(code), "en").params) == TEXTS[code].params


def test_counts_are_words_that_fit():
    assert worded("{n:node|nodes}", {"n": 1}, "en") == "1 node"
    assert worded("{n:node|nodes}", {"n": 0}, "en") == "0 nodes"


def test_a_clause_without_its_param_is_left_out():
    assert worded("a[[ of {x}]].", {"x": None}, "en") == "a."
    assert worded("a[[ of {x}]].", {"x": 0}, "en") == "a."
    assert worded("a[[ of {x}]].", {"x": ["b", "c"]}, "en") == "a of b, c."
    assert worded("a[[ of {x}]].", {"x": ["b", "c"]}, "zh") == "a of b、c."


def test_values_are_never_templates():
    assert worded("{a} {b}", {"a": "{b} [[{b}]]", "b": "secret"}, "en") == "{b} [[{b}]] secret"


@pytest.mark.parametrize(
    ("resource", "number", "en", "zh"),
    [
        ("cpu", 1, "1 CPU core", "1 核 CPU"),
        ("cpu", 0.5, "0.5 CPU cores", "0.5 核 CPU"),
        ("memory", 16 * 2**30, "16 GiB of memory", "16 GiB 内存"),
        ("ephemeral-storage", 1536 * 2**20, "1.5 GiB of local disk", "1.5 GiB 本地磁盘"),
        ("pods", 1, "1 pod", "1 个 Pod"),
        ("nvidia.com/gpu", 2, "2 nvidia.com/gpu", "2 个 nvidia.com/gpu"),
    ],
)
def test_amounts_are_said_as_people_say_them(resource, number, en, zh):
    assert amount(resource, None, number, "en") == en
    assert amount(resource, None, number, "zh") == zh


def test_sizes_and_durations():
    assert [size(number) for number in (0, 1023, 2048, 32 * 2**20)] == ["0 B", "1023 B", "2 KiB", "32 MiB"]
    assert [duration(s, "en") for s in (1, 119, 7199, 7200, 200_000)] == [
        "1 second", "119 seconds", "119 minutes", "2 hours", "2 days"
    ]  # fmt: skip


def test_the_headline_is_the_first_sentence_with_its_clauses():
    assert headline("One[[. Two]] 1.20 three. Four.") == "One[[. Two]] 1.20 three."
    assert headline("一。二。") == "一。"


def test_foreign_words_are_one_bounded_line_without_passwords():
    assert quoted("a\n  b\x1b[31m.") == "a b[31m"
    assert quoted("https://me:hunter2@registry.example/v2") == "https://registry.example/v2"
    assert len(quoted("x" * 5000)) == 401
