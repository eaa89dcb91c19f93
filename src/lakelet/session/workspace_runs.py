"""What a workspace does with runs: begins, lists, compares, changes and repeats them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, cast

from lakelet.errors import StorageError
from lakelet.lake import Lake, TableName
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.folder import REPEATS

if TYPE_CHECKING:
    from lakelet.runs import Run
    from lakelet.runs.comparing import Comparison
    from lakelet.runs.index.details import Point, RunDetails
    from lakelet.runs.index.models import KeptModel, RegisteredModel
    from lakelet.runs.index.reading import RunRecord
    from lakelet.session.unpinned import Unpinned
    from lakelet.session.workspace import Workspace

__all__ = ("WorkspaceRuns",)


class WorkspaceRuns:
    """The part of a workspace that knows runs.

    Attributes:
        folder: where the workspace is on disk, and its settings.
        lake: its tables.
        source: where its statements come from.
    """

    folder: WorkspaceFolder
    lake: Lake
    source: str

    def run(
        self,
        name: str,
        *,
        params: Mapping[str, object] | None = None,
        seed: int | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Run]:
        """A run of MLflow for the body of ``with``, pinned to what is read in it.

        Args:
            name: folders and a name, ``"baselines/logistic"``.
            params: its parameters; those within dictionaries get names with dots.
            seed: seeds Python, NumPy and, where it is imported, torch.
            tags: its tags.

        Raises:
            MissingExtraError: MLflow is not installed.
            CommandError: a name or a seed that is none.
            StorageError: MLflow's store or server said no.
        """
        from lakelet.runs.starting import running

        return running(
            self.folder, name, params=params, seed=seed, tags=tags, repeats=os.environ.get(REPEATS)
        )

    def refresh_runs(self, *, complete: bool = False) -> str:
        """Take over what changed in MLflow; `runs` does so too, without a word.

        Args:
            complete: first complete runs that were killed, in a child process; then compare all
                that is known of runs with MLflow, where that was not done for ten minutes.

        Returns:
            Why what is known of runs may be old, for a person; '' where it is not.
        """
        from lakelet.runs.completing import complete_in_a_child
        from lakelet.runs.index import bring_up_to_date

        left = complete_in_a_child(self.folder) if complete else ""
        return bring_up_to_date(self.folder, thorough=complete) or left

    def learn_pins(self, table: TableName) -> None:
        """Learn from MLflow which versions runs are pinned to, before any are removed.

        Raises:
            StorageError: MLflow cannot be asked; nothing was removed.
        """
        behind = self.refresh_runs()
        if behind:
            raise StorageError(
                f"which versions of {table} runs are pinned to is not known: {behind}. Nothing was "
                "removed.",
                hint="try again when it can be asked; `lakelet maintain --even-pinned` removes old "
                "versions whether runs need them or not.",
            )

    def runs(
        self,
        folder: str = "",
        *,
        where: str = "",
        sort: str = "started",
        descending: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[RunRecord]:
        """Runs, the newest first, or sorted by a metric, a parameter or another fact.

        Args:
            folder: only those of this folder and of folders in it, or of this name.
            where: a condition, such as ``metrics.f1 > 0.8``.
            sort: such as ``metrics.f1``, ``params.rate``, ``seconds``; runs without it come last.
            descending: whether the largest come first.
            limit: at most so many.
            offset: after so many.

        Raises:
            CommandError: the condition is none, or runs are not sorted by that.
        """
        from lakelet.runs.index.reading import list_runs

        self.refresh_runs()
        return list_runs(
            self.folder, folder, where=where, sort=sort, descending=descending, limit=limit,
            offset=offset,
        )  # fmt: skip

    def run_record(self, run: str) -> RunRecord:
        """A run by its id, the first letters of it, or folders and name.

        Raises:
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index import bring_up_to_date
        from lakelet.runs.index.reading import find_run

        self.refresh_runs()
        found = find_run(self.folder, run)
        bring_up_to_date(self.folder, exactly=found.id)
        return find_run(self.folder, found.id)

    def rename_run(self, run: str, name: str) -> None:
        """Give a run another name; its folder stays.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no name, or MLflow said no.
        """
        from lakelet.runs.changing import rename_run

        self._change_run("rename", self.run_record(run), lambda one: rename_run(
            self.folder, one, name))  # fmt: skip

    def move_run(self, run: str, folder: str) -> None:
        """Move a run to another folder, which is made where there is none.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no folder, or the runs are
                kept on a server.
        """
        from lakelet.runs.changing import move_run

        self._change_run("move", self.run_record(run), lambda one: move_run(
            self.folder, one, folder))  # fmt: skip

    def tag_run(self, run: str, tags: Mapping[str, str]) -> None:
        """Give a run tags.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, no tag, or MLflow said no.
        """
        from lakelet.runs.changing import tag_run

        self._change_run("tag", self.run_record(run), lambda one: tag_run(
            self.folder, one, tags))  # fmt: skip

    def untag_run(self, run: str, names: Sequence[str]) -> None:
        """Take tags off a run.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run or tag, or MLflow said no.
        """
        from lakelet.runs.changing import untag_run

        self._change_run("untag", self.run_record(run), lambda one: untag_run(
            self.folder, one, names))  # fmt: skip

    def unpinned_by(self, run: str) -> list[Unpinned]:
        """The versions of tables that `archive_run` would let go of: only this run is pinned to."""
        from lakelet.session.unpinned import unpinned_by

        return unpinned_by(self.lake, self.run_record(run))

    def archive_run(self, run: str) -> None:
        """Put a run away: it is in no list, and its pins hold nothing, until it is brought back.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run, it goes on, or MLflow said
                no.
        """
        from lakelet.runs.changing import archive_run

        self._change_run("archive", self.run_record(run), lambda one: archive_run(
            self.folder, one))  # fmt: skip

    def restore_run(self, run: str) -> None:
        """Bring back a run that was put away.

        Raises:
            RunNotFoundError, StorageError: no such run was, or MLflow said no.
        """
        from lakelet.runs.changing import restore_run
        from lakelet.runs.index.reading import find_run

        self.refresh_runs()
        found = find_run(self.folder, run, archived=True)
        self._change_run("restore", found, lambda one: restore_run(self.folder, one))

    def archived_runs(self) -> list[tuple[str, str, str]]:
        """Runs that were put away, the newest first: id, folder, name."""
        from lakelet.session.unpinned import archived_runs

        self.refresh_runs()
        return archived_runs(self.folder)

    def _change_run(self, action: str, run: RunRecord, change: Callable[[RunRecord], None]) -> None:
        from lakelet.session.audit import audited
        from lakelet.session.unpinned import run_state

        with audited(
            self.folder, self.source, f"{action} run", f"{run.full_name} {run.id[:8]}",
            lambda: run_state(self.folder, run.id),
        ):  # fmt: skip
            change(run)

    def run_models(self, run: str) -> list[KeptModel]:
        """The models a run kept, with the names they are registered under.

        Raises:
            RunNotFoundError: there is none, or several fit.
            StorageError: MLflow's store or server cannot be read.
        """
        from lakelet.runs.index.models import models_of_run

        return models_of_run(self.folder, self.run_record(run).id)

    def registered_models(self, name: str | None = None) -> list[RegisteredModel]:
        """MLflow's registered models, or the one of a name, with versions and aliases.

        Raises:
            StorageError: MLflow's store or server cannot be read.
        """
        from lakelet.runs.index.models import registered_models

        return registered_models(self.folder, name)

    def register_model(self, run: str, name: str, *, model: str = "", alias: str = "") -> int:
        """Make a model that a run kept the next version of a registered model.

        Args:
            run: the run.
            name: the registered model, which is made where there is none.
            model: which of the run's models, by name or id; its only one without it.
            alias: that is to mean this version, whichever it meant before; '' for none.

        Returns:
            The version; the one it is already, where it is registered under that name.

        Raises:
            RunNotFoundError, CommandError, StorageError: no such run or model, no name, or MLflow
                said no.
        """
        from lakelet.runs.index.models import models_of_run
        from lakelet.runs.registry import check_alias, chosen_model, register_model, set_alias
        from lakelet.workspace.locks import hold

        if alias:
            check_alias(alias)
        found = self.run_record(run)
        # Two who ask for the same at once get the same version: the second looks when the first
        # is done.
        with hold(self.folder.private / "registry.lock"):
            kept = chosen_model(models_of_run(self.folder, found.id), found.full_name, model)
            with self._changing_registry("register model", name):
                version = register_model(self.folder, kept, found.id, name)
            if alias:
                with self._changing_registry("set alias", name):
                    set_alias(self.folder, name, alias, version)
        return version

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let an alias of a registered model mean one of its versions, whichever it meant before.

        Raises:
            CommandError, StorageError: no such registered model or version, no alias, or MLflow
                said no.
        """
        from lakelet.runs.registry import set_alias

        with self._changing_registry("set alias", name):
            set_alias(self.folder, name, alias, version)

    def drop_alias(self, name: str, alias: str) -> None:
        """Take an alias off a registered model; its versions stay.

        Raises:
            CommandError, StorageError: no such registered model or alias, or MLflow said no.
        """
        from lakelet.runs.registry import drop_alias

        with self._changing_registry("drop alias", name):
            drop_alias(self.folder, name, alias)

    @contextmanager
    def _changing_registry(self, action: str, name: str) -> Iterator[None]:
        from lakelet.session.audit import audited

        def state() -> dict[str, Any] | None:
            for one in self.registered_models(name):
                return {"versions": [v.version for v in one.versions], "aliases": one.aliases}
            return None

        with audited(self.folder, self.source, action, name, state):
            yield

    def run_details(self, run: str) -> RunDetails:
        """What is recorded of a run without being asked: facts, packages, diff, files.

        Raises:
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index.details import details

        return details(self.folder, self.run_record(run))

    def metric_history(self, run: str) -> dict[str, list[Point]]:
        """Every value of a run's metrics, by step.

        Raises:
            RunNotFoundError: there is none, or several fit.
            StorageError: MLflow's store or server cannot be read.
        """
        from lakelet.runs.index.details import metric_history

        found = self.run_record(run)
        return metric_history(self.folder, found.id, list(found.metrics))

    def runs_of_table(
        self, name: str | TableName, *, limit: int = 100
    ) -> list[tuple[RunRecord, list[int]]]:
        """The runs that read a table, the newest first, each with the versions it read."""
        from lakelet.runs.index.reading import runs_of_table

        self.refresh_runs()
        told = name if isinstance(name, TableName) else TableName.parse(name)
        return runs_of_table(self.folder, str(told), limit=limit)

    def compare(self, *runs: str) -> Comparison:
        """What differs between runs, each named as for `run_record`.

        Raises:
            RunNotFoundError: there is no such run.
        """
        from lakelet.runs.comparing import compare_runs

        return compare_runs(self.folder, [self.run_record(run) for run in runs])

    def rerun(
        self, run: str, *, say: Callable[[str], None] = lambda _text: None
    ) -> tuple[RunRecord, int]:
        """Run a run again with its code and data as they were, and wait for it.

        Args:
            run: its id, the first letters of it, or folders and name.
            say: told what can no longer be matched, and what is started.

        Returns:
            The run that was repeated, and the exit code of its command. Runs the command starts
            have the tag ``lakelet.repeats``.

        Raises:
            RunError: it cannot be repeated; nothing was started.
            RunNotFoundError: there is none, or several fit.
        """
        from lakelet.runs.index.details import details
        from lakelet.runs.repeating import repeat_run
        from lakelet.session.used_models import unmatched_models

        found = self.run_record(run)
        for one in unmatched_models(cast("Workspace", self), found):
            say(f"Not matched: {one}.")
        return found, repeat_run(self.folder, found, details(self.folder, found), say)
