"""The tables, as migrations in the order they came. Each runs once, in one transaction, and is never edited later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

VERSION = 4
"""The schema this program reads and writes; `PRAGMA user_version` of the database says which one it has."""

POLLUTANT_COLUMNS = ("so2", "no2", "co", "o3", "pm10", "pm25")

READINGS = """
-- The registry: small numbers for everything a reading refers to.
CREATE TABLE site (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
  area TEXT NOT NULL, facts TEXT NOT NULL);
CREATE TABLE parameter (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, medium TEXT NOT NULL, name TEXT NOT NULL,
  name_en TEXT NOT NULL, unit TEXT NOT NULL, decimals INTEGER NOT NULL);
CREATE TABLE stream (number INTEGER PRIMARY KEY, source TEXT NOT NULL, basis INTEGER NOT NULL, span INTEGER NOT NULL,
  UNIQUE (source, basis, span));
-- One batch is one payload or file: where readings came from, when it was taken and when we learned it.
CREATE TABLE batch (number INTEGER PRIMARY KEY, source TEXT NOT NULL, origin TEXT NOT NULL, taken INTEGER NOT NULL,
  learned INTEGER NOT NULL, tally TEXT NOT NULL DEFAULT '{}');
CREATE INDEX batch_taken ON batch (taken);

-- One row is one value in force. ending: minutes since 1970 UTC of the end of its interval; value: whole steps of
-- 10^-decimals of the parameter's unit; mark: the state mark it came with; batch: where this value came from first;
-- seen: when a payload was last taken that said so. Time first: an hour is written in one place.
CREATE TABLE reading (ending INTEGER NOT NULL, site INTEGER NOT NULL, parameter INTEGER NOT NULL,
  stream INTEGER NOT NULL, value INTEGER NOT NULL, mark INTEGER NOT NULL, batch INTEGER NOT NULL, seen INTEGER NOT NULL,
  PRIMARY KEY (ending, site, parameter, stream)) WITHOUT ROWID;
-- Every value that is no longer, or never was, in force.
CREATE TABLE reading_history (ending INTEGER NOT NULL, site INTEGER NOT NULL, parameter INTEGER NOT NULL,
  stream INTEGER NOT NULL, value INTEGER NOT NULL, mark INTEGER NOT NULL, batch INTEGER NOT NULL,
  replaced_by INTEGER NOT NULL,
  PRIMARY KEY (ending, site, parameter, stream, replaced_by, batch, value, mark)) WITHOUT ROWID;
CREATE TRIGGER reading_revised BEFORE UPDATE ON reading WHEN old.value <> new.value OR old.mark <> new.mark BEGIN
  INSERT OR IGNORE INTO reading_history VALUES (old.ending, old.site, old.parameter, old.stream, old.value, old.mark,
    old.batch, new.batch); END;
CREATE TRIGGER reading_stays BEFORE DELETE ON reading BEGIN SELECT RAISE(ABORT, 'a reading is never deleted'); END;
CREATE TRIGGER history_stays BEFORE DELETE ON reading_history BEGIN
  SELECT RAISE(ABORT, 'a reading is never deleted'); END;
CREATE TRIGGER history_settled BEFORE UPDATE ON reading_history BEGIN
  SELECT RAISE(ABORT, 'an earlier reading is never changed'); END;

CREATE TABLE reject (batch INTEGER NOT NULL, line INTEGER NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL,
  text TEXT NOT NULL);
CREATE TABLE qc_flag (ending INTEGER NOT NULL, site INTEGER NOT NULL, parameter INTEGER NOT NULL, test TEXT NOT NULL,
  flag INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (ending, site, parameter, test)) WITHOUT ROWID;
-- Site-days to judge (again).
CREATE TABLE dirty (medium TEXT NOT NULL, day INTEGER NOT NULL, site INTEGER NOT NULL,
  PRIMARY KEY (medium, day, site)) WITHOUT ROWID;
CREATE TABLE site_latest (site INTEGER PRIMARY KEY, ending INTEGER NOT NULL, learned INTEGER NOT NULL);

-- For people: names, Beijing times, decimal values.
CREATE VIEW readings AS SELECT s.id AS site, s.name AS name, p.id AS parameter,
  datetime((r.ending + 480) * 60, 'unixepoch') AS ending, r.value / pow10.factor AS value, p.unit AS unit,
  r.mark AS mark,
  t.source AS source, t.basis AS basis, t.span AS span, b.origin AS origin,
  datetime((b.learned + 480) * 60, 'unixepoch') AS learned
