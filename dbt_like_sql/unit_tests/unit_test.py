"""What a unit test IS once its text was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dbt_like_sql.model import Check, Model
from dbt_like_sql.unit_tests.row_table import RowTable


@dataclass(frozen=True)
class UnitTest:
    """Rows that the SELECT of ``subject`` is given, and what it gives for ``day``.

    ``given``: rows by dataset; the others that it reads have none. ``expect``: the rows that come out, in any order,
    compared in these columns alone; ``None`` where ``expect_error`` says what the error's message contains.
    """

    name: str
    subject: Model | Check
    day: date
    given: Mapping[str, RowTable]
    expect: RowTable | None
    expect_error: str | None
    path: Path
    line: int

    @property
    def dataset(self) -> str:
        """The model that it tests, or the dataset whose check it tests."""
        return self.subject.model if isinstance(self.subject, Check) else self.subject.name

    @property
    def sql(self) -> str:
        """The SELECT that is tested."""
        return str(self.subject.sql)

    @property
    def types(self) -> Mapping[str, str]:
        """The declared columns and their types; a check declares none."""
        return {} if isinstance(self.subject, Check) else {each.name: each.type for each in self.subject.columns}

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell rows apart; none are known of a check."""
        return () if isinstance(self.subject, Check) else self.subject.sort_key

    @property
    def title(self) -> str:
        """Its name as a sentence."""
        return self.name.replace("_", " ")
