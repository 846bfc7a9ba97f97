"""A page or a file of one, ready to be sent: its bytes, gzipped too, its ETag and its headers."""

import gzip
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from pathlib import PurePath

from fastapi import Request, Response

from ingest_api.http.negotiation import has_already, weight

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No inline script or style, nothing of another host. ``data:`` is for the arrows in Swagger UI's style sheet."""
WITHOUT_SCRIPTS = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For a page at which a password is typed."""

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_HEADERS = {"Referrer-Policy": "same-origin"}  # without any, a form's Origin would be null
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class ServedFile:
    """Made once; what it is sent as is computed when it is first asked for, and kept."""

    def __init__(
        self, name: str, content: bytes, *, varies_by: str = "", policy: str = CONTENT_SECURITY_POLICY
    ) -> None:
        """``name`` says by its ending what it is; ``varies_by``: the request header that it was chosen by."""
        self._headers = {**_HEADERS, "Content-Security-Policy": policy}
        path = PurePath(name)
        self._content = content
        self._digest = sha256(content).hexdigest()[:16]
        self._media_type = _MEDIA_TYPES[path.suffix]
        self._vary = ", ".join(filter(None, (varies_by, "Accept-Encoding")))
        self.name_of_content = f"{path.stem}.{self._digest}{path.suffix}"
        """A name that no other content has."""

    def answer(self, request: Request, cached: str) -> Response:
        """The answer to a request for it; ``cached``: the Cache-Control. Compresses, so not on the event loop."""
        is_gzipped = weight(request.headers.get("accept-encoding", ""), "gzip") > 0
        tag = f'"{self._digest}{"-gzip" if is_gzipped else ""}"'
        headers = {**self._headers, "Cache-Control": cached, "ETag": tag, "Vary": self._vary}
        if has_already(tag, request.headers.get("if-none-match", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if not is_gzipped:
            return Response(self._content, headers=headers, media_type=self._media_type)
        headers["Content-Encoding"] = "gzip"
        return Response(self._gzipped, headers=headers, media_type=self._media_type)

    @cached_property
    def _gzipped(self) -> bytes:
        return gzip.compress(self._content, mtime=0)  # each worker makes the same bytes, as the ETag says
