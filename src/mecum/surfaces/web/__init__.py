"""The web surface: the built client, the plain page without it, and the stream of a person's changes."""

from mecum.surfaces.web.client import client_routes
from mecum.surfaces.web.stream import stream_router

__all__ = ["client_routes", "stream_router"]
