"""What a quota refused a controller, as the API server words it."""

from genet.flows.refusals import refusals
from genet.pods.diagnosis.evidence import Refusal
from tests.pods.diagnosis.builders import event

MESSAGE = (
    'Error creating: pods "web-x" is forbidden: exceeded quota: genet, requested: pods=1,requests.nvidia.com/gpu=2, '
    "used: pods=5,requests.nvidia.com/gpu=4, limited: pods=5,requests.nvidia.com/gpu=4"
)


def test_each_resource_that_is_short_is_told():
    assert refusals("Job train", [event("FailedCreate", MESSAGE), event("FailedCreate", MESSAGE)]) == (
        Refusal("Job train", "pods", "5", "1", "5"),
        Refusal("Job train", "nvidia.com/gpu", "4", "2", "4"),
    )


def test_other_events_refuse_nothing():
    assert (
        refusals("Job train", [event("FailedCreate", "no such service account"), event("SuccessfulCreate", MESSAGE)])
        == ()
    )
