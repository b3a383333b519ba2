"""Serves style sheets, scripts and fonts: from memory, compressed, kept by browsers for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

ROOT = Path(__file__).parent / "static"
_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_PACKED = {".js", ".css", ".svg"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, ready to be sent."""

    content: bytes
    packed: bytes | None
    kind: str


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All of them. One version for all: scripts and style sheets name each other relatively."""

    files: dict[str, StaticFile]
    version: str

    def url(self, name: str) -> str:
        """A file's address; another one whenever any file has changed."""
        return f"/static/{self.version}/{name}"

    @property
    def complete(self) -> bool:
        """Whether what comes from npm has been copied here."""
        return "vendor/tabler.min.css" in self.files


@cache
def static_files(root: Path = ROOT) -> StaticFiles:
    """Every file under a folder by its path there. Hidden files are not served."""
    files, version = {}, hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            name, content = path.relative_to(root).as_posix(), path.read_bytes()
            files[name] = _file(path, content)
            version.update(name.encode() + hashlib.sha256(content).digest())
    return StaticFiles(files, version.hexdigest()[:10])


def _file(path: Path, content: bytes) -> StaticFile:
    kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    packed = gzip.compress(content, 6, mtime=0) if path.suffix in _PACKED else None
    return StaticFile(content, packed, kind or "application/octet-stream")


async def serve(request: Request) -> Response:
    """A file. The version in the path is for the browsers' memory only."""
    known = static_files()
    file = known.files.get(request.path_params["name"])
    if file is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    current = request.path_params["version"] == known.version
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if current else "no-store"}
    content = file.content
    if file.packed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"], content = "gzip", file.packed
    return Response(content, headers=headers, media_type=file.kind)
