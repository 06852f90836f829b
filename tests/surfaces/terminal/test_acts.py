"""What was done is told in words."""

from __future__ import annotations

import pytest

from mecum.surfaces.terminal.acts import BUILT_IN, act_words, tool_words
from mecum.surfaces.terminal.nodes import Act, Wait
from mecum.surfaces.terminal.questions import question_of
from mecum.surfaces.terminal.words import Words


def act(tool: str, label: str = "") -> Act:
    return Act("call", tool, label or tool, None, "done")


@pytest.mark.parametrize("tool", sorted(BUILT_IN))
def test_a_built_in_tool_is_not_told_by_its_name(tool: str, words: Words) -> None:
    assert act_words(act(tool), words) != tool_words(tool)


def test_a_tool_of_others_is_told_in_its_own_words_or_by_its_name(words: Words) -> None:
    assert act_words(act("find_flats", "Looked for flats in Ghent"), words) == "Looked for flats in Ghent"
    assert act_words(act("find_flats"), words) == "find flats"


def test_who_is_asked_for_a_yes_sees_who_gets_what(words: Words) -> None:
    asked = {"tool": "send_mail", "receiver": "mail.example", "arguments": {"to_whom": "bob", "urgent": True}}
    question = question_of(Wait("w", "confirm", asked, None), words)
    assert question.title == "May I do this? send mail"
    assert question.text.splitlines() == ["Goes to: mail.example", "to whom: bob", "urgent: Yes"]
