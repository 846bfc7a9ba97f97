"""What lives as long as the application: made where it is composed, found by its type by whoever handles a request."""

from typing import TypeVar, cast

from fastapi import Request

Part = TypeVar("Part")


class Parts:
    """One part of each type."""

    def __init__(self, *parts: object) -> None:
        self._by_type = {type(part): part for part in parts}
        if len(self._by_type) < len(parts):
            raise ValueError("two parts have the same type: nobody could ask for either")

    def get(self, kind: type[Part]) -> Part:
        """The part of this type.

        Raises:
            KeyError: there is none, which is a programming error.
        """
        return cast(Part, self._by_type[kind])

    def find(self, kind: type[Part]) -> Part | None:
        """The part of this type, where there is one."""
        return cast(Part | None, self._by_type.get(kind))

    def and_these(self, *parts: object) -> "Parts":
        """These parts and more."""
        return Parts(*self._by_type.values(), *parts)


def part_of(request: Request, kind: type[Part]) -> Part:
    """The part of this type of the application that received the request."""
    return cast(Parts, request.app.state.parts).get(kind)
