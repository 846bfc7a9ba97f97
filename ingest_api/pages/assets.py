"""Scripts, styles and pictures of the pages, each under a name of its content, so that a browser keeps it for ever."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from ingest_api.pages.served_file import CONTENT_SECURITY_POLICY, FOREVER, ServedFile

router = APIRouter(include_in_schema=False)

_OURS = Path(__file__).parent / "templates"
_SWAGGER_UI = ("fastapi-offline", "fastapi_offline/static")
"""The package that brings Swagger UI's files, and where in it. They are read; none of its code is run."""
_NAMES = ("docs.css", "docs.js", "front.js", "icon.svg", "page.css")
_SWAGGER_UI_NAMES = ("swagger-ui-bundle.js", "swagger-ui.css")


@router.get("/assets/{name}")
def get_asset(request: Request, name: str) -> Response:
    """One of the files, as long as its content is what it was called after."""
    for asset in _assets().values():
        if asset.name_of_content == name:
            return asset.answer(request, FOREVER)
    raise HTTPException(404)


def page(name: str, *, varies_by: str = "", policy: str = CONTENT_SECURITY_POLICY, **texts: str) -> ServedFile:
    """A page of ``templates``, in which ``{{name}}`` is where the asset of this name is, or a text of its own."""
    html = (_OURS / name).read_text(encoding="utf-8")
    places = {asset: f"assets/{file.name_of_content}" for asset, file in _assets().items()}
    for each, text in {**places, **texts}.items():
        html = html.replace(f"{{{{{each}}}}}", text)
    return ServedFile(name, html.encode(), varies_by=varies_by, policy=policy)


@cache
def _assets() -> Mapping[str, ServedFile]:
    package, folder = _SWAGGER_UI
    swagger_ui = Path(str(distribution(package).locate_file(folder)))
    paths = [*(_OURS / name for name in _NAMES), *(swagger_ui / name for name in _SWAGGER_UI_NAMES)]
    return {path.name: ServedFile(path.name, path.read_bytes()) for path in paths}
