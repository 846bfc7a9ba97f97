"""Runs the command line, and is the one place that knows how a command ends when something is wrong."""

import contextlib
import errno
import io
import os
import sys

from typer import Abort
from typer._click.exceptions import ClickException

from dbt_like_sql.model import CatalogError
from orchestration.cli.commands import app
from orchestration.cli.ctrl_c import engines_stop_at_ctrl_c
from orchestration.cli.failures import sentence_of, write_details
from orchestration.cli.options import notes
from orchestration.home.step_down import begins_processes
from warehouse.contract.errors import FleetwattError
from warehouse.contract.redaction import redact_output

FAILED = 1
NOBODY_READS = 141
"""The exit code of a command whose reader is gone (``| head``), as shells have it of one that a SIGPIPE ended."""


def run(*, in_its_own_process: bool = False) -> int:
    """Run what the command line says; returns the exit code. Whatever happens is said in a sentence."""
    before = begins_processes.set(in_its_own_process)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that is not written in UTF-8 can be shown
    redact_output()
    try:
        with engines_stop_at_ctrl_c():
            code = app(standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be told
    except SystemExit as ended:  # the command line's library makes that of a reader that is gone
        return _nobody_reads() if isinstance(ended.__context__, BrokenPipeError) else int(ended.code or 0)
    except Exception as error:
        return _told(error)
    finally:
        begins_processes.reset(before)
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        return _nobody_reads()
    if isinstance(error, ClickException):
        return _wrong_usage(error)
    if isinstance(error, FleetwattError):
        notes.print(f"{error.title}: ", style="bold red", end="")
        notes.print(error.detail)
    elif isinstance(error, CatalogError):
        notes.print("The models cannot be read:", style="bold red")
        notes.print(str(error))
    elif isinstance(error, Abort):
        notes.print("aborted")
    else:
        _unforeseen(error)
    return FAILED


def _wrong_usage(error: ClickException) -> int:
    shown = io.StringIO()
    error.show(shown)
    notes.print(shown.getvalue().replace("Value error, ", ""), end="")  # whose error it is says nothing to a user
    return error.exit_code


def _unforeseen(error: Exception) -> None:
    """The sentence, and where the details are; that no file could be written too."""
    log = write_details(error)
    where = f"the details are in {log}" if log else "the details could not be written to any file"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _drop_output()  # what is still to be written would fail once more
    with contextlib.suppress(OSError):
        notes.print("The command cannot go on: ", style="bold red", end="")
        notes.print(f"{sentence_of(error)}; {where}")


def _nobody_reads() -> int:
    _drop_output()
    return NOBODY_READS


def _drop_output() -> None:
    """Let what is not written yet go nowhere, or Python complains at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
