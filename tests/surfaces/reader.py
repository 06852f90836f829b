"""A surface that follows a thread through everything, as docs/events.md tells it to, and checks what it gets."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from tests.support.living_house import House

AGAIN_AFTER_S = 0.1


@dataclass
class Reader:
    """Reads in a thread of its own until the run is finished.

    Args:
        seqs: the numbers of the events, in the order in which they came.
        held: the partial answer, put together from checkpoints and deltas.
        whole: the answer as the log has it in the end.
    """

    house: House
    thread: str
    seqs: list[int] = field(default_factory=list[int])
    held: str = ""
    whole: str = ""
    _attempt: int = 0
    _position: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _left: threading.Event = field(default_factory=threading.Event)
    _problem: BaseException | None = None

    def __enter__(self) -> Self:
        self._headers = {"accept": "text/event-stream", "authorization": f"Bearer {self.house.key()}"}
        self._reading = threading.Thread(target=self._read, name="reader", daemon=True)
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._reading.join(30)

    def wait(self, within_s: float) -> None:
        """Until the run is finished for this reader."""
        assert self._over.wait(within_s), f"nothing new after {self._position}"
        if self._problem is not None:
            raise self._problem

    def _read(self) -> None:
        try:
            while not self._over.is_set() and not self._left.wait(AGAIN_AFTER_S):
                self._once()
        except BaseException as problem:  # noqa: BLE001  raised again where it is waited for
            self._problem = problem
            self._over.set()

    def _once(self) -> None:
        headers = self._headers | ({"last-event-id": self._position} if self._position else {})
        path = f"{self.house.url}/api/threads/{self.thread}/events"
        with httpx2.Client(timeout=20, trust_env=False) as http:
            try:
                with http.stream("GET", path, headers=headers) as stream:
                    if stream.status_code == 503:
                        return
                    assert stream.status_code == 200, stream.status_code
                    self._frames(stream)
            except httpx2.TransportError:
                return  # cut off: it comes again

    def _frames(self, stream: httpx2.Response) -> None:
        frame: dict[str, str] = {}
        for line in stream.iter_lines():
            if self._left.is_set():
                return
            if line:
                name, _, value = line.partition(": ")
                frame[name] = value
                continue
            if frame:
                self._position = frame.get("id") or self._position
                self._take(frame.get("event", ""), json.loads(frame["data"]))
            if self._over.is_set():
                return
            frame = {}

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case "delta" if data["channel"] == "text":
                if data["attempt"] > self._attempt:
                    self.held = ""
                assert data["offset"] == len(self.held), f"{data} does not follow {self.held!r}"
                self.held, self._attempt = self.held + data["text"], data["attempt"]
            case "checkpoint":
                self.held, self._attempt = data["text"], data["attempt"]
            case "reset":
                self.held = ""
            case "event":
                self.seqs.append(data["seq"])
                if data["type"] == "message.assistant":
                    self.whole = data["payload"]["text"]
                    assert self.whole.startswith(self.held), f"{self.held!r} is not how the answer begins"
                if data["type"] == "run.finished":
                    self._over.set()
            case _:
                pass
