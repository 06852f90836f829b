"""What goes into a model request: the path, memory, tools and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.assistant import Event, Recall
from mecum.rooms.assistant.conversation import files_said, history_messages, path_messages, step_messages
from mecum.rooms.assistant.events import MESSAGE_USER
from mecum.rooms.assistant.fitting import fit
from mecum.rooms.assistant.prompts import system_message
from mecum.rooms.assistant.service import RunState, path_to
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store.runs import RunRow
from mecum.rooms.assistant.tools.ask import ASK_PERSON
from mecum.rooms.models import CatalogueModel, Content, ModelRequest, Models, ToolSpec

RECALL_TOKENS = 1_500
CONTEXT_UNKNOWN = 8_192


class Files(Protocol):
    """What the files of messages add to what the model reads."""

    async def contents(self, principal: Principal, wanted: Sequence[UUID], vision: bool) -> Mapping[UUID, Content]: ...


class NoFiles:
    async def contents(self, principal: Principal, wanted: Sequence[UUID], vision: bool) -> Mapping[UUID, Content]:
        return {}


class Context:
    def __init__(self, kit: Kit, models: Models, recall: Recall, files: Files, settings: AssistantSettings) -> None:
        self._kit = kit
        self._models = models
        self._recall = recall
        self._files = files
        self._settings = settings

    async def request(
        self, principal: Principal, run: RunRow, events: Sequence[Event], state: RunState
    ) -> ModelRequest:
        """The request of the run's next model step."""
        options = run.options
        model = await self._model(principal, options.get("model"))
        path = path_to(events, run.answer_parent)
        question = next((str((e.payload or {}).get("text", "")) for e in reversed(path) if e.type == MESSAGE_USER), "")
        recalled = (
            () if options.get("temporary") else (await self._recall.recall(principal, question, RECALL_TOKENS)).lines
        )
        files = await self._files.contents(principal, files_said(events, path), model.vision if model else False)
        system = system_message(
            self._kit.i18n, principal, self._kit.clock.now(), recalled, str(options.get("instructions", ""))
        )
        given_max = self._settings.tool_result_given_chars_max
        messages = [
            *history_messages(events, files),
            *path_messages(path, events, files, given_max),
            *step_messages(state, given_max),
        ]
        answer_tokens = min(
            int(options.get("max_tokens") or self._settings.answer_tokens_max), self._settings.run_tokens_max
        )
        context = model.context_tokens if model else CONTEXT_UNKNOWN
        return ModelRequest(
            messages=fit(system, messages, context, min(answer_tokens, context // 3)),
            model=options.get("model"),
            tools=self._tools(options),
            must_call=bool(options.get("must_call")),
            effort=options.get("effort", "auto"),
            max_tokens=answer_tokens,
            temperature=options.get("temperature"),
            json_schema=options.get("json_schema"),
            conversation=run.place.thread.hex,
            purpose=_purpose(run),
        )

    async def _model(self, principal: Principal, name: str | None) -> CatalogueModel | None:
        catalogue = await self._models.catalogue(principal)
        chat = [model for model in catalogue if model.kind == "chat"]
        return next((model for model in chat if model.name == name), None) if name else next(iter(chat), None)

    def _tools(self, options: Mapping[str, Any]) -> tuple[ToolSpec, ...]:
        """Lent tools, then own ones; a lent tool hides an own one of its name. Only those that must be called."""
        given: Sequence[Mapping[str, Any]] = options.get("lent_tools", ())
        lent = tuple(ToolSpec(t["name"], t.get("description", ""), t.get("parameters", {})) for t in given)
        if wanted := options.get("must_call"):
            return tuple(tool for tool in lent if tool.name in wanted)
        hidden = {tool.name for tool in lent} | ({ASK_PERSON.name} if options.get("unattended") else set[str]())
        own = (
            ToolSpec(t.name, t.description, t.parameters, t.cues) for t in self._kit.tools.all() if t.name not in hidden
        )
        return (*lent, *own)


def _purpose(run: RunRow) -> str:
    """Whether somebody waits for the answer: what the gate goes by."""
    is_alone = run.options.get("unattended") and run.surface != "api"
    return "assistant.background" if is_alone else "assistant.answer"
