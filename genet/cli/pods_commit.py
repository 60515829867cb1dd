"""`genet pods commit`: save a pod as an image, or see how far that is."""

import time
from functools import partial

from genet.cli.common import complain
from genet.cli.pods_asking import FAILED, INTERRUPTED, Asking, note, print_document
from genet.client import asked, saving, shown, starting
from genet.client.errors import printable
from genet.client.pods import Pod
from genet.client.saving import Saving


def commit(asking: Asking) -> int:
    given = asking.arguments
    limit = asked.seconds_of(given.timeout)
    pod = asking.pod()
    name = shown.cell(pod.name)
    if given.image is None:
        return _show(asking, pod, limit)
    try:
        begun = saving.begin(asking.api, pod, given.image)
    except KeyboardInterrupt:
        return complain(f"interrupted; it may have begun all the same: genet pods commit {name}", INTERRUPTED)
    job = shown.cell(begun.get("jobName"))
    if not given.wait:
        if given.output == "name":
            print(job)
        elif given.output:
            print_document(begun, given.output)
        else:
            print(f"{name} is being saved by {job}; look: genet pods commit {name}")
        return 0
    note(f"{name} is being saved by {job}; it may stand still for a while (Ctrl-C leaves the saving going on)")
    return _done(asking, pod, _waited(asking, pod, limit))


def _show(asking: Asking, pod: Pod, limit: int) -> int:
    """Of the saving that goes on, or was the last: waits for the one, says how the other ended."""
    found = saving.look(asking.api, pod)
    name = shown.cell(pod.name)
    if found.status == saving.NEVER:
        return complain(
            f"{name} has not been saved, or that is long ago\nSave it: genet pods commit {name} IMAGE", FAILED
        )
    if found.status in saving.GOING_ON and not asking.arguments.wait:
        text = f"{name} is being saved: {printable(saving.state(found), 2000)}"
        # there is no such image yet
        return complain(text, FAILED) if asking.arguments.output == "name" else _print(asking, found, text)
    if found.status in saving.GOING_ON:
        found = _waited(asking, pod, limit)
    return _done(asking, pod, saving.ended(found, name))


def _waited(asking: Asking, pod: Pod, limit: int) -> Saving:
    progress = starting.Progress()
    name = shown.cell(pod.name)
    look = partial(saving.look, asking.api, pod)
    try:
        return saving.wait(look, name, progress.say, time, limit_seconds=limit, is_line=progress.rewrites)
    except KeyboardInterrupt:
        progress.end()
        note(f"the saving of {name} goes on; look: genet pods commit {name}")
        raise
    finally:
        progress.end()


def _done(asking: Asking, pod: Pod, found: Saving) -> int:
    image = printable(found.image or "")
    used = f"  a pod from it: genet pods create --image {image}"
    return _print(asking, found, f"{shown.cell(pod.name)} is saved as {image}\n{used}")


def _print(asking: Asking, found: Saving, text: str) -> int:
    output = asking.arguments.output
    if output == "name":
        print(printable(found.image or ""))
    elif output:
        print_document(found.document, output)
    else:
        print(text)
    return 0
