"""What was known at an earlier minute: views that stand in for the tables, so that every query reads the past alike.

A value was in force from the minute its batch was learned until that of the batch which replaced it. Judgements are
not among what stands here: they are made again from the readings of that time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

COLUMNS = "ending, site, parameter, stream, value, mark, batch"
KNOWN = "(SELECT number FROM main.batch WHERE {known})"

VIEWS = f"""
CREATE TEMP VIEW reading AS
  SELECT {COLUMNS}, seen FROM main.reading WHERE batch IN {KNOWN}
  UNION ALL SELECT {COLUMNS}, 0 FROM main.reading_history WHERE batch IN {KNOWN} AND replaced_by NOT IN {KNOWN};
CREATE TEMP VIEW reading_history AS
  SELECT {COLUMNS}, replaced_by FROM main.reading_history WHERE batch IN {KNOWN} AND replaced_by IN {KNOWN};
CREATE TEMP VIEW incident AS
  SELECT i.id, i.rule, i.kind, i.subject, iif(e.change = 'resolved', 'resolved', 'open') AS state, e.severity, e.value,
    i.opened, e.finding AS last, e.at AS told, e.facts
  FROM main.incident i JOIN main.incident_event e
    ON e.id = (SELECT max(id) FROM main.incident_event WHERE incident = i.id AND at <= {{at}});
CREATE TEMP VIEW exceptional_event AS SELECT * FROM main.exceptional_event WHERE learned <= {{at}};
CREATE TEMP VIEW review AS SELECT * FROM main.review WHERE learned <= {{at}} AND number <= {{review}};
CREATE TEMP VIEW published_figure AS SELECT * FROM main.published_figure WHERE at <= {{at}};
CREATE TEMP VIEW intake_volume AS SELECT * FROM main.intake_volume WHERE batch IN {KNOWN};
CREATE TEMP VIEW correction AS SELECT * FROM main.correction WHERE found <= {{at}};
"""


def look_back(db: sqlite3.Connection, at: int, batch: int | None = None, review: int | None = None) -> None:
    """Let a connection see readings, incidents and the like as they were known at a minute.

    batch, review : readings, and reviews of them, as they were known when this one was the last, whatever the clock
    said.
    """
    known = f"learned <= {int(at)}" if batch is None else f"number <= {int(batch)}"
    db.executescript(VIEWS.format(at=int(at), known=known, review=2**62 if review is None else int(review)))
