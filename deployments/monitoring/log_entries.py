"""What the parts of a stack write, each in a format of its own, as entries with time, level and text.

Supervisor, Prefect and SeaweedFS write local time, PostgreSQL and the gateway UTC; SeaweedFS leaves out the year. A
line that names no time goes on with the entry before it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from deployments.monitoring.log_files import LogLine

_LEVELS = {
    **dict.fromkeys(("D", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5"), "DEBUG"),
    **dict.fromkeys(("W", "WARN", "WARNING"), "WARNING"),
    **dict.fromkeys(("E", "ERROR"), "ERROR"),
    **dict.fromkeys(("F", "FATAL", "PANIC", "CRITICAL"), "CRITICAL"),
}
_NOT_SHOWN = {"at", "level", "logger", "message", "error"}
_FRACTION_DIGITS = 6
_NO_TIME = dt.datetime.min.replace(tzinfo=dt.UTC)


class LogEntry(NamedTuple):
    """One line of one part.

    Attributes:
        at: when, with its time zone; None before a part's first line with a time.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL; empty for a line that goes on with the one before.
    """

    at: dt.datetime | None
    part: str
    level: str
    text: str


def utc_now() -> dt.datetime:
    """The present moment."""
    return dt.datetime.now(dt.UTC)


class LogReader:
    """Makes entries of lines that come in their order, of any parts.

    Args:
        now: tells the present, to which a line without a year is near.
    """

    def __init__(self, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._now = now
        self._last: dict[str, dt.datetime] = {}

    def entries(self, lines: Iterable[LogLine]) -> Iterator[LogEntry]:
        """The entries; a blank line is none, and one line of a gateway with a traceback is several."""
        for line in lines:
            if line.text.strip():
                yield from self._of(line)

    def _of(self, line: LogLine) -> Iterator[LogEntry]:
        read = _json(line.text) or self._plain(line.text)
        if read is None:
            yield LogEntry(self._last.get(line.part), line.part, "", line.text.rstrip())
            return
        at, level, text = read
        self._last[line.part] = at
        first, *rest = text.rstrip().splitlines() or [""]
        yield LogEntry(at, line.part, _LEVELS.get(level.upper(), "INFO"), first)
        yield from (LogEntry(at, line.part, "", more) for more in rest if more.strip())

    def _plain(self, text: str) -> tuple[dt.datetime, str, str] | None:
        for form in _FORMS:
            found = form.match(text)
            if found and (at := self._time(found.groupdict())) is not None:
                return at, found.groupdict().get("level") or "", text[found.end() :]
        return None

    def _time(self, parts: Mapping[str, str | None]) -> dt.datetime | None:
        fraction = (parts["fraction"] or "").ljust(_FRACTION_DIGITS, "0")[:_FRACTION_DIGITS]
        month, day = int(parts["month"] or 0), int(parts["day"] or 0)
        hour, minute, second = map(int, (parts["time"] or "").split(":"))
        now = self._now()
        try:
            local = dt.datetime(  # noqa: DTZ001 - in whose zone follows
                int(parts.get("year") or now.astimezone().year), month, day, hour, minute, second, int(fraction)
            )
        except ValueError:
            return None
        at = local.replace(tzinfo=dt.UTC) if parts.get("utc") else local.astimezone()
        if not parts.get("year") and at > now + dt.timedelta(days=1):
            return at.replace(year=at.year - 1)  # written in December, read in January
        return at


_DAY, _TIME = r"(?P<month>\d\d)[-/]?(?P<day>\d\d)", r"(?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_DATE = rf"(?P<year>\d{{4}})[-/]{_DAY}"
_FORMS = tuple(
    map(
        re.compile,
        (
            rf"{_DATE} {_TIME} \| (?P<level>[A-Z]+) *\| ",  # Prefect's server and the worker
            rf"{_DATE} {_TIME} (?P<utc>UTC) \[\d+\] (?P<level>[A-Z]+\d?): +",  # PostgreSQL
            rf"{_DATE} {_TIME} (?P<level>[A-Z]+) ",  # the supervisor
            rf"(?P<level>[IWEF]){_DAY} {_TIME} ",  # SeaweedFS
            rf"(?:\[\w+\] )?{_DATE} {_TIME} ",  # Go's own, within SeaweedFS
        ),
    )
)


def _json(text: str) -> tuple[dt.datetime, str, str] | None:
    """The gateway's."""
    try:
        record: dict[str, Any] = json.loads(text)
        at = dt.datetime.fromisoformat(record["at"])
        more = " ".join(f"{name}={value}" for name, value in record.items() if name not in _NOT_SHOWN)
        said = " ".join(filter(None, (str(record["message"]), more)))
        return at, str(record["level"]), "\n".join(filter(None, (said, record.get("error"))))
    except (ValueError, KeyError, TypeError):
        return None


def about(entries: Iterable[LogEntry], words: Collection[str]) -> Iterator[LogEntry]:
    """Entries in which one of the words is, each with the lines that go on with it.

    Args:
        words: They may become more meanwhile.
    """
    begun: dict[str, list[LogEntry]] = {}
    for entry in entries:
        if entry.level or entry.part not in begun:
            begun[entry.part] = []
            is_told = False
        else:
            is_told = not begun[entry.part]
        if is_told:
            yield entry
            continue
        begun[entry.part].append(entry)
        if any(word in entry.text for word in words):
            yield from begun[entry.part]
            begun[entry.part] = []


def in_order(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """Entries of all parts by their time, each part's own in the order in which they were written.

    What a part wrote before its first line with a time stands before that, what names no time at all first.
    """
    by_part: dict[str, list[LogEntry]] = {}
    for entry in entries:
        by_part.setdefault(entry.part, []).append(entry)
    timed: list[tuple[dt.datetime, LogEntry]] = []
    for own in by_part.values():
        at = next((entry.at for entry in own if entry.at), _NO_TIME)
        for entry in own:
            at = entry.at or at
            timed.append((at, entry))
    return [entry for _, entry in sorted(timed, key=lambda each: each[0])]
