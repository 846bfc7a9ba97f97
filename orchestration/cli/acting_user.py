"""Who acts at the command line, for what is kept with a name."""

import getpass
from typing import Annotated

import typer

By = Annotated[
    str | None, typer.Option("--by", help="Who does it. Default: the user of this machine.", show_default=False)
]


def who_acts(by: str | None) -> str:
    """The name that was given, else the account's."""
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # an account without a name, in a container
        raise typer.BadParameter("this account has no name; say who does it", param_hint="--by") from error
