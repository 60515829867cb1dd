"""What is kept of a pod's view is what would be made anew."""

from datetime import UTC, timedelta

from hypothesis import given
from hypothesis import strategies as st

from genet.accelerators import counts_devices
from genet.pods.view import view
from genet.pods.views import Views
from tests.pods.builders import container, pod
from tests.pods.test_view import NOW, SETTINGS

RUNNING = [container(ready=True, running={})]
BEFORE = pod(containerStatuses=RUNNING)
PODS = (
    BEFORE,
    pod(metadata={"annotations": {"genet.io/protected-until": "2026-03-05T12:00:00Z"}}, containerStatuses=RUNNING),
    pod(phase="Pending"),
    pod(containerStatuses=[container(waiting={"reason": "CrashLoopBackOff"}, restarts=3)]),
)
NAIVE = NOW.replace(tzinfo=None)
TIMES = st.datetimes(NAIVE - timedelta(days=3), NAIVE + timedelta(days=8), timezones=st.just(UTC))
MOMENTS = st.tuples(st.sampled_from(PODS), TIMES, st.booleans(), st.sampled_from(["en", "zh"]))


def anew(of, now, *, is_exempt=False, language="en", user="alice-alice"):
    devices = counts_devices([])
    return view(of, SETTINGS, user=user, is_device=devices, now=now, is_exempt=is_exempt, language=language)


@given(st.lists(MOMENTS, max_size=20))
def test_whatever_is_asked_in_whatever_order_the_view_is_true(moments):
    views = Views(SETTINGS, counts_devices([]), most=3)
    for of, now, is_exempt, language in moments:
        seen = views.view(of, "alice-alice", now, language, is_exempt=is_exempt)
        assert seen == anew(of, now, is_exempt=is_exempt, language=language)


def test_the_view_of_a_pod_that_runs_is_made_once_until_the_clean_up_comes():
    views = Views(SETTINGS, counts_devices([]))
    first = views.view(BEFORE, "alice-alice", NOW, "en", is_exempt=False)
    assert views.view(BEFORE, "alice-alice", NOW + timedelta(hours=1), "en", is_exempt=False) is first
    assert first.deletes_at is not None
    later = views.view(BEFORE, "alice-alice", first.deletes_at + timedelta(seconds=1), "en", is_exempt=False)
    assert later.deletes_at == first.deletes_at + timedelta(days=1)


def test_a_pod_that_has_changed_is_seen_so_at_once():
    views = Views(SETTINGS, counts_devices([]))
    views.view(BEFORE, "alice-alice", NOW, "en", is_exempt=False)
    changed = pod(metadata={"resourceVersion": "2"}, containerStatuses=[container(ready=True, running={}, restarts=1)])
    assert views.view(changed, "alice-alice", NOW, "en", is_exempt=False).restarts == 1
