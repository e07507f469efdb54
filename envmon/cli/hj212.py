"""`envmon hj212`: frames of monitoring stations taken apart and put together by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envmon.cli import Session, language
from envmon.cli.output import as_json, table, terminal
from envmon.texts import catalogue, joined, t, word

if TYPE_CHECKING:
    from envmon.hj212.frames import Bad
    from envmon.hj212.segments import Segment
    from envmon.model import Device

LANG = language()


@click.group(help=t("cli.hj212.help", LANG), epilog=t("cli.hj212.example", LANG))
def hj212() -> None:
    pass


@hj212.command(help=t("cli.hj212.decode.help", LANG), epilog=t("cli.hj212.decode.example", LANG))
@click.argument("what", metavar="[FILE|-|FRAME]", default="-")
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.pass_context
def decode(ctx: click.Context, what: str, as_object: bool) -> None:
    session: Session = ctx.obj
    devices = enrolled(session)
    lang = language()
    found = [taken_apart(line, data, wrong, devices, lang) for line, data, wrong in frames_in(given(what, lang))]
    if not found:
        from envmon.errors import UsageError

        raise UsageError("error.frame.none", what=what)
    if as_object:
        click.echo(as_json(found))
    else:
        click.echo("\n\n".join(as_text(one, lang) for one in found))
    ctx.exit(3 if any(one["problem"] for one in found) else 0)


def clock() -> datetime:
    from envmon import periods

    return datetime.now(periods.BEIJING)


def enrolled(session: Session) -> dict[str, Device]:
    """The devices of the config by MN; none where there is no config."""
    if not session.path.exists():
        return {}
    return {device.mn: device for device in session.config().devices}


def given(what: str, lang: str) -> bytes:
    if what.startswith("##"):
        return what.encode("utf-8")
    return sys.stdin.buffer.read() if what == "-" else Path(what).read_bytes()


def frames_in(body: bytes) -> Iterator[tuple[int, bytes, Bad | None]]:
    """(line, bytes from `##` on, what is wrong) of each frame, in the order they stand."""
    from envmon.hj212.frames import Frame, encode, frames_of

    for line, text in enumerate(body.splitlines(), 1):
        found = frames_of(text)
        for one in found:
            data = encode(one.segment) if isinstance(one, Frame) else one.data
            whole = text[text.index(b"##") :] if len(found) == 1 else data
            yield line, whole, None if isinstance(one, Frame) else one.kind


def taken_apart(line: int, data: bytes, wrong: Bad | None, devices: dict[str, Device], lang: str) -> dict[str, Any]:
    """One frame as `--json` gives it; of a wrong one what can be read."""
    from envmon.hj212.frames import look
    from envmon.hj212.segments import BadSegment, masked, read
    from envmon.sources.hj212 import BAD

    seen = look(data)
    problem, text = (wrong.value, t(BAD[wrong], lang)) if wrong else (None, None)
    try:
        said = read(masked(data[6:].rstrip()[:-4]))
    except BadSegment as error:
        said, problem, text = None, problem or "segment", text or error.said(lang)
    return {
        "line": line,
        "frame": masked(data.rstrip()).decode("utf-8", "replace"),
        "problem": problem,
        "problem_text": text,
        "length_stated": seen.stated,
        "length": seen.length,
        "crc_given": seen.given,
        "crc": seen.right,
        "crc_modbus": seen.modbus,
        **(segment_row(said, lang) if said else dict.fromkeys(SEGMENT_KEYS)),
        **stored(said, devices.get(said.mn) if said else None, lang, problem is None),
    }


SEGMENT_KEYS = (
    *("qn", "st", "st_text", "cn", "cn_text", "mn", "flag", "version", "answer_wanted", "pnum", "pno", "resent"),
    *("outcome_text", "data_time", "fields", "factors"),
)


def segment_row(said: Segment, lang: str) -> dict[str, Any]:
    from envmon.hj212.data import FIELD, data_of, mark_of
    from envmon.hj212.segments import outcome
    from envmon.sources.context import codes_of
    from envmon.standards import parameters

    def name_of(kind: str, code: str) -> str | None:
        return catalogue(lang).get(f"hj212.{kind}.{code}")

    codes, data, result = codes_of(parameters()), data_of(said), outcome(said)
    factors = []
    for one in data.values:
        known = codes.get(one.code)
        factors.append(
            {
                "code": one.code,
                "item": known.id if known else None,
                "item_name": (known.name if lang == "zh" else known.name_en) if known else None,
                "kind": one.kind,
                "value": one.text,
                "mark": one.mark,
                "mark_text": word(mark_of(said, one.mark), lang),
            }
        )
    fields = [{"name": name, "value": text} for group in said.groups for name, text in group if not FIELD.match(name)]
    values = (
        *(said.qn, said.st, name_of("st", said.st), said.cn, name_of("cn", said.cn), said.mn, said.flag),
        *(said.version.value, said.answer_wanted, said.pnum, said.pno, said.resent),
        *(word(result, lang) if result else None, data.at.isoformat(" ") if data.at else None, fields, factors),
    )
    return dict(zip(SEGMENT_KEYS, values, strict=True))


def stored(said: Segment | None, device: Device | None, lang: str, right: bool) -> dict[str, Any]:
    """What a segment would leave in the store: nothing unless its frame is right and its device enrolled."""
    from envmon import periods
    from envmon.model import Basis, Mark, Span
    from envmon.rounding import plain
    from envmon.sources import Context
    from envmon.sources.hj212 import rows_of
    from envmon.standards import parameter_numbers, parameters

    if said is None or device is None:
        return {"enrolled": False, "site": None, "stored": [], "refused": [], "unknown": []}
    if not right:
        return {"enrolled": True, "site": device.site, "stored": [], "refused": [], "unknown": []}

    def stream(span: Span, basis: Basis | None = None) -> int:
        return int(span)

    context = Context({device.site: 0}, parameters(), stream, lang=lang)
    parsed = rows_of(said, device, context, periods.minute(clock()))
    rows = []
    for ending, _, number, span, value, mark in parsed.rows:
        item = parameter_numbers()[number]
        rows.append(
            {
                "item": item.id,
                "item_name": item.name if lang == "zh" else item.name_en,
                "ending": periods.clock(ending),
                "span": Span(span).name.lower(),
                "stored_value": plain(value, item.decimals),
                "unit": item.unit,
                "mark": Mark(mark).name.lower(),
                "mark_text": word(Mark(mark), lang),
            }
        )
    refused = [{"reason": one.reason, "text": one.text} for one in parsed.refused]
    unknown = [{"name": name, "count": count} for name, count in parsed.unknown.items()]
    return {"enrolled": True, "site": device.site, "stored": rows, "refused": refused, "unknown": unknown}


def as_text(one: dict[str, Any], lang: str) -> str:
    """One frame for people."""

    def say(key: str, **values: object) -> str:
        return t(f"cli.hj212.decode.{key}", lang, **values)

    fine = "right" if one["problem"] is None else "wrong"
    lines = [say(fine, line=one["line"], problem=one["problem_text"])]
    checks = "length_right" if one["length_stated"] == one["length"] else "length_wrong"
    off = None if one["length_stated"] is None else one["length_stated"] - one["length"]
    lines.append(say(checks, stated=one["length_stated"], length=one["length"], off=off))
    if one["crc_given"].upper() != one["crc"]:
        lines.append(say("crc_wrong", given=one["crc_given"], crc=one["crc"], modbus=one["crc_modbus"]))
    else:
        lines.append(say("crc_right", crc=one["crc"]))
    if one["mn"] is None:
        return "\n".join(lines)
    lines += [f"{name:5} {text}" for name, text in heads_of(one, lang)]
    lines += [f"  {field['name']}={field['value']}" for field in one["fields"]]
    if one["factors"]:
        keys = ("code", "item_name", "kind", "value", "mark", "mark_text")
        lines += ["", table(one["factors"], {key: say(f"head.{key}") for key in keys}, terminal())]
    return "\n".join([*lines, *stored_text(one, lang)])


def heads_of(one: dict[str, Any], lang: str) -> Iterator[tuple[str, str]]:
    unknown = t("cli.hj212.decode.unknown", lang)
    yield "QN", one["qn"] or "–"
    yield "ST", f"{one['st'] or '–'}  {one['st_text'] or unknown}"
    yield (
        "CN",
        f"{one['cn']}  {one['cn_text'] or unknown}" + (f": {one['outcome_text']}" if one["outcome_text"] else ""),
    )
    yield "MN", one["mn"]
    wanted = t(f"cli.hj212.decode.{'answer' if one['answer_wanted'] else 'no_answer'}", lang)
    yield "Flag", joined("comma", lang, [f"{'–' if one['flag'] is None else one['flag']}  {one['version']}", wanted])
    if one["pnum"] is not None:
        yield "PNO", f"{one['pno']} / {one['pnum']}"


def stored_text(one: dict[str, Any], lang: str) -> Iterator[str]:
    yield ""
    if not one["enrolled"]:
        yield t("cli.hj212.decode.not_enrolled", lang, mn=one["mn"])
        return
    if one["problem"]:
        yield t("cli.hj212.decode.not_taken", lang)
        return
    yield t("cli.hj212.decode.stored", lang, count=len(one["stored"]), site=one["site"])
    for row in one["stored"]:
        yield f"  {row['ending']}  {row['item_name']} {row['stored_value']} {row['unit']}  {row['mark_text']}"
    for row in one["refused"]:
        yield "  " + t("cli.hj212.decode.refused", lang, reason=row["reason"], text=row["text"])
    for row in one["unknown"]:
        yield "  " + t("cli.hj212.decode.not_kept", lang, name=row["name"], count=row["count"])


@hj212.command(help=t("cli.hj212.encode.help", LANG), epilog=t("cli.hj212.encode.example", LANG))
@click.option("--mn", required=True, metavar="TEXT", help=t("cli.hj212.encode.mn", LANG))
@click.option("--st", default="22", show_default=True, help=t("cli.hj212.encode.st", LANG))
@click.option("--cn", default="2061", show_default=True, help=t("cli.hj212.encode.cn", LANG))
@click.option("--pw", default="123456", show_default=True, help=t("cli.hj212.encode.pw", LANG))
@click.option("--qn", metavar="17 DIGITS", help=t("cli.hj212.encode.qn", LANG))
@click.option("--flag", type=click.IntRange(0, 255), default=5, show_default=True, help="Flag")
@click.option("--time", "data_time", metavar="TIME", help=t("cli.hj212.encode.time", LANG))
@click.option("--json", "as_object", is_flag=True, help="JSON")
@click.argument("groups", nargs=-1, metavar="[NAME=VALUE,…]…")
def encode(
    mn: str,
    st: str,
    cn: str,
    pw: str,
    qn: str | None,
    flag: int,
    data_time: str | None,
    as_object: bool,
    groups: tuple[str, ...],
) -> None:
    from envmon.errors import UsageError
    from envmon.hj212 import frames
    from envmon.hj212.segments import read, request_number, stamp, write

    area = ";".join(groups)
    said = read(f"MN={mn};CN={cn};ST={st};PW={pw};Flag={flag};CP=&&{area}&&".encode("utf-8", "surrogateescape"))
    said = replace(said, qn=qn or request_number(clock()))
    for text in (text for pairs in said.groups for name, text in pairs if not name):
        raise UsageError("error.frame.pair", text=text)
    if data_time:
        said = replace(said, groups=((("DataTime", stamp(moment_of(data_time))),), *said.groups))
    body = write(said).encode()
    if len(body) > frames.LONGEST:
        raise UsageError("error.frame.long", length=len(body), longest=frames.LONGEST)
    frame = frames.encode(body)
    if as_object:
        crc = f"{frames.crc(body):04X}"
        click.echo(as_json({"frame": frame.decode().rstrip(), "length": len(body), "crc": crc}))
    else:
        click.echo(frame, nl=False)


def moment_of(text: str) -> int:
    """A minute as people type it (2026-03-01T08:00), or as frames write it."""
    from envmon import periods
    from envmon.cli import minute_of
    from envmon.hj212.data import time_of

    at = time_of(text)
    return minute_of(text) if at is None else periods.minute(at)
