"""Where a device stands and what people call it by: its site and its tags."""

import re
from collections.abc import Iterable

LONGEST_SITE = 100
LONGEST_TAG = 50
MOST_TAGS = 20
BETWEEN_TAGS = ";"
"""In a cell of a table; so no tag has one."""
TAG_PATTERN = r"^[^;,\x00-\x1f]*[^;,\x00-\x20][^;,\x00-\x1f]*$"
_TAG = re.compile(TAG_PATTERN).match
_CONTROLS = re.compile(r"[\x00-\x1f]").search


def in_order(tags: Iterable[str]) -> list[str]:
    """Each once."""
    return sorted(set(tags))


def site_of(cell: str) -> str | None:
    """What a cell says of a site; empty: none.

    Raises:
        ValueError: it cannot be one.
    """
    site = cell.strip()
    if len(site) > LONGEST_SITE or _CONTROLS(site):
        raise ValueError(f"a site is at most {LONGEST_SITE} characters in one line")
    return site or None


def tags_of(cell: str) -> list[str]:
    """The tags in a cell, with semicolons between them.

    Raises:
        ValueError: one of them can be none, or there are too many.
    """
    tags = in_order(tag.strip() for tag in cell.split(BETWEEN_TAGS) if tag.strip())
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG or not _TAG(tag) for tag in tags):
        raise ValueError(f"at most {MOST_TAGS} tags of at most {LONGEST_TAG} characters, without commas")
    return tags
