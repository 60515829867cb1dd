"""What is said of a pod that is being restarted: whole sentences, as of every other pod."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from genet.pods.restarting import Restart, message_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)

ASKED = Restart(
    namespace="user-ann", pod="pod-ann-a", uid="1", mark="m", manifest={}, gpus=0, node="n1",
    created_at=NOW, asked_at=NOW, holder="", touched_at=NOW,
)  # fmt: skip
STATES = [
    {},
    {"gpus": 2},
    {"step": "created"},
    {"step": "created", "gpus": 2},
    {"is_cancelled": True},
    {"trouble": "quota", "detail": "exceeded quota: genet"},
    {"trouble": "refused", "detail": "no such class."},
    {"trouble": "node", "detail": "n1"},
]


@pytest.mark.parametrize("state", STATES)
def test_every_message_is_a_sentence(state):
    restart = replace(ASKED, **state)
    english, chinese = message_of(restart), message_of(restart, "zh")
    assert english[0].isupper()
    assert english.endswith(".")
    assert not english.endswith("..")
    assert chinese.endswith("。")
    assert ".。" not in chinese
    assert state.get("detail", "").rstrip(".") in english
