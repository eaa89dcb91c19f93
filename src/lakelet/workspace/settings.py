"""The settings of a workspace: ``lakelet.toml``, read whole and checked strictly."""

from __future__ import annotations

import dataclasses
import shlex
import tomllib
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from lakelet.errors import SettingsError
from lakelet.workspace.quantities import parse_bytes, parse_duration

__all__ = (
    "JobSettings",
    "LakeSettings",
    "LoadingSettings",
    "ResourceSettings",
    "RunSettings",
    "Settings",
    "SqlSettings",
    "StorageSettings",
    "read_settings",
)

T = TypeVar("T")
_WHOLE = 10**6


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """``[lake]``: where tables live and how long old versions are kept."""

    path: str = "lake"
    retention: str = "30 days"

    def check(self) -> None:
        """Raise SettingsError for a span of time that is none."""
        _quantity("lake.retention", parse_duration, self.retention)

    @property
    def keep(self) -> timedelta:
        """How long a version that is no longer the newest is kept."""
        return parse_duration(self.retention)


@dataclass(frozen=True, slots=True)
class LoadingSettings:
    """``[loading]``: how raw files become rows."""

    evolve: str = "add"
    tolerance: float = 0.99
    widen_limit: str = "1 GB"
    on_changed: str = "report"

    def check(self) -> None:
        """Raise SettingsError for a word or number that is not one of those known."""
        _one_of("loading.evolve", self.evolve, ("add", "widen", "rescue", "fail"))
        _one_of("loading.on_changed", self.on_changed, ("report", "replace", "fail"))
        _quantity("loading.widen_limit", parse_bytes, self.widen_limit)
        if not 0 < self.tolerance <= 1:
            raise SettingsError(f"loading.tolerance is {self.tolerance}; it lies in (0, 1].")


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """``[sql]``: the language statements are written in."""

    dialect: str = "databricks"
    history: bool = True

    def check(self) -> None:
        """Raise SettingsError for an unknown dialect."""
        _one_of("sql.dialect", self.dialect, ("databricks", "duckdb"))


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """``[resources]``: what one process may use."""

    memory: str = "50%"
    threads: int = 0
    temp: str = ".lakelet/temp"
    min_free_disk: str = "2 GB"

    def check(self) -> None:
        """Raise SettingsError for a size that is none, or that no process can use."""
        share = _quantity("resources.memory", lambda text: parse_bytes(text, whole=_WHOLE),
                          self.memory)  # fmt: skip
        if share <= 0 or (self.memory.rstrip().endswith("%") and share > _WHOLE):
            raise SettingsError(
                f"resources.memory is {self.memory!r}; nothing was read from it.",
                hint='it is a share of the machine above 0 % and up to 100 %, such as "50%", or a '
                'size, such as "4 GB".',
            )
        _quantity("resources.min_free_disk", parse_bytes, self.min_free_disk)
        if self.threads < 0:
            raise SettingsError(
                f"resources.threads is {self.threads}; nothing was read from it.",
                hint="it is a whole number of threads; 0 takes one for each core.",
            )


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``[runs]``: where MLflow keeps runs, and how much code that is not committed they keep."""

    tracking: str = ""
    untracked: str = "1 MB"

    def check(self) -> None:
        """Raise SettingsError for an address that is none, or a size that is none."""
        _quantity("runs.untracked", parse_bytes, self.untracked)
        if self.tracking and not self.tracking.startswith(("http://", "https://")):
            raise SettingsError(
                f"runs.tracking is {self.tracking!r}; nothing was read from it.",
                hint='it is the address of an MLflow server, such as "http://127.0.0.1:5000"; '
                "without one, runs are kept in .lakelet/mlflow.db.",
            )

    @property
    def most_untracked(self) -> int:
        """The bytes up to which a file, or all changes together, are kept with a run."""
        return parse_bytes(self.untracked)


@dataclass(frozen=True, slots=True)
class PresetSettings:
    """``[models.presets.NAME]``: how a model is sampled; what is below 0 is not said."""

    temperature: float = -1.0
    top_p: float = -1.0
    top_k: int = -1
    min_p: float = -1.0
    repeat_penalty: float = -1.0

    def said(self) -> dict[str, float]:
        """What is said, by name."""
        told = {"temperature": self.temperature, "top_p": self.top_p, "top_k": float(self.top_k),
                "min_p": self.min_p, "repeat_penalty": self.repeat_penalty}  # fmt: skip
        return {name: value for name, value in told.items() if value >= 0}


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """``[models.gateway]``: what becomes of requests that are not what a model's makers advise."""

    presets: str = "advise"
    stop_loops: bool = False
    record: bool = False

    def check(self) -> None:
        """Refuse a word that says nothing."""
        _one_of("models.gateway.presets", self.presets, ("advise", "enforce"))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``[models.servers.NAME]``: a server of models, by OpenAI's API or Ollama's own."""

    address: str = ""
    api: str = "openai"
    key: str = ""
    window: int = 0

    def check(self) -> None:
        """Refuse what is no address, and a key that is written out."""
        _one_of("models.servers: api", self.api, ("openai", "ollama"))
        if not self.address.startswith(("http://", "https://")):
            raise SettingsError(
                f"models.servers: address is {self.address!r}, and no address of a server.",
                hint='write one such as "http://127.0.0.1:1234/v1".',
            )
        if self.key and self.key.partition(":")[0] not in ("env", "file", "keyring"):
            raise SettingsError(
                "models.servers: key holds the secret itself, in a file kept with the code.",
                hint="write env:NAME, file:PATH or keyring:NAME instead.",
            )
        if self.window < 0:
            raise SettingsError("models.servers: window is a number of tokens from 1.")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """``[models]``: where model files are kept, and which model is meant where none is named."""

    store: str = ""
    default: str = ""
    llama_server: str = ""
    presets: dict[str, PresetSettings] = field(default_factory=dict)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    servers: dict[str, ServerSettings] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse a command that cannot be taken apart."""
        try:
            shlex.split(self.llama_server)
        except ValueError as error:
            raise SettingsError(
                f"models.llama_server: {error}; it is a program and its arguments, as in a shell."
            ) from None


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """``[storage.BUCKET]``: how a bucket is reached; secrets only by reference."""

    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""

    def check(self) -> None:
        """Raise SettingsError for a secret written out instead of referred to."""
        for name in ("secret_access_key", "session_token"):
            value = getattr(self, name)
            if value and value.partition(":")[0] not in ("env", "file", "keyring"):
                raise SettingsError(
                    f"storage: {name} holds the secret itself, in a file kept with the code.",
                    hint="write env:NAME, file:PATH or keyring:NAME instead.",
                )


