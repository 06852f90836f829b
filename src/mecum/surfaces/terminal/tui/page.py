"""The page: the turns of a thread, or what an empty page says."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from mecum.surfaces.terminal.frames import Hint, Json, as_object
from mecum.surfaces.terminal.nodes import Turn
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.tui.turns import Row, TurnView, bar_of
from mecum.surfaces.terminal.words import Words

TURNS_SHOWN = 40


class Try(Static):
    """An example that can be taken."""

    class Taken(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, text: str) -> None:
        super().__init__(Content.assemble(text, ("  ↵", "$muted")), classes="try")
        self.can_focus = True
        self._text = text

    def on_click(self) -> None:
        self.post_message(self.Taken(self._text))

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            self.post_message(self.Taken(self._text))


class Earlier(Static):
    """Stands for the turns above that are not shown."""

    class Wanted(Message):
        """They are to be shown."""

    def __init__(self, text: str) -> None:
        super().__init__(text, classes="earlier", markup=False)

    def on_click(self) -> None:
        self.post_message(self.Wanted())


class Page(VerticalScroll, can_focus=False):
    """What is said. Stays at its end while the person is there."""

    def __init__(self, words: Words) -> None:
        super().__init__(id="page")
        self._words = words
        self._views: dict[str, TurnView] = {}
        self._rest: list[Widget] = []
        self._sending: dict[str, Row] = {}
        self._model = Static("", classes="model")
        self._model_row: Row | None = None
        self._limit = TURNS_SHOWN

    def watch_virtual_size(self) -> None:
        """It stays at its end once it is longer than the screen; a short one stands at the top."""
        if not self.is_anchored and self.virtual_size.height > self.size.height:
            self.anchor()

    async def clear(self) -> None:
        self._views, self._rest, self._sending, self._model_row = {}, [], {}, None
        self._limit = TURNS_SHOWN
        self.anchor(False)
        await self.remove_children()

    def show_earlier(self) -> None:
        self._limit += TURNS_SHOWN

    def show_turns(self, turns: Sequence[Turn], hint: Hint | None, *, open_thinking: bool) -> None:
        """Bring the page up to `turns`: what is there already is changed in place."""
        shown = turns[-self._limit :]
        keys = [turn.key for turn in shown]
        have = list(self._views)
        same = next((n for n, pair in enumerate(zip(have, keys, strict=False)) if pair[0] != pair[1]), len(have))
        if same == 0 and have and keys[-len(have) :] == have:
            self._put_above(shown[: -len(have)])
        else:
            for key in have[min(same, len(keys)) :]:
                self._views.pop(key).remove()
        fresh = [TurnView(self._words, turn) for turn in shown if turn.key not in self._views]
        self._views |= {view.turn.key: view for view in fresh}
        self._show_earlier(len(turns) > len(shown))
        if fresh:
            self._clear_rest()
            before = next(iter(self._sending.values()), None)
            self.mount(*fresh, before=before)
            self.call_after_refresh(self.watch_virtual_size)
        for turn in shown:
            self._views[turn.key].show(turn, hint, open_thinking=open_thinking)

    def _put_above(self, turns: Sequence[Turn]) -> None:
        above = {turn.key: TurnView(self._words, turn) for turn in turns}
        if above:
            first = next(iter(self._views.values()))
            self.mount(*above.values(), before=first)
            self._views = above | self._views

    def _show_earlier(self, wanted: bool) -> None:
        there = self.query(Earlier)
        if wanted and not there and self._views:
            self.mount(Earlier(self._words("terminal.show_earlier")), before=0)
        elif not wanted:
            there.remove()

    def show_sending(self, key: str, text: str) -> None:
        """A message that is on its way."""
        self._clear_rest()
        said = Static(plain(text), classes="said", markup=False)
        row = Row(Content.assemble((self._words("terminal.you"), "bold")), said, classes="person sending")
        self._sending[key] = row
        self.mount(row)
        if self.is_anchored:
            self.anchor()

    def sent(self, key: str) -> None:
        """It has arrived, or was given up."""
        row = self._sending.pop(key, None)
        if row is not None:
            row.remove()

    def show_note(self, text: str) -> None:
        """Something that stands for the whole page, such as a thread that is not there."""
        self._clear_rest()
        self._add_rest(Row("", Static(text, classes="note failed", markup=False)))

    def show_empty(self, *, small_model: bool) -> None:
        """A new page: what one can do here."""
        words = self._words
        self._clear_rest()
        self._model_row = Row(words("terminal.now"), self._model)
        self._model_row.display = False
        examples = [Try(words(f"terminal.try_{number}")) for number in (1, 2, 3)]
        welcome = Static(words("terminal.welcome"), classes="welcome", markup=False)
        rows = [
            Row("", welcome, Static(words("terminal.welcome_more"), classes="quiet", markup=False), classes="first"),
            self._model_row,
            Row(words("terminal.to_try"), *examples),
        ]
        if small_model:
            honest = Static(words("terminal.small_model"), classes="quiet", markup=False)
            rows.append(Row(words("terminal.honestly"), honest))
        for row in rows:
            self._add_rest(row)

    def show_model(self, local: Json) -> None:
        """How far the built-in model is, on an empty page."""
        if self._model_row is None:
            return
        state = str(local.get("state"))
        done, total = int(local.get("bytes_done") or 0), int(local.get("bytes_total") or 0)
        words = self._words
        lines: list[tuple[str, str]] = []
        if state in ("arriving", "paused", "absent"):
            title = words("terminal.model_paused") if state == "paused" else words("terminal.model_arriving")
            lines.append((title, "bold"))
            if total:
                lines += [(f"  {done * 100 // total} %\n", "bold"), *bar_of(done / total), ("\n", "")]
                lines.append((self._model_figures(local, done, total), "$muted"))
        elif state == "loading":
            lines.append((words("terminal.model_loading"), "bold"))
        elif state == "failed":
            lines.append((words("terminal.model_failed"), "bold $danger"))
            lines.append((f"\n{plain(words.problem(as_object(local.get('problem'))))}", "$muted"))
        self._model.update(Content.assemble(*lines))
        self._model_row.display = bool(lines)

    def _model_figures(self, local: Json, done: int, total: int) -> str:
        words = self._words
        figures = words("terminal.of_size", done=words.size(done), total=words.size(total))
        seconds = local.get("seconds_left")
        left = words("terminal.about", time=words.duration(float(seconds))) if seconds else ""
        return " · ".join(part for part in (figures, left, words("terminal.write_already")) if part)

    def _add_rest(self, widget: Widget) -> None:
        if self.is_attached:  # not while the person is leaving
            self._rest.append(widget)
            self.mount(widget)

    def _clear_rest(self) -> None:
        self._model_row = None
        for widget in self._rest:
            widget.remove()
        self._rest = []
