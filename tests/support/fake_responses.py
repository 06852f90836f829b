"""A model provider for tests that is asked through OpenAI's responses; it answers and breaks as `FakeProvider` does."""

from __future__ import annotations

from mecum.rooms.models.store.catalogue import ProviderKind
from tests.support.fake_provider import FakeProvider


class FakeResponses(FakeProvider):
    kind: ProviderKind = "responses"
