"""A new pipeline's first file."""

from __future__ import annotations

from pathlib import Path

from lakelet.errors import InvalidNameError, PipelineError
from lakelet.lake import TableName
from lakelet.lake.names import SYSTEM_SCHEMA
from lakelet.pipelines.definitions.folder import PIPELINES_FOLDER
from lakelet.pipelines.definitions.plain_names import PLAIN, is_plain
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.steps import declare, write_file

__all__ = ("new_pipeline",)

_WRITE = declare("pipeline.template", "the first file of a new pipeline is there")
_TEXT = """\
-- Bronze: raw files, each taken once. New files are taken by the next update.
CREATE OR REFRESH STREAMING TABLE raw
  AS SELECT * FROM STREAM read_files('files/{name}/', format => 'json');

-- Silver: what can be relied on. Rows that break an expectation are counted; with
-- ON VIOLATION DROP ROW they go to clean__rejected, with FAIL UPDATE nothing is published.
CREATE OR REFRESH MATERIALIZED VIEW clean (
  CONSTRAINT has_id EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW
) COMMENT 'one row a record'
  AS SELECT * EXCEPT (_rescued_data, _metadata) FROM raw;

-- Gold: what people ask for.
CREATE OR REFRESH MATERIALIZED VIEW summary
  AS SELECT count(*) AS records FROM clean;
"""


def new_pipeline(workspace: WorkspaceFolder, name: str) -> Path:
    """Make ``pipelines/NAME/NAME.sql``.

    Returns:
        The file, from the workspace's folder.

    Raises:
        PipelineError: there is such a pipeline already.
        InvalidNameError: a name that cannot be a schema's.
    """
    if not is_plain(name) or name.lower() == SYSTEM_SCHEMA:
        raise InvalidNameError(
            f"{name!r} cannot be the name of a pipeline; nothing was made.",
            hint=f"{PLAIN}, and not {SYSTEM_SCHEMA}.",
        )
    schema = TableName.of(name, "x").schema
    folder = workspace.root / PIPELINES_FOLDER / schema
    if folder.exists() and any(folder.iterdir()):
        raise PipelineError(f"there is a folder {folder.relative_to(workspace.root)} already.")
    path = folder / f"{schema}.sql"
    write_file(_WRITE, path, _TEXT.replace("{name}", schema).encode())
    return path.relative_to(workspace.root)
