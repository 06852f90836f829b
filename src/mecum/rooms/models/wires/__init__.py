"""Wires: how a request and an answer look at a provider. Pure: bytes and values in, values and bytes out."""
