"""What the keys do, in one place: bindings of the app, the last line, the help."""

from __future__ import annotations

from textual.binding import Binding

from mecum.surfaces.terminal.words import Words

BINDINGS = [
    Binding("ctrl+n", "new_thread", show=False, priority=True),
    Binding("ctrl+t", "threads", show=False, priority=True),
    Binding("ctrl+f", "search", show=False, priority=True),
    Binding("ctrl+o", "attach", show=False, priority=True),
    Binding("ctrl+r", "regenerate", show=False, priority=True),
    Binding("ctrl+y", "copy_answer", show=False, priority=True),
    Binding("alt+left", "branch(-1)", show=False, priority=True),
    Binding("alt+right", "branch(1)", show=False, priority=True),
    Binding("pageup", "page(-1)", show=False, priority=True),
    Binding("pagedown", "page(1)", show=False, priority=True),
    Binding("ctrl+home", "page(-9)", show=False, priority=True),
    Binding("ctrl+end", "page(9)", show=False, priority=True),
    Binding("f1", "help", show=False, priority=True),
    Binding("f2", "switch_theme", show=False, priority=True),
    Binding("f3", "thinking", show=False, priority=True),
    Binding("ctrl+q", "quit", show=False, priority=True),
    Binding("escape", "step_back", show=False),
    Binding("slash", "search", show=False),
]
ON_THE_PAGE = frozenset(
    (
        "new_thread",
        "threads",
        "search",
        "attach",
        "regenerate",
        "copy_answer",
        "branch",
        "page",
        "help",
        "switch_theme",
        "thinking",
    )
)
"""What makes no sense while a dialog is open."""


def key_line(words: Words, *, running: bool, answered: bool, editing: bool, asked: bool) -> list[tuple[str, str]]:
    """The most important keys of the moment, in order."""
    keys: list[tuple[str, str]] = [("Tab", words("terminal.key_answer"))] if asked else []
    if running:
        keys.append(("Esc", words("terminal.key_stop")))
    elif editing:
        keys.append(("Esc", words("terminal.key_leave_edit")))
    keys += [
        ("Enter", words("terminal.key_send")),
        ("^N", words("terminal.key_new")),
        ("^T", words("terminal.key_threads")),
        ("^O", words("terminal.key_attach")),
    ]
    if answered and not running:
        keys.append(("^R", words("terminal.key_regenerate")))
    return [
        *keys,
        ("^K", words("terminal.key_commands")),
        ("F1", words("terminal.key_help")),
        ("^Q", words("terminal.key_quit")),
    ]


def help_lines(words: Words) -> list[tuple[str, str]]:
    return [
        ("Enter", words("terminal.help_send")),
        ("Ctrl+J  Alt+Enter", words("terminal.help_newline")),
        ("Up", words("terminal.help_edit")),
        ("Esc", words("terminal.help_stop")),
        ("Ctrl+N", words("terminal.help_new")),
        ("Ctrl+T", words("terminal.help_threads")),
        ("Ctrl+F", words("terminal.help_search")),
        ("Ctrl+O", words("terminal.help_attach")),
        ("Ctrl+R", words("terminal.help_regenerate")),
        ("Alt+Left  Alt+Right", words("terminal.help_branch")),
        ("Ctrl+Y", words("terminal.help_copy")),
        ("Ctrl+K", words("terminal.help_commands")),
        ("PgUp  PgDn", words("terminal.help_scroll")),
        ("F2", words("terminal.help_theme")),
        ("F3", words("terminal.help_thinking")),
        ("Ctrl+Q", words("terminal.help_quit")),
    ]
