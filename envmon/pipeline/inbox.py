"""The inbox: files that people drop in a folder are taken in once they are whole, and leave it with a receipt.

What is read is stored first and the file moved after: whatever happens in between, it is taken again and everything in
it is known. Refused rows go back as a workbook with the reasons; nothing is ever deleted or overwritten. Links, pipes
and hidden files are left alone. Never here: what a file means (`importing`), the clock.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from envmon import __version__, periods
from envmon.errors import EnvmonError, SourceChanged, StoreError, UsageError
from envmon.model import Config, InboxFile, InboxState
from envmon.pipeline.importing import Understood, chosen, enter, settled, understand
from envmon.pipeline.returning import returned_book
from envmon.sources.cells import snippet
from envmon.sources.files import SUFFIXES
from envmon.store import Opened, Store
from envmon.texts import joined, t

LOG = logging.getLogger("envmon.inbox")

DONE, REFUSED = "done", "refused"
LOCK = ".lock"
CAP = 200 * 2**20
"""Largest file that is taken, in bytes."""
UNFINISHED = (".part", ".tmp", ".crdownload", ".partial", ".filepart", ".download")
OFFICE = ("~$", ".~lock.")  # what office programs put beside a file that is open
MOST_TRIES = 3
TRIES = "inbox_tries"  # under which the store remembers files that were begun, and how often
LOOKS = "inbox_looks"  # under which the store remembers size and time of files seen, and when
TOLD = 20  # names of sites nobody configured that a receipt lists
LONGEST = 200  # bytes of a file's name that are kept before an ending is put behind it


@dataclass(frozen=True, slots=True)
class Lying:
    """Something that lies in the inbox. `folder`: the one below the inbox it lies in, "" for none."""

    path: Path
    folder: str
    state: InboxState
    reason: str = ""  # the key of a text
    size: int = 0
    changed: int = 0  # nanoseconds

    @property
    def name(self) -> str:
        """Its name without what could steer a terminal or a file."""
        return plain_name(self.path.name)


def plain_name(name: str) -> str:
    """A name with `_` in the place of what is not to be shown.

    >>> plain_name("a\\n\\x1b.csv")
    'a__.csv'
    """
    return "".join(one if one.isprintable() else "_" for one in name)


def lying(inbox: Path) -> list[Lying]:
    """Everything in the inbox and in the folders directly below it, in the order of names."""
    if not inbox.is_dir():
        return []
    found: list[Lying] = []
    for entry in sorted(os.scandir(inbox), key=lambda one: one.name):
        if entry.name in (DONE, REFUSED, LOCK):
            continue
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            try:
                below = sorted(os.scandir(entry.path), key=lambda one: one.name)
            except OSError:
                found.append(Lying(Path(entry.path), "", InboxState.IGNORED, "inbox.unreadable"))
                continue
            found += (_lying(Path(one.path), entry.name) for one in below)
        else:
            found.append(_lying(Path(entry.path), ""))
    return found


def _lying(path: Path, folder: str) -> Lying:
    try:
        facts = path.lstat()
    except OSError:
        return Lying(path, folder, InboxState.WAITING, "inbox.gone")
    name = path.name.lower()
    if stat.S_ISLNK(facts.st_mode):
        return Lying(path, folder, InboxState.IGNORED, "inbox.link")
    if stat.S_ISDIR(facts.st_mode):
        return Lying(path, folder, InboxState.IGNORED, "inbox.deep")
    if not stat.S_ISREG(facts.st_mode):
        return Lying(path, folder, InboxState.IGNORED, "inbox.special")
    if name.startswith(OFFICE) or name.endswith(UNFINISHED):
        return Lying(path, folder, InboxState.WAITING, "inbox.unfinished", facts.st_size, facts.st_mtime_ns)
    if name.startswith("."):
        return Lying(path, folder, InboxState.IGNORED, "inbox.hidden")
    return Lying(path, folder, InboxState.WAITING, "", facts.st_size, facts.st_mtime_ns)


@dataclass(slots=True)
class Round:
    """What one look into the inbox did. `failed`: files that could not be moved, with the error."""

    files: list[InboxFile] = field(default_factory=list)
    waiting: list[Lying] = field(default_factory=list)
    failed: list[EnvmonError] = field(default_factory=list)


def take(opened: Opened, config: Config, now: int, pause: Callable[[], None] | None = None) -> Round:
    """Take in every file that is whole: its size and time were the same at an earlier look.

    The looks are remembered, so a file is taken at the second round that sees it unchanged. pause : waits a little;
    then a file is looked at twice in this round.
    Raises the first error of the machine (a full disk) after all files were tried.
    """
    inbox = Path(config.paths.inbox)
    if not inbox.is_dir():
        return Round()
    with _alone(inbox):
        with opened(readonly=True) as store:
            looks: dict[str, list[int]] = store.meta(LOOKS) or {}
        seen = {_key(one): [one.size, one.changed, now] for one in lying(inbox) if not one.reason}
        if pause is not None and seen:
            pause()
        done, still = Round(), {}
        for one in lying(inbox):
            key = _key(one)
            earlier = seen.get(key) if pause is not None else looks.get(key)
            if one.state is not InboxState.WAITING or one.reason:
                done.waiting.append(one)
            elif earlier and earlier[:2] == [one.size, one.changed] and (pause or earlier[2] != now):
                _take_guarded(opened, config, one, now, done)
            else:
                still[key] = [one.size, one.changed, now]
                done.waiting.append(replace(one, reason="inbox.unstable"))
        if still != looks:
            with opened() as store:
                store.set_meta(LOOKS, still)
    if done.failed:
        raise done.failed[0]
    return done


def _key(one: Lying) -> str:
    return f"{one.folder}/{one.path.name}".encode("utf-8", "backslashreplace").decode()


@contextmanager
def _alone(inbox: Path) -> Iterator[None]:
    """Hold the inbox's lock: two processes must not take one file. Raises UsageError when another one has it."""
    import fcntl

    with (inbox / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("error.inbox.busy", path=inbox) from None
        yield


def _take_guarded(opened: Opened, config: Config, one: Lying, now: int, done: Round) -> None:
    """Take one file; what the machine refuses (a full disk, no right) is kept for the end, the next file goes on.

    A try is counted before and forgotten after: what is left counted ended this process, or with an error nobody
    expects. After MOST_TRIES of them the file is refused, for it would keep all others from being taken.
    """
    _count(opened, one, 1)
    try:
        if (file := _take(opened, config, one, now)) is not None:
            done.files.append(file)
    except OSError as error:
        LOG.error("%s: %s", one.path, error)
        done.failed.append(EnvmonError("error.inbox.move", path=one.name, reason=error))
    except StoreError:
        _count(opened, one, -1)
        raise
    _count(opened, one, 0)


def _count(opened: Opened, one: Lying, step: int) -> None:
    """Count a try of a file, take one back (-1), or forget them all (0)."""
    with opened() as store:
        tries: dict[str, int] = store.meta(TRIES) or {}
        key = f"{_key(one)} {one.size} {one.changed}"
        count = tries.pop(key, 0) + step
        store.set_meta(TRIES, {**tries, **({key: count} if step and count > 0 else {})})


def _tries(opened: Opened, one: Lying) -> int:
    with opened(readonly=True) as store:
        return int((store.meta(TRIES) or {}).get(f"{_key(one)} {one.size} {one.changed}", 0))


def _take(opened: Opened, config: Config, one: Lying, now: int) -> InboxFile | None:
    """Take one file; None when it changed while it was read: it needs another look."""
    if not os.access(one.path.parent, os.W_OK | os.X_OK):  # it could not be moved away again
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(one.path.parent))
    found = _content(one)
    if found is None:
        return None
    sha256, raw = found
    known = InboxFile(one.name, sha256, one.size, "", "", InboxState.REFUSED, None, now, "", version=__version__)
    try:
        if raw is None:
            raise SourceChanged("error.inbox.large", cap=CAP // 2**20, size=one.size // 2**20)
        if _tries(opened, one) > MOST_TRIES:
            raise SourceChanged("error.inbox.crashes", count=MOST_TRIES)
        if not raw:
            raise SourceChanged("error.inbox.empty", name=one.name)
        spec = chosen(config, one.folder) if one.folder else None
        with opened(readonly=True) as store:  # others may write while a large file is read
            read = understand(store, config, spec, Path(one.name), now, raw)
        state = _state(read, config.language)
        place = _place(config, state, now, one.name)
        read = _at(read, os.path.relpath(place, config.paths.root))
        file = replace(known, form=read.form, source=read.spec.id, state=state, moved=_moved(config, place))
        with opened() as store:
            file = _keep(store, config, read, file, now)
    except StoreError:
        raise
    except EnvmonError as error:
        return _turn_away(opened, config, one, known, error.said(config.language))
    _let_go(one, place, config, file, read)
    return file


def _let_go(one: Lying, place: Path, config: Config, file: InboxFile, read: Understood | None = None) -> None:
    """Move a file, with its receipt and its refused rows beside it; papers of one that stays do not stay."""
    lang, papers, back = config.language, list[Path](), ""
    try:
        if read is not None and read.parsed.refused:
            folder = _place(config, InboxState.REFUSED, file.received, one.name).parent
            ending = t("inbox.reject.ending", lang)
            name = _short(Path(one.name).stem.removesuffix(Path(ending).stem)) + ending
            body = returned_book(replace(read.payload, origin=one.name), read.parsed.refused, lang)
            papers.append(_write(folder, name, body))
            back = plain_name(_moved(config, papers[0]))
        kind, said = ("receipt", receipt) if file.state is InboxState.DONE else ("refusal", refusal)
        name = _short(place.name) + t(f"inbox.{kind}.ending", lang)
        papers.append(_write(place.parent, name, said(file, config, back)))
        _move(one.path, place)
    except OSError:
        for paper in papers:
            paper.unlink(missing_ok=True)
        raise


def _content(one: Lying) -> tuple[str, bytes | None] | None:
    """The SHA-256 and the bytes of a file (None of one above CAP); None when it is no longer what was looked at."""
    handle = os.open(one.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            return None
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        raw = file.read() if before.st_size <= CAP else None
        after = os.fstat(handle)
    same = {(facts.st_size, facts.st_mtime_ns) for facts in (before, after)} == {(one.size, one.changed)}
    return (sha256, raw) if same else None


def _state(read: Understood, lang: str) -> InboxState:
    """Whether anything of a file enters. Raises SourceChanged for one that says nothing about any configured site."""
    parsed = read.parsed
    if parsed.rows or parsed.intakes or parsed.events:
        return InboxState.DONE
    if parsed.refused:
        return InboxState.REFUSED
    if parsed.unknown:
        names = joined("and", lang, [snippet(name) for name in list(parsed.unknown)[:5]])
        raise SourceChanged("error.inbox.unknown_sites", count=len(parsed.unknown), names=names)
    raise SourceChanged("error.inbox.no_rows", origin=read.payload.origin)


def _at(read: Understood, origin: str) -> Understood:
    """The same under the name by which people will find it."""
    refused = [replace(one, origin=origin) for one in read.parsed.refused]
    payload = replace(read.payload, origin=origin)
    return replace(read, payload=payload, parsed=replace(read.parsed, refused=refused))


def _keep(store: Store, config: Config, read: Understood, file: InboxFile, now: int) -> InboxFile:
    """Store what was read and its receipt, in one transaction."""
    earlier, read = store.same_content(file.sha256), settled(store, read)
    with store.writing():
        tally, batch = enter(store, config, read, now)
        sites, months = _about(store, config, read)
        lang, reason = config.language, ""
        if file.state is InboxState.REFUSED:
            reason = t("inbox.all_refused", lang, count=tally.refused)
        elif earlier is not None:
            reason = t("inbox.same_content", lang, name=earlier.name, at=periods.clock(earlier.received))
        unknown = tuple(plain_name(name) for name in list(read.parsed.unknown)[:TOLD])
        unknown += ("…",) * (len(read.parsed.unknown) > TOLD)
        kept = replace(file, batch=batch, tally=tally, reason=reason, sites=sites, months=months, unknown=unknown)
        store.enter_file(kept)
    return kept


def _about(store: Store, config: Config, read: Understood) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the sites, and the months, that the rows of a file are about."""
    names = {number: site for site, number in store.site_numbers.items()}
    called = {site.id: site.name for site in config.sites} | {area.id: area.name for area in config.areas}
    parsed = read.parsed
    sites = {names[number] for number in {row[1] for row in parsed.rows} | {one.site for one in parsed.intakes}}
    sites |= {one.subject for one in parsed.events}
    days = {periods.day_of(ending) for ending in {row[0] for row in parsed.rows}}
    days |= {one.month for one in parsed.intakes} | {periods.day_of(one.first + 1) for one in parsed.events}
    months = sorted({periods.month_of(day).name for day in days})
    return tuple(sorted(called.get(site, site) for site in sites)), tuple(months)


def _turn_away(opened: Opened, config: Config, one: Lying, file: InboxFile, reason: str) -> InboxFile:
    """Move a file that was refused as a whole, with the reason beside it, and keep that."""
    place = _place(config, InboxState.REFUSED, file.received, one.name)
    file = replace(file, moved=_moved(config, place), reason=reason)
    _let_go(one, place, config, file)
    with opened() as store:
        store.enter_file(file)
    return file


def refusal(file: InboxFile, config: Config, back: str) -> str:
    """What stands beside a refused file; back : the workbook of its refused rows, if there is one."""
    at = periods.clock(file.received)
    told = {"name": file.name, "at": at, "size": file.size, "sha256": file.sha256, "reason": file.reason}
    return "\n".join((t("inbox.refusal", config.language, **told), *_returned(file, config, back))) + "\n"


def _returned(file: InboxFile, config: Config, back: str) -> list[str]:
    return [t("inbox.receipt.returned", config.language, count=file.tally.refused, path=back)] if back else []


def receipt(file: InboxFile, config: Config, back: str) -> str:
    """What the receipt of a file says; back : the workbook of its refused rows, if there is one."""
    lang, tally = config.language, file.tally
    counts = {key: getattr(tally, key) for key in tally.__slots__}
    said = t(
        "inbox.receipt",
        lang,
        name=file.name,
        at=periods.clock(file.received),
        form=t(f"form.{file.form}", lang),
        source=file.source,
        sites=joined("and", lang, file.sites) or "–",
        months=joined("and", lang, file.months) or "–",
        batch=file.batch,
        size=file.size,
        sha256=file.sha256,
        version=file.version,
        **counts,
    )
    strange = ""
    if file.unknown:
        names = joined("and", lang, file.unknown)
        strange = t("inbox.receipt.unknown", lang, names=names)
    return "\n".join(line for line in (said, file.reason, strange, *_returned(file, config, back)) if line) + "\n"


# --- places -----------------------------------------------------------------------------------------------------


def _place(config: Config, state: InboxState, now: int, name: str) -> Path:
    """Where a file goes: a name nobody has yet, in the folder of the month. Makes the folder."""
    month = periods.month_of(periods.today(now)).name
    folder = Path(config.paths.inbox) / (DONE if state is InboxState.DONE else REFUSED) / month
    folder.mkdir(parents=True, exist_ok=True)
    return _free(folder, _short(name))


def _moved(config: Config, place: Path) -> str:
    return place.relative_to(config.paths.inbox).as_posix()


def _free(folder: Path, name: str) -> Path:
    """A path that does not exist: the name, or the name with a number before its ending."""
    ending = next((one for one in sorted(SUFFIXES, key=len, reverse=True) if name.lower().endswith(one)), "")
    ending = name[len(name) - len(ending) :] if ending else Path(name).suffix
    stem, count, path = name.removesuffix(ending), 1, folder / name
    while os.path.lexists(path):
        count += 1
        path = folder / f"{stem}-{count}{ending}"
    return path


def _short(name: str) -> str:
    """A name that leaves room for an ending: a file system takes 255 bytes."""
    if len(name.encode("utf-8", "replace")) <= LONGEST:
        return name
    ending = Path(name).suffix[:20]
    kept = name.removesuffix(ending).encode("utf-8", "replace")[: LONGEST - len(ending.encode())]
    return kept.decode("utf-8", "ignore") + ending


def _write(folder: Path, name: str, body: str | bytes) -> Path:
    """Write a file that is not there yet; half of one does not stay."""
    path = _free(folder, name)
    try:
        with path.open("xb") as file:
            file.write(body if isinstance(body, bytes) else body.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _move(source: Path, target: Path) -> None:
    """Move a file where none is; onto another disk by copying it whole first."""
    target.open("xb").close()
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            target.unlink(missing_ok=True)
            raise
        try:
            shutil.copy2(source, target)
            with target.open("rb") as copied:
                os.fsync(copied.fileno())
        except OSError:
            target.unlink(missing_ok=True)
            raise
        source.unlink()
