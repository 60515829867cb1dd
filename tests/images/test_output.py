"""What the Job says, as people read it."""

from genet.images.output import LINES, MOST_CHARACTERS, readable

LAYER = f"layer-sha256:{'a' * 64}"


def test_of_what_is_drawn_again_and_again_the_last_is_told():
    drawn = "".join(
        f"\x1b[2K\r{LAYER}: {state} |---|\nelapsed: {number}.0 s  total: {number} MiB\n\x1b[1A\x1b[1A"
        for number, state in enumerate(["waiting", "uploading", "done"])
    )
    told = readable(f"level=info msg=pushing\n{drawn}level=fatal msg=no\n")
    assert told.split("\n") == [
        "level=info msg=pushing",
        f"{LAYER}: done |---|",
        "elapsed: 2.0 s  total: 2 MiB",
        "level=fatal msg=no",
    ]


def test_it_is_the_end_of_it():
    assert readable("\n".join(map(str, range(LINES + 5)))).split("\n")[0] == "5"
    assert len(readable("x" * (MOST_CHARACTERS + 5))) == MOST_CHARACTERS


def test_nothing_a_terminal_would_do_is_left():
    assert readable("a\x1b[31mb\x1b]0;title\x07c\x00d\x9be\n\te") == "ab]0;titlecde\n\te"