FROM reading r JOIN site s ON s.number = r.site JOIN parameter p ON p.number = r.parameter
  JOIN stream t ON t.number = r.stream JOIN batch b ON b.number = r.batch
  JOIN (SELECT 0 AS decimals, 1.0 AS factor UNION SELECT 1, 1e1 UNION SELECT 2, 1e2 UNION SELECT 3, 1e3
    UNION SELECT 4, 1e4 UNION SELECT 5, 1e5 UNION SELECT 6, 1e6 UNION SELECT 7, 1e7 UNION SELECT 8, 1e8
    UNION SELECT 9, 1e9 UNION SELECT 10, 1e10) pow10 ON pow10.decimals = p.decimals;
"""

JUDGEMENTS = f"""
-- One row per day and site (or area): the daily air judgement in force.
CREATE TABLE air_day (day INTEGER NOT NULL, site INTEGER NOT NULL, edition TEXT NOT NULL,
  {", ".join(f"{name} INTEGER NOT NULL" for name in POLLUTANT_COLUMNS)},
  {", ".join(f"hours_{name} INTEGER NOT NULL" for name in POLLUTANT_COLUMNS)},
  {", ".join(f"iaqi_{name} INTEGER NOT NULL" for name in POLLUTANT_COLUMNS)},
  windows INTEGER NOT NULL, aqi INTEGER NOT NULL, level INTEGER NOT NULL, "primary" INTEGER NOT NULL,
  exceeding INTEGER NOT NULL, missing INTEGER NOT NULL, status INTEGER NOT NULL, stations INTEGER NOT NULL,
  version TEXT NOT NULL, PRIMARY KEY (day, site)) WITHOUT ROWID;
-- One row per site and period (span: sample, day, month): the class of the water, or the source's compliance.
CREATE TABLE water_judgement (site INTEGER NOT NULL, span TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  basis INTEGER NOT NULL, water_class INTEGER NOT NULL, status INTEGER NOT NULL, readings INTEGER NOT NULL,
  content TEXT NOT NULL, means TEXT NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY (site, span, first, basis)) WITHOUT ROWID;
-- One row per rate and period as it stood; the period to date of every target, day by day.
CREATE TABLE rate (name TEXT NOT NULL, subject TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  edition TEXT NOT NULL, numerator INTEGER NOT NULL, denominator INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (name, subject, first, last, edition)) WITHOUT ROWID;
CREATE TABLE outlook (target TEXT PRIMARY KEY, computed INTEGER NOT NULL, content TEXT NOT NULL);
"""

ALERTS = """
CREATE TABLE incident (id INTEGER PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
  severity INTEGER NOT NULL, value INTEGER, opened INTEGER NOT NULL, last INTEGER NOT NULL, told INTEGER NOT NULL,
  facts TEXT NOT NULL);
CREATE UNIQUE INDEX one_open_incident ON incident (rule, subject) WHERE state = 'open';
CREATE TABLE incident_event (id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident,
  change TEXT NOT NULL, at INTEGER NOT NULL,
  severity INTEGER NOT NULL, value INTEGER, finding INTEGER NOT NULL, facts TEXT NOT NULL);
-- The outbox: a notice is written with its event, and sent after; its outcome is kept.
CREATE TABLE notice (id INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES incident_event, channel TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending', tries INTEGER NOT NULL DEFAULT 0, tried INTEGER, error TEXT,
  UNIQUE (event, channel));
CREATE INDEX notice_pending ON notice (state) WHERE state = 'pending';
-- One slot is one run of one job; at: the minute at which the slot starts.
CREATE TABLE slot (job TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  started INTEGER, finished INTEGER, next_try INTEGER, error TEXT, PRIMARY KEY (job, at)) WITHOUT ROWID;
CREATE TABLE beat (pid INTEGER NOT NULL, started INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (pid, started));
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

