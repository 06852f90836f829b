"""`/v1`: two doors. Model `mecum` is the entity; every other model name is the relay."""

from mecum.surfaces.openai.description import described
from mecum.surfaces.openai.routes import openai_routes

__all__ = ["described", "openai_routes"]
