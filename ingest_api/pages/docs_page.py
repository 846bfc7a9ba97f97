"""``GET /docs``: the API's documentation to read and to try out, by Swagger UI."""

from functools import cache

from fastapi import APIRouter, Request, Response

from ingest_api.pages.assets import page
from ingest_api.pages.served_file import ASK_AGAIN, ServedFile

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def get_docs(request: Request) -> Response:
    """The page. It reads ``/openapi.json`` and asks this origin alone."""
    return _docs().answer(request, ASK_AGAIN)


@cache
def _docs() -> ServedFile:
    return page("docs.html")