FOLLOWED = """
-- An incident is worded by the kind its rule had when it opened: a rule may change its kind, or leave the config.
ALTER TABLE incident ADD COLUMN kind TEXT;
UPDATE incident SET kind = (SELECT e.value FROM meta m, json_each(m.value) e
  WHERE m.key = 'rules' AND e.key = incident.rule);
DELETE FROM meta WHERE key = 'rules';
-- A rate is kept under what its target asked for (`by-date`, or one edition), not under the editions it met.
CREATE TABLE rate_kept (name TEXT NOT NULL, subject TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  asked TEXT NOT NULL, numerator INTEGER NOT NULL, denominator INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (name, subject, first, last, asked)) WITHOUT ROWID;
INSERT OR REPLACE INTO rate_kept SELECT name, subject, first, last, 'by-date', numerator, denominator, content
  FROM rate ORDER BY length(edition); -- the row that met most editions came last
DROP TABLE rate;
ALTER TABLE rate_kept RENAME TO rate;
CREATE INDEX air_day_site ON air_day (site, day);
-- What was refused is kept once, however often it is read again.
CREATE INDEX reject_place ON reject (origin, line);
CREATE INDEX slot_running ON slot (state) WHERE state = 'running';
"""

EXCEPTIONAL = """
-- What somebody decided about a place and a time; entries are never changed, a wrong one is withdrawn by another.
CREATE TABLE exceptional_event (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,
  items TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, decided_by TEXT NOT NULL, document TEXT NOT NULL,
  note TEXT NOT NULL, origin TEXT NOT NULL, learned INTEGER NOT NULL, withdraws INTEGER REFERENCES exceptional_event);
CREATE TRIGGER event_stays BEFORE DELETE ON exceptional_event BEGIN
  SELECT RAISE(ABORT, 'an exceptional event is withdrawn, never deleted'); END;
CREATE TRIGGER event_settled BEFORE UPDATE ON exceptional_event BEGIN
  SELECT RAISE(ABORT, 'an exceptional event is withdrawn, never changed'); END;
-- A figure that left the program: drawn in a chart, or published by the bureau. period: its name, until its last day
-- `ends`; first, last: the days counted. batch: the last that is in it. content: the rate.
CREATE TABLE published_figure (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, place TEXT NOT NULL,
  document TEXT NOT NULL, rate TEXT NOT NULL, subject TEXT NOT NULL, period TEXT NOT NULL, ends INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, asked TEXT NOT NULL, basis INTEGER, batch INTEGER NOT NULL,
  note TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX figure_days ON published_figure (last, first);
-- When such a figure is another one now: from what to what, since when, because of which values.
CREATE TABLE correction (number INTEGER PRIMARY KEY, figure INTEGER NOT NULL REFERENCES published_figure,
  found INTEGER NOT NULL, since INTEGER, batch INTEGER NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL,
  causes TEXT NOT NULL);
CREATE INDEX correction_figure ON correction (figure);
CREATE INDEX correction_found ON correction (found);
CREATE TRIGGER figure_stays BEFORE DELETE ON published_figure BEGIN
  SELECT RAISE(ABORT, 'a published figure is never deleted'); END;
CREATE TRIGGER figure_settled BEFORE UPDATE ON published_figure BEGIN
  SELECT RAISE(ABORT, 'a published figure is never changed'); END;
CREATE TRIGGER correction_stays BEFORE DELETE ON correction BEGIN
  SELECT RAISE(ABORT, 'a correction is never deleted'); END;
CREATE TRIGGER correction_settled BEFORE UPDATE ON correction BEGIN
  SELECT RAISE(ABORT, 'a correction is never changed'); END;
"""

INBOX = """
-- What was dropped in the inbox and what became of it, one row each time a file was taken or refused. moved: where it
-- went; batch: that of its readings, NULL where the whole file was refused; content: the rest of its receipt.
CREATE TABLE inbox_file (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  form TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, batch INTEGER REFERENCES batch,
  received INTEGER NOT NULL, moved TEXT NOT NULL, reason TEXT NOT NULL, content TEXT NOT NULL);
-- Where in a workbook a refused cell stands: its sheet, and its column from 1; 0 is the whole row.
ALTER TABLE reject ADD COLUMN sheet TEXT NOT NULL DEFAULT '';
ALTER TABLE reject ADD COLUMN at_column INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_file_content ON inbox_file (sha256);
CREATE TRIGGER inbox_file_stays BEFORE DELETE ON inbox_file BEGIN
  SELECT RAISE(ABORT, 'a receipt is never deleted'); END;
CREATE TRIGGER inbox_file_settled BEFORE UPDATE ON inbox_file BEGIN
  SELECT RAISE(ABORT, 'a receipt is never changed'); END;
-- Water taken from a source in a month (its first day), in steps of 10 t. The last row of a month is in force.
CREATE TABLE intake_volume (number INTEGER PRIMARY KEY, site INTEGER NOT NULL, month INTEGER NOT NULL,
  volume INTEGER NOT NULL, batch INTEGER NOT NULL REFERENCES batch);
CREATE INDEX intake_volume_month ON intake_volume (month, site);
CREATE TRIGGER intake_volume_stays BEFORE DELETE ON intake_volume BEGIN
  SELECT RAISE(ABORT, 'an intake is never deleted'); END;
CREATE TRIGGER intake_volume_settled BEFORE UPDATE ON intake_volume BEGIN
  SELECT RAISE(ABORT, 'an intake is revised by another row, never changed'); END;
"""

