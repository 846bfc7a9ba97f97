"""Dagster's web server behind the API's sign-in: what both ends have to agree on.

It has no users of its own. So where everybody is asked who they are it answers the API alone, which proves itself by a
secret that both know, and passes on what people ask who are signed in.
"""

PATH = "/dagster"
"""Below which path of the API's address its pages are; Dagster is told (``--path-prefix``), for they name it."""
ORIGIN = "http://dagster.internal"
"""What the API calls it. No browser can have come there: what names another Host or Origin is not the API's."""
SECRET_HEADER = "x-fleetwatt-dagster"  # noqa: S105 - the header's name
SECRET_VARIABLE = "FLEET_DAGSTER_SECRET"  # noqa: S105 - the variable's name


def headers_of_the_api(secret: str) -> dict[str, str]:
    """How a program of ours, beside the API, asks it."""
    return {"Host": ORIGIN.partition("://")[2], "Origin": ORIGIN, SECRET_HEADER: secret}