@dataclass(frozen=True, slots=True)
class JobSettings:
    """``[jobs.PIPELINE]``: when a pipeline is updated by `lakelet jobs start`; one of the three."""

    cron: str = ""
    on_files: bool = False
    on_table: str = ""

    def check(self) -> None:
        """Raise SettingsError where not exactly one of the three is given."""
        if bool(self.cron) + self.on_files + bool(self.on_table) != 1:
            raise SettingsError(
                "jobs: a job has exactly one of cron, on_files and on_table.",
                hint='such as cron = "0 6 * * *".',
            )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a workspace, with the defaults of a new one."""

    time_zone: str = "UTC"
    lake: LakeSettings = field(default_factory=LakeSettings)
    loading: LoadingSettings = field(default_factory=LoadingSettings)
    sql: SqlSettings = field(default_factory=SqlSettings)
    resources: ResourceSettings = field(default_factory=ResourceSettings)
    runs: RunSettings = field(default_factory=RunSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    volumes: dict[str, str] = field(default_factory=dict)
    storage: dict[str, StorageSettings] = field(default_factory=dict)
    jobs: dict[str, JobSettings] = field(default_factory=dict)


def _quantity(name: str, parse: Callable[[str], T], text: str) -> T:
    """A setting's size or span of time; what is wrong with it is told with the setting's name."""
    try:
        return parse(text)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error.message}", hint=error.hint) from None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError.no_such_value(value, known, where=name)


def read_settings(path: Path) -> Settings:
    """Read and check ``lakelet.toml``.

    Raises:
        SettingsError: not TOML, an unknown setting (with the nearest name), a wrong type or value.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: this is not valid TOML: {error}; nothing was read from it.",
            hint='a line is name = value, text stands in quotes: time_zone = "UTC"; a section is '
            "[name].",
        ) from None
    settings: Settings = _build(Settings, raw, where=path.name)
    if settings.time_zone != "UTC":
        _check_zone(settings.time_zone)
    return settings


def _check_zone(name: str) -> None:
    import pytz

    if name not in pytz.all_timezones_set:
        raise SettingsError.no_such_value(name, pytz.all_timezones_set, where="time_zone")


def _build(kind: type[Any], raw: dict[str, Any], *, where: str) -> Any:
    hints = get_type_hints(kind)
    for name in raw:
        if name not in hints:
            raise SettingsError.unknown(name, hints, where=where)
    values = {name: _value(hints[name], raw[name], f"{where}: {name}") for name in raw}
    built = kind(**values)
    if hasattr(built, "check"):
        built.check()
    return built


_WORDS = {
    str: 'text in quotes, such as "30 days"', bool: "true or false", int: "a whole number",
    float: "a number",
}  # fmt: skip


def _value(kind: Any, raw: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build(typing.cast("type[Any]", kind), _table(raw, where), where=where)
    if typing.get_origin(kind) is dict:
        inner = typing.get_args(kind)[1]
        return {
            name: _value(inner, one, f"{where}.{name}") for name, one in _table(raw, where).items()
        }
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        what = _WORDS.get(kind, kind.__name__)
        raise SettingsError(f"{where} is {raw!r}; it must be {what}.")
    return raw


def _table(raw: Any, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SettingsError(f"{where} is {raw!r}; it must be a table of settings.")
    return raw
