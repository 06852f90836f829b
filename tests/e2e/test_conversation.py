"""A conversation in the browser: written, streamed, stopped, answered again, changed, found, shared."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.driver import Desk, answers, data_file, finished, numbered, running, thread_of, write
from tests.support.fake_replies import command


def test_a_first_message_becomes_a_page_on_which_the_answer_streams(me: Desk) -> None:
    page = me.page()
    text = numbered(40)
    write(page, f"Count for me {command(text=text, interval_ms=60)}")
    thread = thread_of(page)
    running(page, "word3")
    answer = finished(page)
    expect(answer.locator(".prose")).to_have_text(text)
    expect(answers(page)).to_have_count(1)
    assert [said["text"] for said in me.answers(thread)] == [text]


def test_attached_files_reach_the_model_as_text(me: Desk, tmp_path: Path) -> None:
    page = me.page()
    note = data_file(tmp_path, "shopping.txt", b"Three lemons and a bag of flour.\n")
    bill = data_file(tmp_path, "bill.pdf", pdf("Invoice 4711 over 86 lanterns"))
    page.get_by_test_id("file-input").set_input_files([note, bill])
    chips = page.get_by_role("list", name="Attached files")
    expect(chips.get_by_role("listitem")).to_have_count(2)
    me.house.fake.requests.clear()
    write(page, "What is in these?")
    finished(page)
    said = json.dumps(me.house.fake.requests[-1].body)
    assert "Three lemons and a bag of flour." in said
    assert "Invoice 4711 over 86 lanterns" in said
    expect(page.get_by_role("link", name=re.compile("shopping.txt"))).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("bill.pdf"))).to_be_visible()


def test_stop_ends_an_answer_and_keeps_what_was_written(me: Desk) -> None:
    page = me.page()
    write(page, f"Never end {command(text=numbered(400), interval_ms=80)}")
    thread = thread_of(page)
    running(page, "word5")
    page.get_by_role("button", name="Stop").click()
    expect(answers(page).last).to_have_attribute("data-state", "stopped")
    kept = me.answers(thread)[0]["text"]
    assert numbered(400).startswith(kept) and "word5" in kept
    expect(answers(page).last.locator(".prose")).to_have_text(kept.strip())
    write(page, "And now?")
    finished(page)


def test_an_answer_can_be_made_again_and_both_are_kept(me: Desk) -> None:
    thread = me.asked(f"One {command(text='First form.')}")
    page = me.page(f"/t/{thread}")
    finished(page)
    page.get_by_role("button", name="Answer again").click()
    expect(page.get_by_test_id("branch")).to_have_text("2/2")
    finished(page)
    page.get_by_role("button", name="Earlier version").click()
    expect(page.get_by_test_id("branch")).to_have_text("1/2")
    expect(page.get_by_role("button", name="Earlier version")).to_be_disabled()
    page.reload()
    expect(page.get_by_test_id("branch")).to_have_text("1/2")


def test_a_changed_message_starts_a_branch_and_the_old_one_stays(me: Desk) -> None:
    thread = me.asked("The old question")
    page = me.page(f"/t/{thread}")
    finished(page)
    page.get_by_role("button", name="Change and ask again").click()
    page.get_by_label("Change your message").fill("The new question")
    page.get_by_label("Change your message").press("Enter")
    expect(page.get_by_test_id("branch")).to_have_text("2/2")
    expect(finished(page)).to_contain_text("You said “The new question”")
    page.get_by_role("button", name="Earlier version").click()
    expect(finished(page)).to_contain_text("You said “The old question”")
    expect(page.get_by_text("The new question")).to_have_count(0)


def test_search_finds_a_word_of_an_answer_and_opens_its_page(me: Desk) -> None:
    thread = me.asked(f"Where do they nest? {command(text='The oystercatcher nests among pebbles.')}")
    me.asked("Something else")
    page = me.page()
    page.get_by_role("searchbox", name="Search").fill("oystercatcher")
    found = page.get_by_role("group", name="Found")
    expect(found.get_by_text("oystercatcher").first).to_be_visible()
    expect(found.get_by_text("Something else")).to_have_count(0)
    found.get_by_role("link").last.click()
    assert thread_of(page) == thread
    expect(finished(page)).to_contain_text("oystercatcher nests")


def test_search_says_in_what_it_found_the_words_and_shows_markup_as_text(me: Desk, tmp_path: Path) -> None:
    words = b"Many oystercatchers <img src=x onerror=alert(1)> breed on the island.\n"
    page = me.page()
    page.get_by_test_id("file-input").set_input_files(data_file(tmp_path, "birds.txt", words))
    expect(page.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_count(1)
    write(page, "What is in this?")
    finished(page)
    thread = thread_of(page)
    me.asked("Something else", title="The oystercatcher")
    page.get_by_role("searchbox", name="Search").fill("oystercatchers")
    found = page.get_by_role("group", name="Found")
    expect(found.get_by_role("link")).to_have_count(2)
    expect(found.get_by_role("link").filter(has_text="In the title").locator("mark")).to_have_text("oystercatcher")
    in_file = found.get_by_role("link").filter(has_text="birds.txt")
    expect(in_file.locator("mark")).to_have_text("oystercatchers")
    expect(in_file).to_contain_text("<img src=x onerror=alert(1)>")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Find a page or a command").fill("oystercatcher")
    expect(page.get_by_role("option").filter(has_text="birds.txt")).to_be_visible()
    page.get_by_role("option").filter(has_text="birds.txt").click()
    assert thread_of(page) == thread


def test_a_second_tab_sees_the_same_answer_being_written(me: Desk) -> None:
    window = me.window()
    first = window.open()
    text = numbered(80)
    write(first, f"Count {command(text=text, interval_ms=80)}")
    thread = thread_of(first)
    second = window.open(f"/t/{thread}")
    running(second, "word5")
    for page in (first, second):
        expect(finished(page).locator(".prose")).to_have_text(text)
    write(second, "Said in the second tab")
    expect(first.get_by_text("Said in the second tab", exact=True)).to_be_visible()
    expect(answers(first)).to_have_count(2)
    finished(first)


def test_reloading_in_the_middle_of_an_answer_loses_and_doubles_nothing(me: Desk) -> None:
    page = me.page()
    text = numbered(100)
    write(page, f"Count {command(text=text, interval_ms=80)}")
    running(page, "word8")
    page.reload()
    running(page, "word12")
    expect(finished(page).locator(".prose")).to_have_text(text)
    expect(answers(page)).to_have_count(1)


def test_a_question_of_the_model_is_answered_in_a_form_and_the_run_goes_on(me: Desk) -> None:
    fields = [{"label": "Which day?", "type": "choice", "choices": ["Friday", "Sunday"]}, {"label": "For how many?"}]
    form = json.dumps({"title": "A table for you", "fields": fields})
    page = me.page()
    write(page, f"Book it {command(tools=[('ask_person', form)], text='A table is booked.')}")
    card = page.get_by_test_id("wait-form")
    expect(card).to_contain_text("A table for you")
    page.reload()
    card.get_by_label("Which day?").select_option("Sunday")
    card.get_by_label("For how many?").fill("four")
    card.get_by_role("button", name="Answer").click()
    expect(finished(page)).to_contain_text("A table is booked.")
    expect(page.get_by_test_id("wait-answered")).to_contain_text("Sunday, four")
    results = [m for m in me.house.fake.requests[-1].body["messages"] if m["role"] == "tool"]
    assert "Sunday" in results[-1]["content"] and "four" in results[-1]["content"]


def test_a_shared_copy_opens_for_somebody_who_is_not_signed_in(me: Desk) -> None:
    thread = me.asked(f"What is a tide? {command(text='The **pull** of the moon.')}", title="Tides")
    page = me.page(f"/t/{thread}")
    page.get_by_role("button", name="Share a copy").click()
    dialog = page.get_by_role("dialog", name="Share a copy")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_role("textbox").input_value()
    guest = me.window(signed_in=False)
    copy = guest.context.new_page()
    copy.goto(link)
    expect(copy.get_by_role("heading", name="Tides")).to_be_visible()
    expect(copy.locator("strong")).to_have_text("pull")
    dialog.get_by_role("button", name="Withdraw").click()
    expect(dialog.get_by_role("textbox")).to_have_count(0)
    guest.allowed = r"/api/shared/.*: (404|410)"
    copy.reload()
    expect(copy.get_by_text("This copy is no longer here.")).to_be_visible()


def pdf(text: str) -> bytes:
    """A PDF of one page with one line."""
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    body, places = b"%PDF-1.4\n", list[int]()
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(parts) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%b%b" % (size, table, trailer)
