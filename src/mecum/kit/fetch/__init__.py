"""Fetching what a person, an app or a page named: public https only, checked at every step, with caps on everything."""

from mecum.kit.fetch.addresses import Resolve, is_public, resolve_by_system
from mecum.kit.fetch.fetcher import Fetched, Fetcher

__all__ = ["Fetched", "Fetcher", "Resolve", "is_public", "resolve_by_system"]
