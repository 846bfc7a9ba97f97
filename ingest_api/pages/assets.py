"""Scripts, styles and pictures of the pages, each under a name of its content, so that a browser keeps it for ever."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from ingest_api.pages.served_file import CONTENT_SECURITY_POLICY, FOREVER, ServedFile
from ingest_api.pages.words import script_of_words

router = APIRouter(include_in_schema=False)

_OURS = Path(__file__).parent / "templates"
_FOLDERS = (Path(__file__).parent / "static", Path(__file__).parent / "vendor")
"""What we wrote, and what others did: ``make vendor``."""
_SERVED = (".css", ".js", ".svg")
_SWAGGER_UI = ("fastapi-offline", "fastapi_offline/static")
"""The package that brings Swagger UI's files, and where in it. They are read; none of its code is run."""
_NAMES = ("docs.css", "docs.js", "icon.svg", "page.css")
_SWAGGER_UI_NAMES = ("swagger-ui-bundle.js", "swagger-ui.css")
_IMPORTED = re.compile(r'(?<=from "\./)[a-z_-]+\.js(?=";)|(?<=^import "\./)[a-z_-]+\.js(?=";)', re.M)


@router.get("/assets/{name}")
def get_asset(request: Request, name: str) -> Response:
    """One of the files, as long as its content is what it was called after."""
    for asset in _assets().values():
        if asset.name_of_content == name:
            return asset.answer(request, FOREVER)
    raise HTTPException(404)


def asset(name: str) -> str:
    """Where the asset of this name is, seen from the root of the service.

    Raises:
        KeyError: there is none.
    """
    return f"assets/{_assets()[name].name_of_content}"


def page(name: str, *, varies_by: str = "", policy: str = CONTENT_SECURITY_POLICY, **texts: str) -> ServedFile:
    """A page of ``templates``, in which ``{{name}}`` is where the asset of this name is, or a text of its own."""
    html = (_OURS / name).read_text(encoding="utf-8")
    places = {name: asset(name) for name in _assets()}
    for each, text in {**places, **texts}.items():
        html = html.replace(f"{{{{{each}}}}}", text)
    return ServedFile(name, html.encode(), varies_by=varies_by, policy=policy)


@cache
def _assets() -> Mapping[str, ServedFile]:
    contents = dict(_contents())
    named: dict[str, ServedFile] = {}
    while len(named) < len(contents):
        ready = [name for name in contents.keys() - named.keys() if _imports(contents[name]) <= named.keys()]
        if not ready:
            raise ValueError(f"scripts import each other, or what is not there: {contents.keys() - named.keys()}")
        named |= {name: ServedFile(name, _with_names(contents[name], named)) for name in ready}
    return named


def _contents() -> Iterator[tuple[str, bytes]]:
    package, folder = _SWAGGER_UI
    swagger_ui = Path(str(distribution(package).locate_file(folder)))
    ours = [path for folder in _FOLDERS for path in sorted(folder.iterdir()) if path.suffix in _SERVED]
    for path in (*ours, *(_OURS / name for name in _NAMES), *(swagger_ui / name for name in _SWAGGER_UI_NAMES)):
        yield path.name, path.read_bytes()
    yield "words.js", script_of_words()


def _imports(content: bytes) -> set[str]:
    """The scripts of ours that a script imports. Nothing else has such a line."""
    return set(_IMPORTED.findall(content.decode()))


def _with_names(content: bytes, named: Mapping[str, ServedFile]) -> bytes:
    """The same script, with what it imports called by its content: so it changes when that does."""
    if not _imports(content):
        return content
    return _IMPORTED.sub(lambda found: named[found[0]].name_of_content, content.decode()).encode()
