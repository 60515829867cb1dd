import pytest

from genet.kube.objects import Namespace
from genet.kube.projection import ObjectMeta
from genet.limits import Limits, limits_of
from genet.settings import Auth, Settings

SETTINGS = Settings(auth=Auth(mode="dev"), pod_limit_per_user=5, gpu_limit_per_user=8)


def limits(**annotations):
    notes = {f"genet.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    return limits_of(Namespace(ObjectMeta(name="n", annotations=notes)), SETTINGS)


def test_a_user_without_a_namespace_has_the_configured_limits():
    assert limits_of(None, SETTINGS) == Limits(pods=5, gpus=8)


def test_a_users_own_limits_may_be_more_or_less():
    assert limits(pod_limit="0", gpu_limit="64") == Limits(pods=0, gpus=64)
    assert limits(gpu_limit="1") == Limits(pods=5, gpus=1)


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", " 1", "1\n", "²", "٣", "9" * 5000])
def test_what_is_no_number_is_ignored(text):
    assert limits(pod_limit=text) == Limits(pods=5, gpus=8)
