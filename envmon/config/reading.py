"""One reading of the config: file, tables, sites, agreement, then the nouns of `model`.

Never here: forms (`schema`), agreement between tables (`checks`), wording (`texts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from envmon.config import checks, document, forms, schema, sites
from envmon.config.checks import Entry
from envmon.config.known import JOB_TIMES, Known
from envmon.config.mistakes import ConfigMistakes, Mistake, closest, dotted, shown
from envmon.model import (
    Area,
    Assessment,
    Channel,
    Config,
    Device,
    GapSettings,
    Listen,
    Maintenance,
    Paths,
    PlanEntry,
    Preference,
    Rule,
    Schedule,
    Site,
    SourceSpec,
    Target,
)
from envmon.texts import LANGUAGES, t

NOUNS: Mapping[str, type] = {
    "areas": Area,
    "sites": Site,
    "plan": PlanEntry,
    "sources": SourceSpec,
    "preferences": Preference,
    "targets": Target,
    "rules": Rule,
    "channels": Channel,
    "devices": Device,
    "maintenance": Maintenance,
}


class Setting(NamedTuple):
    """One row of `config show`; `origin` is `default`, a variable's name, or `file:line`."""

    key: str
    value: str
    origin: str


def read(name: str, known: Known | None, lang: str | None, environ: Mapping[str, str]) -> Reading:
    """Read the config named, all of it, and report all its mistakes at once."""
    asked = lang or environ.get("ENVMON_LANG", "")
    file = document.open_document(name, asked)
    language = document.language(file.text, asked)
    reading = Reading(file, language, known or Known())
    if asked and asked not in LANGUAGES:
        allowed = t("config.allowed.one_of", language, words=" ".join(LANGUAGES))
        reading.mistakes.append(Mistake("--lang / ENVMON_LANG", 0, "", shown(asked), allowed))
    reading.run()
    return reading


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass
class Reading:
    """The work on one file; `mistakes` grows, and `config` is there once there are none."""

    file: document.Document
    lang: str
    known: Known
    mistakes: list[Mistake] = field(default_factory=list)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    tables: dict[str, list[schema.Table]] = field(default_factory=dict)
    csvs: list[tuple[str, str, int]] = field(default_factory=list)

    def run(self) -> None:
        raw = self.file.table
        page = schema.read_table(schema.Page, raw, partial(self.report, ()), self.lang)
        for name in schema.LISTS:
            before = len(self.mistakes)
            self.entries[name] = self._listed(name) if name in sites.SHEETS else self._entries(name, raw.get(name, []))
            if name in ("areas", "sites") and not self.entries[name] and len(self.mistakes) == before:
                schema.tell(partial(self.report, ()), (name,), f"some_{name}", None, {}, self.lang)
            self.tables[name] = [table for entry in self.entries[name] if (table := self._table(name, entry))]
        paths = schema.read_table(schema.PathsTable, raw.get("paths", {}), partial(self.report, ("paths",)), self.lang)
        gaps = schema.read_table(schema.GapsTable, raw.get("gaps", {}), partial(self.report, ("gaps",)), self.lang)
        chosen, listen = self._assessment(), self._listen()
        jobs, settings = self._jobs(), self._qc()
        for entry, (key, code, values) in checks.check(self.entries, self.known):
            path = tuple(key.split("."))
            schema.tell(self._at(entry), path, code, _written(entry.raw, path), values, self.lang)
        if self.mistakes or page is None or paths is None or chosen is None or gaps is None:
            raise ConfigMistakes(sorted(set(self.mistakes), key=self._order), self.lang)
        own = {"assessment": Assessment(**dict(chosen)), "gaps": GapSettings(**dict(gaps)), "listen": listen}
        self.config = self._config(page, paths, jobs, settings, own)

    def _order(self, mistake: Mistake) -> tuple[bool, str, int, str]:
        return mistake.file != self.file.name, mistake.file, mistake.line, mistake.path

    # --- reporting ---

    def report(
        self, prefix: document.KeyPath, path: document.KeyPath, found: str, allowed: str, suggestion: str
    ) -> None:
        whole = (*prefix, *path)
        line = self.file.line(whole)
        self.mistakes.append(Mistake(self.file.name, line, dotted(whole), found, allowed, suggestion))

    def _at(self, entry: Entry) -> schema.Report:
        """How to report inside one table: by key path in the TOML, by column in a CSV."""
        if entry.file == self.file.name:
            return partial(self.report, entry.path)

        def report(path: document.KeyPath, found: str, allowed: str, suggestion: str) -> None:
            self.mistakes.append(Mistake(entry.file, entry.line, dotted(path), found, allowed, suggestion))

        return report

    # --- tables ---

    def _entries(self, name: str, raw: Any) -> list[Entry]:
        """The tables of one list as written; what is not a table is a mistake."""
        if not isinstance(raw, list):
            schema.tell(partial(self.report, ()), (name,), "list", raw, {"name": name}, self.lang)
            return []
        entries = []
        for position, table in enumerate(raw):
            if isinstance(table, dict):
                line = self.file.line((name, position))
                entries.append(Entry(self.file.name, line, (name, position), table))
            else:
                schema.tell(partial(self.report, ()), (name, position), "table", table, {}, self.lang)
        return entries

    def _table(self, name: str, entry: Entry) -> schema.Table | None:
        return schema.read_table(schema.LISTS[name], entry.raw, self._at(entry), self.lang)

    def _listed(self, name: str) -> list[Entry]:
        """Tables from `sites = "a.csv"`, a list of such names, or tables, any of which may be `file = "a.csv"`."""
        raw = self.file.table.get(name, [])
        listed = [raw] if isinstance(raw, str) else raw
        if not isinstance(listed, list):
            return self._entries(name, raw)
        entries: list[Entry] = []
        for position, item in enumerate(listed):
            path: document.KeyPath = (name,) if isinstance(raw, str) else (name, position)
            if isinstance(item, str):
                entries += self._csv(name, item, path)
            elif isinstance(item, dict) and set(item) == {"file"} and isinstance(item["file"], str):
                entries += self._csv(name, item["file"], path)
            elif isinstance(item, dict):
                entries.append(Entry(self.file.name, self.file.line(path), path, item))
            else:
                schema.tell(partial(self.report, ()), path, name, item, {}, self.lang)
        return entries

    def _csv(self, name: str, written: str, path: document.KeyPath) -> list[Entry]:
        """The rows of one CSV of sites or of the plan, beside the config unless its path is absolute."""
        place = Path(self.file.name).parent / Path(written).expanduser()
        text = document.read_text(place, str(place), self.lang, sites.ENCODINGS)
        if isinstance(text, Mistake):
            why = t(f"config.csv.unreadable.{name}", self.lang, file=text.file, found=text.found)
            self.report((), path, why, text.allowed, "")
            return []

        def tell(line: int, column: str, found: str, allowed: str, suggestion: str) -> None:
            self.mistakes.append(Mistake(str(place), line, column, found, allowed, suggestion))

        rows = sites.rows(text, sites.SHEETS[name], tell, self.lang)
        entries = [Entry(str(place), line, (), raw) for line, raw in rows]
        self.csvs.append((name, str(place), len(entries)))
        return entries

    def _assessment(self) -> schema.Table | None:
        """What the bureau chooses of the assessment; a set, or the items of a list, must be of its kind of source."""
        raw = self.file.table.get("assessment", {})
        report = partial(self.report, ("assessment",))
        table = schema.read_table(schema.AssessmentTable, raw, report, self.lang)
        for key, sets in self.known.source_sets.items():
            value = getattr(table, key, ())
            words, names = ((value,), sets) if isinstance(value, str) else (value, self.known.source_items[key])
            for word in words:
                if word not in names:
                    values = {"words": " ".join(names), "suggestion": closest(word, names)}
                    schema.tell(report, (key,), "one_of", word, values, self.lang)
        return table

    def _listen(self) -> Listen | None:
        """Where telemetry is received; without the table none is."""
        if "listen" not in self.file.table:
            return None
        table = schema.read_table(
            schema.ListenTable, self.file.table["listen"], partial(self.report, ("listen",)), self.lang
        )
        return Listen(**dict(table)) if table else None

    def _jobs(self) -> dict[str, Schedule]:
        raw = self.file.table.get("jobs", {})
        report = partial(self.report, ("jobs",))
        if not isinstance(raw, dict):
            schema.tell(report, (), "table", raw, {}, self.lang)
            return {}
        times: dict[str, Schedule] = {}
        for name, value in ({**JOB_TIMES, **raw}).items():
            if name not in self.known.jobs:
                if name in raw:
                    schema.unknown_key(report, (name,), self.known.jobs, self.lang)
                continue
            try:
                every = self.known.jobs[name]
                times[name] = Schedule(every, forms.slot_time(value, every))
            except forms.Wrong as wrong:
                schema.tell(report, (name,), wrong.code, value, wrong.values, self.lang)
        return times

    def _qc(self) -> dict[str, dict[str, Any]]:
        raw = self.file.table.get("qc", {})
        report = partial(self.report, ("qc",))
        if not isinstance(raw, dict):
            schema.tell(report, (), "table", raw, {}, self.lang)
            return {}
        tests = self.known.tests
        settings: dict[str, dict[str, Any]] = {}
        for test, values in raw.items():
            if tests is not None and test not in tests:
                schema.unknown_key(report, (test,), tests, self.lang)
            elif not isinstance(values, dict):
                schema.tell(report, (test,), "table", values, {}, self.lang)
            elif tests is None:
                settings[test] = forms.plain(values)
            else:
                settings[test] = self._settings(test, values, list(tests[test]))
        return settings

    def _settings(self, test: str, values: Mapping[str, Any], allowed: list[str]) -> dict[str, Any]:
        """One QC test's settings; thresholds are given item by item."""
        report = partial(self.report, ("qc", test))
        found: dict[str, Any] = {}
        for key, value in values.items():
            if key not in allowed:
                schema.unknown_key(report, (key,), allowed, self.lang)
            elif key in schema.QC_SETTINGS:
                found[key] = self._formed(report, (key,), schema.QC_SETTINGS[key], value)
            elif key == "ranges":
                found[key] = self._ranges(("qc", test, key), value)
            elif not isinstance(value, Mapping):
                schema.tell(report, (key,), "table", value, {}, self.lang)
            else:
                for item, threshold in value.items():
                    if item not in self.known.items:
                        schema.unknown_key(report, (key, item), self.known.items, self.lang)
                    found.setdefault(key, {})[item] = self._formed(report, (key, item), forms.number, threshold)
        return found

    def _ranges(self, path: document.KeyPath, raw: Any) -> list[dict[str, Any]]:
        """The ranges of a season, table by table; items, sites and areas must be known."""
        if not isinstance(raw, list):
            schema.tell(partial(self.report, ()), path, "list", raw, {"name": ".".join(map(str, path))}, self.lang)
            return []
        known = {"items": self.known.items, "sites": checks.places(self.entries)}
        found = []
        for position, one in enumerate(raw):
            report = partial(self.report, (*path, position))
            table = schema.read_table(schema.RangeTable, one, report, self.lang)
            for key, words in known.items():
                for word in getattr(table, key, ()):
                    if word not in words:
                        values = {"words": " ".join(words), "suggestion": closest(word, words)}
                        schema.tell(report, (key,), "one_of", word, values, self.lang)
            found.append(
                {} if table is None else {key: _plain(value) for key, value in table if value not in (None, ())}
            )
        return found

    def _formed(self, report: schema.Report, path: tuple[str, ...], form: Callable[[Any], Any], value: Any) -> Any:
        """A value in its form; None and a mistake when it does not have it."""
        try:
            return form(value)
        except forms.Wrong as wrong:
            schema.tell(report, path, wrong.code, value, wrong.values, self.lang)
            return None

    # --- the result ---

    def _config(
        self,
        page: schema.Page,
        paths: schema.PathsTable,
        jobs: dict[str, Schedule],
        qc: dict[str, dict[str, Any]],
        chosen: Mapping[str, Any],
    ) -> Config:
        from envmon.config import resolve

        root = Path(self.file.name).absolute().parent
        nouns = {name: tuple(NOUNS[name](**dict(table)) for table in self.tables[name]) for name in NOUNS}
        meant = {one: entry.text("id") for entry in self.entries["sites"] for one in checks.names_of(entry)}
        nouns["plan"] = tuple(replace(one, site=meant[checks.plain_name(one.site)]) for one in nouns["plan"])
        resolved = {name: resolve(root, wanted) for name, wanted in paths}
        file = str(Path(self.file.name).absolute())
        own = {"paths": Paths(str(root), **resolved), "jobs": jobs, "qc": qc, "file": file, **chosen}
        return Config(page.bureau, self.lang, **own, **nouns)  # type: ignore[arg-type]

    def settings(self, environ: Mapping[str, str]) -> list[Setting]:
        """Every setting with its origin, in the order of the file's forms."""
        rows = [self._language(environ), *self._rows((), schema.Page, self.file.table, environ)]
        tables: dict[str, type[schema.Table]] = {
            "paths": schema.PathsTable,
            "assessment": schema.AssessmentTable,
            "gaps": schema.GapsTable,
        }
        for name, form in (tables | ({"listen": schema.ListenTable} if "listen" in self.file.table else {})).items():
            rows += self._rows((name,), form, self.file.table.get(name, {}), environ)
        for name, listed in schema.LISTS.items():
            for entry in self.entries[name]:
                if entry.path:
                    rows += self._rows(entry.path, listed, entry.raw, environ)
        for name, file, count in self.csvs:
            rows.append(Setting(name, t(f"config.show.csv.{name}", self.lang, count=count), file))
        written = self.file.table.get("jobs", {})
        rows += [self._row(("jobs", job), time, job in written) for job, time in {**JOB_TIMES, **written}.items()]
        return [*rows, *self._qc_rows()]

    def _qc_rows(self) -> Iterator[Setting]:
        """Settings of every QC test: as written, else as they are without the config; thresholds item by item."""
        written, usual = self.file.table.get("qc", {}), self.known.tests or {}
        for test in {**usual, **written}:
            own, base = written.get(test, {}), usual.get(test, {})
            for key, value in {**base, **own}.items():
                if isinstance(value, Mapping):
                    for item, threshold in {**base.get(key, {}), **value}.items():
                        yield self._row(("qc", test, key, item), threshold, item in own.get(key, {}))
                else:
                    yield self._row(("qc", test, key), value, key in own)

    def _language(self, environ: Mapping[str, str]) -> Setting:
        if environ.get("ENVMON_LANG") == self.lang:
            return Setting("language", shown(self.lang), "ENVMON_LANG")
        return self._row(("language",), self.lang, "language" in self.file.table)

    def _rows(
        self, path: document.KeyPath, form: type[schema.Table], raw: Mapping[str, Any], environ: Mapping[str, str]
    ) -> list[Setting]:
        rows, implied = [], form.implied(raw)
        for key, info in zip(schema.keys(form), form.model_fields.values(), strict=True):
            if not path and (key == "language" or info.annotation is Any):
                continue
            value = raw.get(key, implied.get(key, info.default))
            if isinstance(value, dict) and value:
                named = key if key.endswith("_env") else ""
                rows += [
                    self._row((*path, key, name), self._masked(named or name, item, environ), True)
                    for name, item in value.items()
                ]
            elif value is not None:
                rows.append(self._row((*path, key), self._masked(key, value, environ), key in raw))
        return rows

    def _masked(self, name: str, value: Any, environ: Mapping[str, str]) -> Any:
        """An option as it may be shown: a variable's name and whether it is set, never what it holds."""
        if not name.endswith("_env") or not value:
            return value
        return f"{value} ({t('config.show.set' if environ.get(str(value)) else 'config.show.unset', self.lang)})"

    def _row(self, path: document.KeyPath, value: Any, written: bool) -> Setting:
        origin = f"{self.file.name}:{self.file.line(path)}" if written else t("config.show.default", self.lang)
        return Setting(dotted(path), shown(value), origin)


def _written(raw: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of nested tables; None where nothing does."""
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw
