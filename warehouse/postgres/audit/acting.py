"""Who acts just now: noted where a request or a command begins, read where its change is written down.

Between the two lie stores and jobs that have nothing to do with it; so it goes beside them, in the context of the call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from warehouse.contract.audit import ActorKind, Origin

_NOBODY = Origin(ActorKind.PIPELINE)
"""A job, or a thread, that runs by itself."""
_acting: ContextVar[Origin | None] = ContextVar("acting", default=None)


@contextmanager
def acting_as(origin: Origin) -> Iterator[None]:
    """Within the block what is changed is changed by this one."""
    before = _acting.set(origin)
    try:
        yield
    finally:
        _acting.reset(before)


def current_origin() -> Origin:
    """Who acts."""
    return _acting.get() or _NOBODY
