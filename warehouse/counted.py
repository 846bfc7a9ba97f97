"""How many of something, in words: ``1 row``, ``2,000 rows``."""


def counted(number: int, one: str, many: str = "") -> str:
    """The number and what it counts; ``many``: what two of it are called, unless an s is all that is added.

    A verb goes along: ``counted(waiting, "day waits", "days wait")``.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
