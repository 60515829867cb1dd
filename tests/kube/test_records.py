"""Records in Secrets, on the embedded cluster and, unchanged, on a real API server."""

import asyncio
from contextlib import aclosing

import msgspec
import pytest
from aiohttp import web

from genet.errors import AlreadyExists, Conflict, NotFound, Unavailable
from genet.kube.objects import NAMESPACES, SECRETS, Secret
from genet.kube.projection import ObjectMeta
from genet.kube.records import Kind, Record, Records


class Note(msgspec.Struct, frozen=True):
    text: str
    times: int = 0


class Other(msgspec.Struct, frozen=True):
    number: int


NOTE = Kind("note", Note)
OTHER = Kind("other", Other)
AT_ONCE = 12


@pytest.fixture
def records(kube, namespace):
    return Records(kube, namespace)


async def at_once(call):
    """What twelve calls at the same time came to."""
    return await asyncio.gather(*(call(n) for n in range(AT_ONCE)), return_exceptions=True)


async def test_a_record_is_read_as_it_was_written(records):
    made = await records.create(NOTE, "a", Note("one"), user="ann-ann")
    found = await records.get(NOTE, "a")
    assert (found.id, found.value, found.user) == ("a", Note("one"), "ann-ann")
    assert found.secret == made.secret
    assert found.secret.metadata.name == "genet-note-a"
    assert await records.find(NOTE, "b") is None


async def test_of_many_creates_of_one_id_one_wins(records):
    outcomes = await at_once(lambda n: records.create(NOTE, "a", Note(str(n))))
    lost = [outcome for outcome in outcomes if isinstance(outcome, AlreadyExists)]
    (won,) = [outcome for outcome in outcomes if outcome not in lost]
    assert len(lost) == AT_ONCE - 1
    assert (await records.get(NOTE, "a")).value == won.value


async def test_of_many_replacements_of_one_version_one_wins(records):
    record = await records.create(NOTE, "a", Note(""))
    outcomes = await at_once(lambda n: records.replace(record, Note(str(n))))
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == AT_ONCE - 1


async def test_what_was_made_anew_is_not_replaced_for_what_was_deleted(records):
    old = await records.create(NOTE, "a", Note("old"))
    await records.delete(old)
    with pytest.raises((NotFound, Conflict)):  # a real API server: the uid is not that of the object, which is not
        await records.replace(old, Note("newer"))
    await records.create(NOTE, "a", Note("new"))
    with pytest.raises(Conflict):
        await records.replace(old, Note("newer"))
    with pytest.raises(Conflict):
        await records.delete(old)
    assert (await records.get(NOTE, "a")).value == Note("new")


async def test_a_deletion_may_ask_that_nothing_has_changed(records):
    old = await records.create(NOTE, "a", Note("old"))
    new = await records.replace(old, Note("new"))
    with pytest.raises(Conflict):
        await records.delete(old, if_unchanged=True)
    await records.delete(new, if_unchanged=True)
    assert await records.find(NOTE, "a") is None


async def test_changes_made_at_once_are_all_counted(records):
    def one_more(note):
        return Note("", note.times + 1) if note else Note("", 1)

    await at_once(lambda _: records.change(NOTE, "a", one_more, user="ann-ann"))
    record = await records.get(NOTE, "a")
    assert (record.value.times, record.user) == (AT_ONCE, "ann-ann")


async def test_a_change_to_nothing_leaves_things_alone(records):
    assert await records.change(NOTE, "a", lambda _: None) is None
    made = await records.create(NOTE, "a", Note("one"))
    left = await records.change(NOTE, "a", lambda _: None)
    assert left is not None
    assert left.secret == made.secret


async def test_a_change_that_others_always_overtake_is_given_up(records):
    await records.create(NOTE, "a", Note(""))
    stale = await records.get(NOTE, "a")

    class Overtaken(Records):
        """Reads what is overtaken by the time it is written."""

        async def find(self, kind, id_):
            return stale

    async def no_pause(_):
        return None

    await records.replace(stale, Note("newer"))
    with pytest.raises(Conflict, match="too often"):
        await Overtaken(records._kube, records.namespace).change(NOTE, "a", lambda note: note, sleep=no_pause)


