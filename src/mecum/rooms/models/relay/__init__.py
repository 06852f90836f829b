"""The relay: the door under /v1 for every model but the entity."""
