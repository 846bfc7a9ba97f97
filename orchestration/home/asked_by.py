"""Who sits at the command line, as the machine knows it: for the audit log.

It is a record for honest people: whoever may write to the database could write there, too, that it was somebody else.
"""

import os
import pwd
import socket

from warehouse.contract.audit import ActorKind, Origin

ASKED_BY = "FLEETWATT_ASKED_BY"
"""Where root's command leaves, for the account that it goes on as, who began it."""
_ROOT = 0


def command_line() -> Origin:
    """Whoever began this command, on this machine."""
    return Origin(ActorKind.COMMAND_LINE, asked_by(), address=socket.gethostname() or None)


def asked_by() -> str:
    """The account that began this command; of one that sudo began, the account behind it."""
    number = os.getuid()
    if noted := os.environ.get(ASKED_BY):
        return noted
    if number == _ROOT and (behind := os.environ.get("SUDO_USER")):
        return behind
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # an account without a name, in a container
        return f"uid {number}"