GAPS = """
-- The times its rows end at: a file says what it spans, and so what it has nothing of.
ALTER TABLE batch ADD COLUMN first INTEGER;
ALTER TABLE batch ADD COLUMN last INTEGER;
CREATE INDEX batch_file ON batch (source, last) WHERE instr(origin, '://') = 0;
-- Time of which values are missing, to be asked of a source again; it goes when they are there or it is given up.
CREATE TABLE gap_window (source TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, tries INTEGER NOT NULL,
  next_try INTEGER NOT NULL, PRIMARY KEY (source, first, last)) WITHOUT ROWID;
-- Every asking again and what came of it.
CREATE TABLE gap_attempt (number INTEGER PRIMARY KEY, source TEXT NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL, at INTEGER NOT NULL, outcome TEXT NOT NULL, wanted INTEGER NOT NULL, found INTEGER NOT NULL,
  error TEXT NOT NULL);
CREATE INDEX gap_attempt_time ON gap_attempt (last);
"""

REVIEW = """
-- What people decided by hand about readings of a site with first < ending <= last; item '' is all of them. Entries are
-- never changed, a wrong one is undone by another.
CREATE TABLE review (number INTEGER PRIMARY KEY, site TEXT NOT NULL, item TEXT NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL, flag INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL, learned INTEGER NOT NULL,
  undoes INTEGER REFERENCES review);
CREATE INDEX review_site ON review (site);
CREATE TRIGGER review_stays BEFORE DELETE ON review BEGIN
  SELECT RAISE(ABORT, 'a review is undone, never deleted'); END;
CREATE TRIGGER review_settled BEFORE UPDATE ON review BEGIN
  SELECT RAISE(ABORT, 'a review is undone, never changed'); END;
"""

SOURCES = """
-- The latest reading of each source; what the board of sources counts is found without reading everything.
CREATE TABLE source_latest (source TEXT PRIMARY KEY, ending INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO source_latest SELECT t.source, max(r.ending) FROM reading r JOIN stream t ON t.number = r.stream
  JOIN batch b ON b.number = r.batch WHERE r.ending <= b.learned + 1440 GROUP BY t.source;
CREATE INDEX batch_source ON batch (source);
CREATE INDEX batch_learned ON batch (source, learned);
CREATE INDEX reject_batch ON reject (batch);
"""

STEPS = {
    "001_readings": READINGS,
    "002_judgements": JUDGEMENTS,
    "003_alerts": ALERTS,
    "004_followed": FOLLOWED,
    "005_exceptional": EXCEPTIONAL,
    "007_inbox": INBOX,
    "008_gaps": GAPS,
    "009_review": REVIEW,
    "010_sources": SOURCES,
}


def migrate(db: sqlite3.Connection) -> None:
    """Bring a database to VERSION. Costs an import of sqlite_utils, so it is called only when the version is behind."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations("envmon")
    for name, script in STEPS.items():

        def step(database: Database, script: str = script) -> None:
            for statement in statements(script):
                database.conn.execute(statement)

        migrations(name=name)(step)
    migrations.apply(Database(db))
    db.execute(f"PRAGMA user_version = {VERSION}")


def statements(script: str) -> list[str]:
    """The single statements of a script (executescript would commit the migration's transaction)."""
    import sqlite3

    found, rest = [], ""
    for line in script.splitlines():
        rest += line.partition("--")[0] + "\n"
        if rest.strip() and sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found
