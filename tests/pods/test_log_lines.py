import pytest

from genet.pods.log_lines import CUT, LONGEST, Line, LogLine, Splitter, on_wire

AT = b"2026-01-02T03:04:05.000000007Z"
NANOSECONDS = 1767323045 * 10**9 + 7
PART = 16 * 1024


def split(*chunks):
    splitter = Splitter()
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    return found, list(splitter.rest())


def test_a_line_is_the_same_however_it_comes_in_pieces():
    data = AT + b" one\n" + AT + b" two \xc3\xa4\n" + AT + b" three"
    whole = split(data)
    assert whole == ([Line(NANOSECONDS, b"one"), Line(NANOSECONDS, "two ä".encode())], [Line(NANOSECONDS, b"three")])
    for size in (1, 2, 7, 31):
        assert split(*(data[at : at + size] for at in range(0, len(data), size))) == whole


@pytest.mark.parametrize(
    ("stamp", "nanoseconds"),
    [
        (b"2026-01-02T03:04:05Z", 1767323045 * 10**9),
        (b"2026-01-02T03:04:05.5Z", 1767323045 * 10**9 + 500_000_000),
        (b"2026-01-02T11:04:05.000000007+08:00", NANOSECONDS),
        (b"2026-01-01T22:04:05.000000007-05:00", NANOSECONDS),
    ],
)
def test_the_time_is_told_in_utc_wherever_the_node_is(stamp, nanoseconds):
    ([line], _) = split(stamp + b" text\n")
    assert line == Line(nanoseconds, b"text")


def test_on_the_wire_all_nine_digits_are_told():
    assert on_wire(Line(NANOSECONDS, b"x")) == LogLine("2026-01-02T03:04:05.000000007Z", "x")


def test_what_the_kubelet_says_itself_has_no_time():
    ([one, two, three], _) = split(b"failed to watch the file\n2026-99-99T03:04:05Z x\n\n")
    assert (one.at, two.at, three) == (None, None, Line(None, b""))


def test_an_empty_line_is_a_line():
    assert split(AT + b" \n" + AT + b"\n") == ([Line(NANOSECONDS, b""), Line(NANOSECONDS, b"")], [])


def test_carriage_returns_and_colours_are_kept_and_bytes_that_are_no_text_replaced():
    ([line], _) = split(AT + b" 10%\r\x1b[32m20%\x1b[0m \xff\xfe\n")
    assert on_wire(line).line == "10%\r\x1b[32m20%\x1b[0m \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_stamps_between_the_parts_of_a_long_line_are_not_in_it():
    parts = [b"a" * PART, b"b" * PART, b"c" * 10]
    ([line], _) = split(b"".join(AT + b" " + part for part in parts) + b"\n")
    assert line.text == b"".join(parts)


def test_a_long_line_without_such_stamps_stays_as_it_is():
    text = b"a" * PART + b"2026-01-02 was a Friday" + b"b" * PART
    ([line], _) = split(AT + b" " + text + b"\n")
    assert line.text == text


def test_of_a_line_that_does_not_end_the_beginning_is_told_once_and_nothing_kept():
    splitter = Splitter()
    chunk = b"x" * 64 * 1024
    found = [*splitter.feed(AT + b" "), *(line for _ in range(1024) for line in splitter.feed(chunk))]
    assert [line.text for line in found] == [b"x" * LONGEST + CUT]
    assert len(splitter._rest) <= len(chunk)
    assert list(splitter.feed(b"its end\n" + AT + b" next\n")) == [Line(NANOSECONDS, b"next")]


def test_a_cut_goes_through_no_character():
    text = b"x" + "ä".encode() * LONGEST
    ([line], _) = split(AT + b" " + text + b"\n")
    assert "\N{REPLACEMENT CHARACTER}" not in on_wire(line).line
    assert line.text.endswith(CUT)
