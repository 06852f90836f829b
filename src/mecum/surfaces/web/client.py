"""Serving the built client: its assets, its page for every client route, and a plain page where it is missing."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mecum.kit.i18n import I18n

CLIENT = Path(str(files("mecum.surfaces.web"))) / "client"
FILES_MAX = 2_000
COMPRESSED_TYPES = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
PAGE_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    immutable: bool


def _read(path: Path, root: Path) -> _File:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    media_type = "application/manifest+json" if path.suffix == ".webmanifest" else media_type
    packed = gzip.compress(body, 6, mtime=0) if media_type.startswith(COMPRESSED_TYPES) and len(body) > 500 else None
    immutable = path.relative_to(root).parts[0] == "assets"
    return _File(body, packed, media_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"', immutable)


def client_routes(i18n: I18n, root: Path = CLIENT) -> list[BaseRoute]:
    """Routes of the client. Files are read once, at start: a request can name nothing beyond them."""
    paths = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []
    served = {path.relative_to(root).as_posix(): _read(path, root) for path in paths[:FILES_MAX]}
    page = served.get("index.html")

    async def serve(request: Request) -> Response:
        name = request.path_params.get("path", "")
        found = served.get(name)
        if found is None and (name.startswith("assets/") or "." in name.rsplit("/", 1)[-1]):
            return Response("Not found", 404, media_type="text/plain")
        if found is not None:
            return _respond(request, found)
        if page is None:
            return _plain_page(request, i18n)
        return _respond(request, page)

    return [Route("/{path:path}", serve, methods=["GET", "HEAD"], include_in_schema=False)]


def _respond(request: Request, file: _File) -> Response:
    headers = {"etag": file.etag, "vary": "accept-encoding"}
    headers["cache-control"] = "public, max-age=31536000, immutable" if file.immutable else "no-cache"
    if file.media_type.startswith("text/html"):
        headers |= PAGE_HEADERS
    else:
        headers["x-content-type-options"] = "nosniff"
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, headers=headers, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)


def _plain_page(request: Request, i18n: I18n) -> Response:
    """What a browser sees when the client was not built: honest, and with the two ways that work."""
    locale = i18n.negotiate(request.headers.get("accept-language", ""))
    words = {name: i18n.text(locale, f"web.plain.{name}") for name in ("title", "what", "terminal", "build")}
    html = (
        f'<!doctype html><html lang="{locale}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Mecum</title><style>:root{{color-scheme:light dark}}body{{font:17px/1.6 system-ui,sans-serif;"
        f"max-width:38rem;margin:15vh auto;padding:0 1.25rem;background:light-dark(#FBFAF7,#161614);"
        f"color:light-dark(#1C1B19,#ECE9E2)}}code{{background:light-dark(#F0ECE5,#24231F);padding:.1em .35em;"
        f"border-radius:4px}}</style><h1>{words['title']}</h1><p>{words['what']}</p>"
        f"<p>{words['terminal']}<br><code>mecum chat</code></p><p>{words['build']}<br><code>make setup</code></p>"
    )
    return Response(html, headers=PAGE_HEADERS | {"cache-control": "no-store"}, media_type="text/html")
