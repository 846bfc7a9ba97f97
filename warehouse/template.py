"""Fills templates of packages: Markdown as it is, HTML and SVG with everything escaped that comes from outside."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from rich.filesize import decimal

from warehouse.counted import counted


def fill(package: str, name: str, **values: object) -> str:
    """The template ``templates/<name>`` of a package with these values.

    Raises:
        jinja2.UndefinedError: it asks for a value that is not given.
    """
    return _environment(package).get_template(name).render(values)


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(["html", "svg"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["size"] = decimal
    environment.filters["count"] = "{:,}".format
    environment.filters["counted"] = counted
    return environment
