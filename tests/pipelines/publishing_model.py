"""A model of publishing, explored in full: every interleaving of updates, a writer and a crash.

Two updates of one pipeline, each of two tables; a program that knows nothing of Lakelet and commits
to a table whenever it likes; a crash at any moment, after which somebody recovers. A table's log is
the list of what its versions hold. The model's states and transitions are the code's own
(`lakelet.pipelines.publishing.protocol`).

A version holds, for each table, the number of the update whose rows it has (0: nothing yet), and
whether a foreign commit is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lakelet.pipelines.publishing.protocol import State, Transition

TABLES = (0, 1)
UPDATES = (1, 2)

Version = tuple[int, bool]
"""The update whose rows it holds, and whether a foreign commit is among them."""


@dataclass(frozen=True)
class Rules:
    """What the protocol demands; taken away one by one to see the model fail."""

    journal: bool = True
    publish_last: bool = True
    put_back: bool = True


@dataclass(frozen=True)
class Update:
    """An update under way, as far as its process remembers."""

    number: int
    state: State
    staged: tuple[bool, bool] = (False, False)
    committed: tuple[bool, bool] = (False, False)
    undone: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class World:
    """Everything that lasts, and the process at work.

    Attributes:
        logs: for each table, its versions.
        names: for each table and version, the update whose commit made it; negative where that
            commit undid it, 0 for others.
        publications: for each publication, the version of each table that it names.
        owners: for each publication, its update.
        journal: the update whose journal lies in the lake, with the published versions before; or
            None.
        process: the update under way in the one process that holds the lock; None between them.
        next: the update that is run next.
        foreign: commits the other program may still make.
        crashes: crashes that may still come.
    """

    logs: tuple[tuple[Version, ...], ...] = (((0, False),), ((0, False),))
    names: tuple[tuple[int, ...], ...] = ((0,), (0,))
    publications: tuple[tuple[int, int], ...] = ((0, 0),)
    owners: tuple[int, ...] = (0,)
    journal: tuple[int, tuple[int, int]] | None = None
    process: Update | None = None
    next: int = 1
    foreign: int = 1
    crashes: int = 1


Move = tuple[str, World]


def moves(world: World, rules: Rules) -> Iterator[Move]:
    """Every next state, with what led to it."""
    if world.foreign:
        for table in TABLES:
            update, _ = world.logs[table][-1]
            yield "foreign", replace(_append(world, table, (update, True), 0), foreign=0)
    if world.process is None:
        yield from _begin(world)
        return
    if world.crashes:
        yield "crash", replace(world, process=None, crashes=0)
    yield from _step(world, world.process, rules)


def _begin(world: World) -> Iterator[Move]:
    if world.journal is not None:
        number, _ = world.journal
        published = world.owners[-1] >= number
        state = State.PUBLISHED if published else State.COMMITTING
        committed = tuple(_is_committed(world, table, number) for table in TABLES)
        yield (
            "recover",
            replace(
                world,
                process=Update(number, state, (True, True), committed),  # type: ignore[arg-type]
            ),
        )
    elif world.next in UPDATES:
        yield (
            "begin",
            replace(world, process=Update(world.next, State.STAGING), next=world.next + 1),
        )


def _step(world: World, update: Update, rules: Rules) -> Iterator[Move]:
    if update.state is State.STAGING:
        for table in TABLES:
            if not update.staged[table]:
                staged = _with(update.staged, table)
                yield Transition.STAGE, replace(world, process=replace(update, staged=staged))
        if all(update.staged):
            journal = (update.number, world.publications[-1]) if rules.journal else None
            process = replace(update, state=State.COMMITTING)
            yield Transition.JOURNAL, replace(world, journal=journal, process=process)
    elif update.state is State.COMMITTING:
        yield from _committing(world, update, rules)
    elif update.state is State.UNDOING:
        yield from _undoing(world, update, rules)
    elif update.state is State.PUBLISHED:
        yield Transition.CLEAR, replace(world, journal=None, process=None)


def _committing(world: World, update: Update, rules: Rules) -> Iterator[Move]:
    for table in TABLES:
        if not update.committed[table]:
            # Staged files take the place of all that is there.
            made = _append(world, table, (update.number, False), update.number)
            process = replace(update, committed=_with(update.committed, table))
            yield Transition.COMMIT, replace(made, process=process)
            if rules.journal:
                yield (
                    Transition.GIVE_UP,
                    replace(world, process=replace(update, state=State.UNDOING)),
                )
            break
    if all(update.committed) or not rules.publish_last:
        versions = tuple(_last_of(world, table, update.number) for table in TABLES)
        yield (
            Transition.PUBLISH,
            replace(
                world,
                publications=(*world.publications, versions),  # type: ignore[arg-type]
                owners=(*world.owners, update.number),
                process=replace(update, state=State.PUBLISHED),
            ),
        )


def _undoing(world: World, update: Update, rules: Rules) -> Iterator[Move]:
    assert world.journal is not None
    _, before = world.journal
    for table in TABLES:
        if not update.undone[table] and rules.put_back:
            old = world.logs[table][before[table]]
            made = world
            if len(world.logs[table]) - 1 != before[table]:
                made = _append(world, table, old, -update.number)
            process = replace(update, undone=_with(update.undone, table))
            yield Transition.PUT_BACK, replace(made, process=process)
            return
    yield Transition.CLEAR, replace(world, journal=None, process=None)


def _append(world: World, table: int, version: Version, name: int) -> World:
    logs, names = list(world.logs), list(world.names)
    logs[table] = (*logs[table], version)
    names[table] = (*names[table], name)
    return replace(world, logs=tuple(logs), names=tuple(names))


def _last_of(world: World, table: int, update: int) -> int:
    """The version an update committed; the newest where it has not."""
    found = [v for v, name in enumerate(world.names[table]) if name == update]
    return found[-1] if found else len(world.logs[table]) - 1


def _is_committed(world: World, table: int, update: int) -> bool:
    """Whether the log holds an update's commit that was not undone since."""
    found = [name for name in world.names[table] if abs(name) == update]
    return bool(found) and found[-1] == update


