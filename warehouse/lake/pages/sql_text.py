"""SQL as HTML: keywords, texts and comments set apart, and each dataset it reads a link to its page."""

import re
from collections.abc import Collection

from markupsafe import Markup, escape

# What is written in capitals is a keyword, what is not is a name: the linter holds the models to it.
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<keyword>\b[A-Z][A-Z_]+\b)|(?P<number>\b\d+(?:\.\d+)?\b)"
    r"|(?P<name>\b[a-z_][a-z0-9_]*\b)"
)


def sql_as_html(sql: str, datasets: Collection[str]) -> Markup:
    """The text, line by line as it is. ``datasets``: those it reads, which have a page."""
    parts: list[Markup] = []
    end = 0
    for found in _TOKEN.finditer(sql):
        parts.append(escape(sql[end : found.start()]))
        end = found.end()
        kind, token = str(found.lastgroup), found[0]
        if kind != "name":
            parts.append(Markup('<span class="{}">{}</span>').format(kind, token))
        elif token in datasets and sql[: found.start()].rstrip().endswith(("FROM", "JOIN")):
            parts.append(Markup('<a href="{0}.html">{0}</a>').format(token))
        else:
            parts.append(escape(token))
    return Markup("").join([*parts, escape(sql[end:])])
