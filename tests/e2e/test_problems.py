"""Failures are told in the person's language wherever they are kept, and an odd address opens a page all the same."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.driver import Desk, data_file
from tests.support.fake_replies import command


def test_a_run_that_failed_says_why_in_chinese(me: Desk) -> None:
    me.change_me(locale="zh")
    thread = me.asking(f"Hello {command(status=400)}")
    me.house.until_idle(thread, key=me.key)
    note = me.page(f"/t/{thread}", locale="zh-CN").get_by_test_id("run-failed")
    expect(note).to_contain_text("Fake 拒绝了请求，状态码 400。")
    expect(note).not_to_contain_text("refused")


def test_a_file_that_can_not_be_read_says_why_in_chinese(me: Desk, tmp_path: Path) -> None:
    me.change_me(locale="zh")
    page = me.page(locale="zh-CN")
    files = [data_file(tmp_path, "a.bin", bytes(range(256)) * 8), data_file(tmp_path, "b.pdf", b"%PDF-1.4\nnothing")]
    page.get_by_test_id("file-input").set_input_files(files)
    expect(page.get_by_role("listitem").filter(has_text="a.bin")).to_contain_text("我无法读取这种文件。")
    expect(page.get_by_role("listitem").filter(has_text="b.pdf")).to_contain_text("PDF 已损坏，或有密码保护。")


def test_the_models_page_tells_in_chinese_what_is_wrong(owner: Desk) -> None:
    owner.change_me(locale="zh")
    house = owner.house
    gone = {"name": "Gone", "base_url": "http://127.0.0.1:9/v1", "models": ["none"]}
    provider = house.post("/api/providers", gone, key=house.key("admin"))
    problem = {"code": "engine_crashed", "detail": "It stopped.", "hint": "", "params": {}, "retryable": True}
    local = {"name": "Tiny-1B", "licence": "", "publisher": "", "sha256": "", "state": "failed", "bytes_done": None}
    window = owner.window(locale="zh-CN")
    failed = {**local, "bytes_total": None, "seconds_left": None, "problem": problem}
    window.context.route("**/api/models/local", lambda route: route.fulfill(json=failed))
    try:
        page = window.open("/admin/models")
        expect(page.get_by_test_id("local-model")).to_contain_text("内置模型意外停止，正在重新启动。")
        card = page.get_by_role("article", name="Gone")
        card.get_by_test_id("model").get_by_role("button", name="测试").click()
        expect(card.get_by_test_id("test-result")).to_contain_text("无法连接 Gone")
        page.reload()
        expect(card.locator(".help--bad")).to_contain_text("无法连接 Gone")
    finally:
        house.request("DELETE", f"/api/providers/{provider['id']}", key=house.key("admin"))


def test_a_link_to_a_panel_that_is_no_more_opens_the_page(me: Desk) -> None:
    page = me.page("/?panel=horoscope")
    expect(page.get_by_role("textbox").last).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
