"""A search finds titles, messages and files of the person's own threads, and says where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest
from mecum.rooms.assistant.files.pieces import PIECE_CHARS
from mecum.rooms.assistant.searching import Found
from mecum.rooms.assistant.settings import AssistantSettings
from tests.rooms.assistant.world import World, principal

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


@pytest.fixture
def world(database: Database, tmp_path: Path, clock: ManualClock) -> World:
    return World(database, tmp_path, clock=clock)


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def say(
    world: World, words: str, title: str = "", files: tuple[UUID, ...] = (), *, temporary: bool = False
) -> UUID:
    message = world.message(words, attachments=files)
    return (await world.face.post_new(world.caller, message, title=title, temporary=temporary)).thread


async def file(world: World, name: str, data: bytes) -> UUID:
    added = (await world.attachments.upload(world.caller, name, once(data))).id
    await world.attachments.read(added.hex)
    return added


async def find(world: World, query: str) -> list[Found]:
    return list((await world.searching.search(world.caller, query, limit=50)).items)


async def where(world: World, query: str) -> set[tuple[str, str]]:
    """In what it was found, and the words around it, marked ones in brackets."""
    return {(found.hit.where, shown(found)) for found in await find(world, query)}


def shown(found: Found) -> str:
    return "".join(f"[{words}]" if hit else words for words, hit in found.excerpt)


async def test_titles_messages_and_files_are_found_in_one_list_that_says_where(world: World) -> None:
    notes = await file(world, "notes.txt", b"The boat needs paint.")
    thread = await say(world, "Where is my boat?", "Boats and harbours", (notes,))
    found = await find(world, "boat")
    assert {(each.hit.where, shown(each)) for each in found} == {
        ("title", "[Boats] and harbours"),
        ("message", "Where is my [boat]?"),
        ("file", "The [boat] needs paint."),
    }
    by = {each.hit.where: each.hit for each in found}
    assert {each.thread.id for each in by.values()} == {thread}
    assert by["title"].message is None
    assert by["message"].message is not None and by["file"].message == by["message"].message
    assert (by["file"].attachment, by["file"].name, by["file"].anchor) == (notes, "notes.txt", {"line": 1})


@pytest.mark.parametrize(
    ("query", "marked"),
    [("boats", "A [boat] by the lake"), ("LAKES", "A boat by the [lake]"), ("lak", "A boat by the [lake]")],
)
async def test_a_word_is_found_and_marked_by_its_stem_and_by_its_beginning(
    world: World, query: str, marked: str
) -> None:
    await say(world, "Hello", "A boat by the lake")
    assert await where(world, query) == {("title", marked)}


async def test_chinese_is_found_in_titles_messages_and_files(world: World) -> None:
    notes = await file(world, "笔记.txt", "去年我们在湖边租了一条小船。".encode())
    await say(world, "小船要多少钱？", "湖边的小船", (notes,))
    assert await where(world, "小船") == {
        ("title", "湖边的[小船]"),
        ("message", "[小船]要多少钱？"),
        ("file", "去年我们在湖边租了一条[小船]。"),
    }
    assert await where(world, "笔记") == {("file", "[笔记].txt")}


async def test_a_file_is_found_by_its_name_also_where_it_has_no_text(world: World) -> None:
    await say(world, "Look", "Pictures", (await file(world, "sunset_norderney.png", PNG),))
    assert await where(world, "norderney") == {("file", "sunset_[norderney].png")}


async def test_what_has_all_of_the_words_comes_before_what_has_some(world: World) -> None:
    await say(world, "how how how", "How to")
    await say(world, "Long ago somebody told me how bread is made, and I forgot.", "Kitchen")
    first, *rest = await find(world, "how bread")
    assert shown(first).startswith("Long ago somebody told me [how] [bread]")
    assert len(rest) == 2


async def test_a_renamed_thread_is_found_by_its_new_title_alone(world: World) -> None:
    thread = await say(world, "Hello", "Penguins")
    await world.face.change_thread(world.caller, thread, title="Albatrosses")
    assert await find(world, "penguin") == []
    assert await where(world, "albatross") == {("title", "[Albatrosses]")}


async def test_a_title_from_the_first_words_is_found_too(world: World) -> None:
    thread = (await world.face.create_thread(world.caller)).id
    await world.face.post(world.caller, thread, world.message("Feed the albatross"))
    assert {place for place, _ in await where(world, "albatross")} == {"title", "message"}


async def test_a_deleted_thread_is_not_found_until_it_is_restored(world: World) -> None:
    thread = await say(world, "A heron", "Herons", (await file(world, "heron.txt", b"grey heron"),))
    await world.face.delete_thread(world.caller, thread)
    assert await find(world, "heron") == []
    await world.face.restore_thread(world.caller, thread)
    assert len(await find(world, "heron")) == 3


async def test_what_is_erased_leaves_nothing_to_be_found(world: World, clock: ManualClock) -> None:
    thread = await say(world, "A heron", "Herons", (await file(world, "heron.txt", b"grey heron"),))
    await world.face.delete_thread(world.caller, thread)
    clock.advance((AssistantSettings().deleted_days + 1) * 86_400)
    await world.sweeper().sweep()
    count = "SELECT (SELECT count(*) FROM assistant.{}_text)"
    async with world.kit.db.transaction() as connection:
        left = [(await connection.execute(text(count.format(of)))).scalar_one() for of in ("title", "message", "file")]
    assert left == [0, 0, 0]


async def test_a_temporary_thread_is_never_found_and_no_title_of_it_is_kept_for_search(world: World) -> None:
    notes = await file(world, "heron.txt", b"grey heron")
    thread = await say(world, "A heron", "Herons", (notes,), temporary=True)
    await world.face.change_thread(world.caller, thread, title="Grey herons")
    assert await find(world, "heron") == []
    async with world.kit.db.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM assistant.title_text"))).scalar_one() == 0


async def test_a_file_that_was_not_sent_is_not_found(world: World) -> None:
    await file(world, "heron.txt", b"grey heron")
    assert await find(world, "heron") == []


async def test_nobody_finds_what_is_another_persons_or_in_another_space(world: World) -> None:
    await say(world, "A heron", "Herons", (await file(world, "heron.txt", b"grey heron"),))
    assert len(await find(world, "heron")) == 3
    for stranger in (principal(), principal(world.caller.person)):
        assert (await world.searching.search(stranger, "heron", limit=50)).items == ()


async def test_a_long_file_is_found_once_wherever_in_it_the_words_stand(world: World) -> None:
    lines = [f"line {number} of the harbour book\n" for number in range(2_000)]
    lines[1_700] = "here the oystercatcher of the harbour nests\n"
    await say(world, "Read it", "Book", (await file(world, "book.txt", "".join(lines).encode()),))
    assert sum(map(len, lines)) > 3 * PIECE_CHARS
    (found,) = await find(world, "oystercatcher harbour")
    assert "here the [oystercatcher] of the [harbour] nests" in shown(found)
    assert len(await find(world, "harbour")) == 1


async def test_the_list_goes_on_page_by_page_without_repeating_itself(world: World) -> None:
    for number in range(5):
        await say(world, f"heron {number}", f"Herons {number}")
    cursor: str | None = None
    found: list[Found] = []
    sizes: list[int] = []
    while not sizes or cursor:
        page = await world.searching.search(world.caller, "heron", cursor=cursor, limit=4)
        found += page.items
        sizes.append(len(page.items))
        cursor = page.next
    assert sizes == [4, 4, 2]
    assert len({(each.hit.where, each.hit.thread.id) for each in found}) == 10


@pytest.mark.parametrize("cursor", ["-1", "x", "", "12345678", "²"])
async def test_a_cursor_that_no_page_gave_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await world.searching.search(world.caller, "heron", cursor=cursor, limit=4)


async def test_marks_are_no_markup_whatever_the_text_holds(world: World) -> None:
    words = "<img src=x onerror=alert(1)> </mark><script>boat</script>"
    await say(world, words, "Page")
    (found,) = [each for each in await find(world, "boat") if each.hit.where == "message"]
    assert "".join(piece for piece, _ in found.excerpt) == words
    assert [piece for piece, hit in found.excerpt if hit] == ["boat"]


async def test_a_search_without_words_finds_nothing(world: World) -> None:
    await say(world, "Hello", "Hello")
    assert await find(world, " ?! ") == []


async def test_what_was_written_before_an_upgrade_is_found_after_it(world: World) -> None:
    """The tables of 0041 are taken away and made anew over threads and files that are there already."""
    notes = await file(world, "notes.txt", b"The boat needs paint.")
    thread = await say(world, "A boat", "Boats", (notes,))
    await say(world, "A boat that is forgotten", "Boats", temporary=True)
    sent = {each.hit.where: each.hit.message for each in await find(world, "boat")}
    async with world.kit.db.transaction() as connection:
        await connection.execute(text("DROP TABLE assistant.title_text, assistant.file_text"))
        await connection.execute(text("ALTER TABLE assistant.attachment DROP COLUMN message_id"))
        await connection.execute(text("DROP INDEX assistant.message_text_person"))
        for statement in import_module("mecum.migrations.versions.0041_assistant_search").STATEMENTS.split(";\n"):
            await connection.execute(text(statement))
    assert {each.hit.where for each in await find(world, "boat")} == {"message"}
    await world.searching.catch_up()
    found = {each.hit.where: each.hit for each in await find(world, "boat")}
    assert {place: hit.message for place, hit in found.items()} == sent
    assert {hit.thread.id for hit in found.values()} == {thread}
    assert found["file"].attachment == notes
