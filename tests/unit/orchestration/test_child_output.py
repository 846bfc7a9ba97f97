"""What a child wrote to its log is told in the terminal, and not obeyed by it."""

from pathlib import Path

import pytest

from orchestration.cli.serve import _say
from orchestration.processes.child_process import Child, ChildStartError
from orchestration.processes.supervisor import Supervisor


def test_the_end_of_a_log_and_an_alert_are_made_visible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = r"ALERT: \033[2Jcleared\nlast \033]0;title\007words"
    child = Child(name="child", command=["printf", words + r"\n"], log=tmp_path / "log", told_mark="ALERT: ")
    supervisor = Supervisor(_say)
    supervisor.add(child)
    with pytest.raises(ChildStartError) as failed:
        supervisor.start_all()
    _say(failed.value.detail)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x07" not in said
    assert said.count("\\x1b[2Jcleared") == 2, "the alert, and the end of the log"
    assert "last \\x1b]0;title\\x07words" in said
