"""Which processes belong to a command or a terminal, from what a container says of itself."""

import time

import pytest

from genet.pods.processes import Started, Table, family, listing, read_start, read_table, remaining, start, terminals

COOKIE = "c0" * 16


def stat(pid, parent, session, *, state="S", began=100, ignored=0, name="sh"):
    fields = [parent, session, session, *[0] * 15, began, *[0] * 10, ignored, *[0] * 19]
    return f"{pid} ({name}) {state} {' '.join(map(str, fields))}"


def table(*lines, bearers=(), files="environ"):
    return read_table("\n".join([*lines, *(f"/proc/{pid}/{files}" for pid in bearers)]).encode())


def test_a_command_is_started_by_arguments_alone():
    assert start(COOKIE, ["a b", "$(c)"])[3:] == [COOKIE, "a b", "$(c)"]
    assert COOKIE not in listing(COOKIE), "or the one that looks would find itself"


@pytest.mark.parametrize(
    ("line", "started"),
    [
        (f"{COOKIE} 20 {stat(20, 0, 20, began=77)}\n", Started(20, 77)),
        (f"{COOKIE} 20 {stat(20, 0, 20, name='a (b) c')}\r\n", Started(20, 100)),
        (f"{COOKIE} 20 \n", Started(20, None)),
        (f"{COOKIE} x\n", None),
        (f"{COOKIE} {'1' * 5000} \n", None),
        (f"{COOKIE} ٢٠ \n", None),
        (f"{COOKIE}\n", None),
        ("sh: something else\n", None),
        ("", None),
    ],
)
def test_what_a_shell_says_first_is_read(line, started):
    assert read_start(line.encode(), COOKIE) == started


def test_to_a_command_belong_its_session_its_offspring_and_whoever_has_the_cookie():
    found = table(
        stat(1, 0, 1),
        stat(20, 0, 20),
        stat(21, 20, 20),
        stat(22, 21, 22),
        stat(23, 1, 23),
        stat(24, 1, 24),
        stat(25, 1, 20, state="Z"),
        bearers=[20, 23],
    )
    assert family(found, Started(20, 100)) == {20, 21, 22, 23}


def test_one_that_never_said_who_it_is_is_found_by_its_cookie():
    assert family(table(stat(1, 0, 1), stat(20, 0, 20), stat(30, 0, 30), bearers=[20], files="cmdline"), None) == {20}
    assert family(table(stat(1, 0, 1), stat(30, 0, 30)), None) == frozenset()


def test_the_first_process_is_never_meant():
    assert family(table(stat(1, 0, 1), stat(5, 1, 5), bearers=[1]), None) == {5}


def test_the_same_numbers_in_another_life_of_the_container_are_somebody_else():
    assert terminals(table(stat(20, 0, 20, began=999), stat(21, 20, 20, began=999)), Started(20, 100)) == frozenset()
    assert terminals(table(stat(21, 1, 20)), Started(20, 100)) == frozenset()
    assert terminals(table(stat(21, 1, 20), bearers=[21]), Started(20, 100)) == {21}


def test_a_terminal_is_its_session_and_no_more():
    found = table(stat(20, 0, 20), stat(21, 20, 20), stat(22, 20, 22), bearers=[20, 21, 22])
    assert terminals(found, Started(20, 100)) == {20, 21}


def test_what_ignores_a_hang_up_is_meant_to_stay_but_not_the_shell():
    found = table(stat(20, 0, 20, ignored=1), stat(21, 20, 20, ignored=1 | 1 << 14), stat(22, 20, 20, ignored=1 << 14))
    assert remaining(found, Started(20, 100)) == {20, 22}


def test_lines_that_are_cut_are_left_out():
    assert read_table(b"20 (sh) S 0 20 20 0\nnonsense\n\n/proc/x/environ\n").processes == ()


@pytest.mark.parametrize("number", ["1" * 5000, "-", "--1"])
def test_numbers_that_are_none_are_left_out_with_their_lines(number):
    """Whoever makes an image makes its `cat`, too."""
    lines = [f"{number} (sh) S 0 20 20", f"20 (sh) S {number} 20 20" + " 0" * 40, f"/proc/{number}/environ"]
    assert read_table("\n".join(lines).encode()) == Table((), frozenset())


@pytest.mark.parametrize("line", [b"1 (" + b") S 1 " * 700_000, b"1 () S -" + b"1" * 4_000_000 + b"x"])
def test_a_line_that_never_ends_is_read_once(line):
    began = time.process_time()
    assert read_table(line).processes == ()
    assert time.process_time() - began < 2
