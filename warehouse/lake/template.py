"""Fills the templates beside it: Markdown as it is, HTML with everything escaped that comes from outside."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from rich.filesize import decimal

from warehouse.counted import counted

_ENVIRONMENT = Environment(
    loader=PackageLoader("warehouse.lake"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["size"] = decimal
_ENVIRONMENT.filters["count"] = "{:,}".format
_ENVIRONMENT.filters["counted"] = counted


def fill(name: str, **values: object) -> str:
    """The template ``templates/<name>`` with these values.

    Raises:
        jinja2.UndefinedError: it asks for a value that is not given.
    """
    return _ENVIRONMENT.get_template(name).render(values)