def _with(flags: tuple[bool, bool], table: int) -> tuple[bool, bool]:
    return tuple(flag or index == table for index, flag in enumerate(flags))  # type: ignore[return-value]


def wrong(world: World) -> str | None:
    """What a reader, or the person who comes next, must never meet; None where all is well."""
    seen = [world.logs[table][world.publications[-1][table]] for table in TABLES]
    if seen[0][0] != seen[1][0]:
        return f"a reader sees table 0 of update {seen[0][0]} beside table 1 of {seen[1][0]}"
    if any(foreign for _, foreign in seen):
        return "a reader sees what another program committed, by accident"
    if seen[0][0] != world.owners[-1]:
        return "what is published is not what the update made"
    if world.process is None and world.journal is None:
        for table in TABLES:
            published = world.logs[table][world.publications[-1][table]]
            newest = world.logs[table][-1]
            if newest[0] != published[0]:
                return f"update {newest[0]} is in the log of table {table}, and nobody knows why"
    return None


def explore(rules: Rules) -> tuple[int, str | None]:
    """Visit every reachable state.

    Returns:
        How many there are, and the first thing that is wrong with the moves that led to it.
    """
    start = World()
    ways: dict[World, tuple[str, ...]] = {start: ()}
    waiting = [start]
    while waiting:
        world = waiting.pop()
        problem = wrong(world)
        if problem is not None:
            return len(ways), f"{problem}: {' → '.join(ways[world])}"
        for name, after in moves(world, rules):
            if after not in ways:
                ways[after] = (*ways[world], str(name))
                waiting.append(after)
    return len(ways), None
