"""Rows of one kind as a table of whatever library is there: pandas, else Arrow."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from orchestrator.errors import SpecError
from orchestrator.report.machine.score_files import ScoreRow

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import Table


def score_table(rows: Sequence[ScoreRow]) -> "DataFrame | Table":
    """Return scores as a pandas DataFrame where pandas is installed, else as an Arrow Table.

    Raises:
        SpecError: Where neither is.
    """
    names = [column.name for column in fields(ScoreRow)]
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    # Imported here: whoever asks for no table needs neither, and both are slow to import.
    try:
        from pandas import DataFrame  # noqa: PLC0415
    except ImportError:
        return _arrow_table(columns)
    return DataFrame(columns).astype(_PANDAS)


_PANDAS = {"seed": "Int64", "version": "int64", "score": "float64"}
"""Where nothing, or a missing value, would leave another type."""


def _arrow_table(columns: dict[str, list[object]]) -> "Table":
    try:
        import pyarrow  # noqa: PLC0415 - as above
    except ImportError as error:
        raise SpecError(
            "a table of scores needs pandas or pyarrow, and neither is installed", hint="run: pip install pandas"
        ) from error
    types = {"seed": pyarrow.int64(), "version": pyarrow.int64(), "score": pyarrow.float64()}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in columns])
    return pyarrow.table(columns, schema=schema)