async def test_one_kind_is_not_read_as_another(records, kube):
    await records.create(NOTE, "a", Note("one"))
    manifest = {
        "metadata": {"name": "genet-other-a"},
        "type": "genet.io/note",
        "stringData": {"record": '{"number":1}'},
    }
    await kube.create(SECRETS, manifest, records.namespace)
    with pytest.raises(Unavailable):
        await records.get(OTHER, "a")


async def test_what_cannot_be_read_says_so_without_its_content(records, kube):
    labels = {"genet.io/record": "note", "genet.io/user": "ann-ann"}
    manifest = {"metadata": {"name": "genet-note-a", "labels": labels}, "type": "genet.io/note"}
    await kube.create(SECRETS, {**manifest, "stringData": {"record": '{"text": "s3cret'}}, records.namespace)
    with pytest.raises(Unavailable) as caught:
        await records.get(NOTE, "a")
    assert "s3cret" not in str(caught.value)
    assert await records.of(NOTE, "ann-ann") == []


async def test_pages_are_of_one_kind_and_one_user(records):
    for n in range(5):
        await records.create(NOTE, f"ann-{n}", Note(str(n)), user="ann-ann")
    await records.create(NOTE, "bob", Note("bob"), user="bob-bob")
    await records.create(OTHER, "ann", Other(1), user="ann-ann")
    async with aclosing(records.pages(NOTE, user="ann-ann", page_size=2)) as pages:
        found = [[record.value.text for record in page] async for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(text for page in found for text in page) == ["0", "1", "2", "3", "4"]


async def test_all_that_one_user_holds_is_deleted_and_nothing_else(records):
    await records.create(NOTE, "ann", Note(""), user="ann-ann")
    await records.create(OTHER, "ann", Other(1), user="ann-ann")
    await records.create(Kind("kept", Note), "ann", Note(""), user="ann-ann")
    await records.create(NOTE, "bob", Note(""), user="bob-bob")
    deleted = await records.delete_held(("note", "other"), "ann-ann")
    assert {secret.metadata.name for secret in deleted} == {"genet-note-ann", "genet-other-ann"}
    async with aclosing(records.held(("kept", "note", "other"))) as pages:
        left = {secret.metadata.name async for page in pages for secret in page}
    assert left == {"genet-kept-ann", "genet-note-bob"}


async def test_the_first_record_makes_the_namespace_and_leaves_it_unmanaged(kube, namespace):
    nowhere = f"{namespace}-grants"
    records = Records(kube, nowhere)
    try:
        assert await records.find(NOTE, "a") is None
        outcomes = await at_once(lambda n: records.create(NOTE, str(n), Note("one")))
        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        assert "genet.io/managed" not in (await kube.get(NAMESPACES, nowhere)).metadata.labels
    finally:
        await kube.delete(NAMESPACES, nowhere)


QUOTA = 'secrets "x" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=9, limited: 9'


@pytest.mark.parametrize("message", ['secrets is forbidden: User "genet" cannot do that in the namespace', QUOTA])
async def test_what_genet_may_not_do_is_its_own_trouble_and_not_the_callers(fake, kube_of_fake, message):
    """Else a missing right would look like a person who may not, and they would be shut out for good."""
    records = Records(kube_of_fake, "grants")
    secret = Secret(metadata=ObjectMeta(name="genet-note-a", uid="u", resource_version="1"))
    record = Record(NOTE, "a", Note(""), secret)
    refusal = {"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": message}
    calls = (
        lambda: records.create(NOTE, "a", Note("")),
        lambda: records.find(NOTE, "a"),
        lambda: records.replace(record, Note("")),
        lambda: records.delete(record),
        lambda: records.of(NOTE, "ann-ann"),
        lambda: records.delete_held(("note",), "ann-ann"),
    )
    for call in calls:
        fake.canned.append(web.json_response(refusal, status=403))
        with pytest.raises(Unavailable) as caught:
            await call()
        assert "forbidden" not in caught.value.detail
