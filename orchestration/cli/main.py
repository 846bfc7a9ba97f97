"""The entry point of the command ``fleetwatt``.

It imports nothing that Python has not loaded by itself before it begins: Ctrl-C is taken well at once.
"""

import os
import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(*, in_its_own_process: bool = True) -> None:
    """Run the command line and exit: code 0 is success, 1 a failure, 2 wrong usage, 3 done with some lines refused.

    4: nothing was done, for a selection of models was right and empty, or --yes was not given.

    ``in_its_own_process``: it may begin again under another account, and set what holds for the whole process.
    """
    try:
        _open_standard_streams()
        _speak_utf8()
        from orchestration.cli.ctrl_c_while_loading import ctrl_c_waits_while_loading

        with ctrl_c_waits_while_loading():
            from orchestration.cli.run import run

            code = run(in_its_own_process=in_its_own_process)
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _open_standard_streams() -> None:
    """Put the null device where a stream was closed: the next file would take its number, and get its text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for as long as we run


def _speak_utf8() -> None:
    """Begin again in UTF-8 where Python was told that all text is ASCII (``LC_ALL=C PYTHONUTF8=0``): paths are not."""
    if sys.getfilesystemencoding().lower() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        environment = {**os.environ, "PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


if __name__ == "__main__":
    main()
