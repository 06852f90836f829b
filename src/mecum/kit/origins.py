"""Origins (RFC 6454): scheme, host and port, in one canonical text form."""

from __future__ import annotations

from yarl import URL


def origin_of(url: str | URL) -> str:
    """`url`'s origin as `scheme://host:port`, lower case, IDNA-encoded, the port always written.

    Raises:
        ValueError: not an absolute http or https URL.
    """
    parsed = URL(url) if isinstance(url, str) else url
    host = parsed.raw_host
    if parsed.scheme not in ("http", "https") or not host or parsed.port is None:
        raise ValueError("not an absolute http or https URL")
    shown = f"[{host}]" if ":" in host else host.lower().rstrip(".")
    return f"{parsed.scheme}://{shown}:{parsed.port}"


def is_bare_origin(url: str) -> bool:
    """Whether `url` is an origin and nothing more: no path, query, fragment or credentials."""
    parsed = URL(url)
    return parsed.raw_path in ("", "/") and not (
        parsed.raw_query_string or parsed.raw_fragment or parsed.raw_user or parsed.raw_password
    )
