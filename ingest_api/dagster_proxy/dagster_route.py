"""``/dagster/``: its route, which says why there is nothing where Dagster's UI is not behind this address.

Where it is, the layer in ``dagster_pages`` answers in its place.
"""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from ingest_api.auth.gate import Asks, Gate
from ingest_api.http.parts import part_of
from warehouse.behind_sign_in import PATH, SECRET_VARIABLE

router = APIRouter(include_in_schema=False)

PAGES = f"{PATH}/{{path:path}}"
METHODS = ("GET", "POST")


@router.get(PATH)
def get_dagster() -> Response:
    """To the address that Dagster's pages themselves know."""
    return Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": f"{PATH.lstrip('/')}/"})


@router.api_route(PAGES, methods=list(METHODS))
def get_nothing(request: Request, path: str) -> Response:  # noqa: ARG001 - the route's
    """Why no Dagster is known here."""
    if part_of(request, Gate).asks is not Asks.EVERYBODY:
        raise HTTPException(404, "nobody is asked who they are here, so Dagster's UI is at its own port of its machine")
    raise HTTPException(404, f"no Dagster is known here: give it and the API the same {SECRET_VARIABLE}")
