"""The bureau's page: config.toml and the environment, read into a checked `model.Config`. The door to os.environ.

    ENVMON_CONFIG   the file to read when none is named (else ./config.toml)
    ENVMON_LANG     the language of all output, zh or en; wins over `language` in the file

Every mistake of the file, and of the CSVs it names, is reported in one go (`ConfigMistakes.mistakes`). The config
chooses; it never holds a limit or a secret: an option ending in `_env` names the variable a secret is read from.
Never here: which kinds of source, channel or QC test there are; the caller hands them in as `Known`.

Importing this room is cheap; pydantic is loaded when a config is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from envmon.config.known import Known
from envmon.config.mistakes import ConfigMistakes, Mistake
from envmon.errors import ConfigError, UsageError
from envmon.texts import system_reason, t

if TYPE_CHECKING:
    from envmon.model import Config

PathLike = str | Path | None

__all__ = [
    "ConfigMistakes",
    "Glance",
    "Known",
    "Mistake",
    "effective",
    "find",
    "glance",
    "load",
    "resolved",
    "secrets",
    "write_sample",
]

DATABASE = "data/envmon.db"
SAMPLE = Path(__file__).parent.parent / "sample"


def find(path: PathLike = None, environ: Mapping[str, str] = os.environ) -> str:
    """The config to read: the one named, else ENVMON_CONFIG, else config.toml in the working directory."""
    return str(path or environ.get("ENVMON_CONFIG") or "config.toml")


def load(
    path: PathLike = None,
    known: Known | None = None,
    lang: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read and check the whole config.

    lang : language of messages and of the result (argument over ENVMON_LANG over the file over zh).
    Raises ConfigMistakes (a ConfigError) listing every mistake.
    """
    from envmon.config.reading import read

    return read(find(path, environ), known, lang, environ).config


def effective(
    config: Config, known: Known | None = None, environ: Mapping[str, str] = os.environ
) -> list[dict[str, str]]:
    """Every setting in force as {key, value, origin}: written in which file and line, or the default.

    Sites of a CSV are one row; of a secret only the variable's name and whether it is set are told.
    Reads the config's file again; raises ConfigMistakes like `load` if it was broken meanwhile.
    """
    from envmon.config.reading import read

    return [setting._asdict() for setting in read(config.file, known, config.language, environ).settings(environ)]


class Glance(NamedTuple):
    """The little that commands need which only look at the database; `database` is an absolute path."""

    file: str
    language: str
    database: str


def glance(path: PathLike = None, lang: str | None = None, environ: Mapping[str, str] = os.environ) -> Glance:
    """Where the database is, checking nothing else and without pydantic: for `status`, which must be quick.

    Raises ConfigMistakes only for a file that cannot be read at all.
    """
    from envmon.config import document

    name, asked = find(path, environ), lang or environ.get("ENVMON_LANG")
    file = document.open_document(name, asked)
    paths = file.table.get("paths")
    written = paths.get("database") if isinstance(paths, dict) else None
    wanted = written if isinstance(written, str) and written else DATABASE
    return Glance(name, document.language(file.text, asked), resolve(Path(name).absolute().parent, wanted))


def resolve(root: Path, wanted: str) -> str:
    """A path of the config as absolute text; relative ones start at the folder of config.toml."""
    return os.path.normpath(root / Path(wanted).expanduser())


def resolved(options: Mapping[str, Any], lang: str = "zh", environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Options ready for use: each `name_env` becomes `name` with what its variable holds.

    Raises ConfigError naming every variable that is not set or is empty.
    """
    named = {key: str(value) for key, value in options.items() if key.endswith("_env")}
    held = secrets(named.values(), lang, environ)
    ready = {key: value for key, value in options.items() if key not in named}
    return ready | {key.removesuffix("_env"): held[variable] for key, variable in named.items()}


def secrets(variables: Iterable[str], lang: str = "zh", environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What environment variables hold. Raises ConfigError naming every one that is not set or is empty."""
    wanted = list(variables)
    absent = [variable for variable in wanted if not environ.get(variable)]
    if absent:
        raise ConfigError(t("config.variable_unset", lang, names=" ".join(absent)))
    return {variable: environ[variable].strip() for variable in wanted}


def write_sample(folder: str | Path, lang: str = "zh") -> list[str]:
    """Write a commented config.toml and sites.csv for a bureau to fill in; returns the paths written.

    Raises UsageError if one of them is there already: nothing is overwritten, and then nothing is written.
    """
    target = Path(folder)
    wanted = {target / source.name: source.read_bytes() for source in sorted(SAMPLE.iterdir()) if source.is_file()}
    if there := [str(path) for path in wanted if path.exists()]:
        raise UsageError(t("config.sample_exists", lang, names=" ".join(there)))
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, body in wanted.items():
            with path.open("xb") as file:
                file.write(body)
    except OSError as error:
        raise UsageError(t("config.sample_refused", lang, folder=folder, reason=system_reason(error, lang))) from error
    return [str(path) for path in wanted]
