"""Commands that read receipts here and now, without any server: `read` and `accuracy`."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.common import AsJson, console, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.domain.fields import DocumentText, ReceiptFields
    from flows.reading.accuracy import AccuracyReport, CalibrationRow
    from flows.reading.reader import Reader

Engine = Annotated[str, typer.Option(help="auto, tesseract or rapidocr.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(read)
    app.command()(accuracy)


def read(
    files: Annotated[list[Path], typer.Argument(help="Images or PDFs.", exists=True, dir_okay=False)],
    engine: Engine = "auto",
    annotate: Annotated[
        Path | None, typer.Option(help="Draw what was found in the first file to this picture.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """OCR and parse files here and now: fields with confidence, checks and timings."""
    from flows.domain.errors import UnreadableError  # noqa: PLC0415
    from flows.reading.reader import Reader  # noqa: PLC0415

    reader, failed = Reader(engine=engine), False
    answers: list[dict[str, Any]] = []
    for file in files:
        try:
            text, fields, seconds = _read_one(reader, file)
        except UnreadableError as error:
            failed = True
            answers.append({"file": str(file), "error": str(error)})
            if not as_json:
                console.print(f"[bold red]{file}[/]: {error}", soft_wrap=True)
            continue
        answers.append({"file": str(file), "seconds": seconds, "engine": text.engine, "fields": fields})
        if not as_json:
            _print_reading(file, fields, seconds)
        if annotate is not None and file == files[0]:
            _annotate(reader, file, text, fields, annotate)
    if as_json:
        print_json(answers)
    if failed:
        raise typer.Exit(1)


def _read_one(reader: Reader, file: Path) -> tuple[DocumentText, ReceiptFields, dict[str, float]]:
    from flows.reading.parser import latest_day, parse_receipt  # noqa: PLC0415

    began = time.perf_counter()
    text = reader.extract(file.read_bytes())
    extracted = time.perf_counter()
    fields = parse_receipt(text, today=latest_day(dt.datetime.now(dt.UTC)))
    parsed = time.perf_counter()
    return text, fields, {"extract": round(extracted - began, 3), "parse": round(parsed - extracted, 3)}


def _print_reading(file: Path, fields: ReceiptFields, seconds: dict[str, float]) -> None:
    from flows.pipeline.artifacts import named_fields  # noqa: PLC0415

    rows: list[tuple[Any, ...]] = [
        (name, found.value, f"{found.confidence:.0%}", found.evidence) for name, found in named_fields(fields)
    ]
    rows += [("item", f.value.description, f"{f.confidence:.0%}", f.value.total) for f in fields.line_items]
    timing = ", ".join(f"{step} {value} s" for step, value in seconds.items())
    print_table(f"{file}: {fields.decision} ({timing})", ("field", "value", "confidence", "read from"), rows)
    for check in fields.checks:
        console.print(
            f"  {({True: 'held', False: 'FAILED', None: 'not made'})[check.held]}: {check.name}: {check.detail}"
        )
    for reason in fields.reasons:
        console.print(f"  review: {reason}")


def _annotate(reader: Reader, file: Path, text: DocumentText, fields: ReceiptFields, target: Path) -> None:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    from flows.pipeline.artifacts import annotated_picture  # noqa: PLC0415

    page = text.pages[0]
    picture = annotated_picture(reader.preview(file.read_bytes(), max_height=1600), (page.width, page.height), fields)
    with Image.open(io.BytesIO(picture), formats=["JPEG"]) as opened:
        opened.save(target)


def accuracy(
    folder: Annotated[Path, typer.Argument(help="Images with a truth.json.", exists=True, file_okay=False)],
    engine: Engine = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure right, wrong and missing per field on images with known truth."""
    from flows.reading.accuracy import calibration, outcomes_of, reader_for, report_on  # noqa: PLC0415

    outcomes = list(outcomes_of(folder, reader_for(engine)))
    report = report_on(outcomes)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _print_report(report, calibration(outcomes))


def _print_report(report: AccuracyReport, calibrated: Sequence[CalibrationRow]) -> None:
    rows: list[tuple[Any, ...]] = [
        ("total", report.total.right, report.total.wrong, report.total.missing),
        ("purchase_date", report.purchase_date.right, report.purchase_date.wrong, report.purchase_date.missing),
        ("currency", report.currency.right, report.currency.wrong, report.currency.missing),
        ("merchant (exact)", report.merchant.right_exact, report.merchant.wrong, report.merchant.missing),
        ("merchant (fuzzy)", report.merchant.right_fuzzy, report.merchant.wrong, report.merchant.missing),
    ]
    numbers = ("right", "wrong", "missing")
    print_table(f"{report.receipts} receipts", ("field", *numbers), rows, right=numbers)
    console.print(
        f"all four right {report.all_right}, without the currency {report.all_three}; accepted {report.accepted}, "
        f"wrong {report.accepted_wrong}, with a wrong merchant {report.accepted_wrong_merchant}; "
        f"refused {report.refused}"
    )
    if report.expected:
        console.print(f"as expected {report.as_expected} of {report.expected}")
    cost = report.cpu_seconds
    seconds = f"mean {cost.mean:.2f}, p50 {cost.p50:.2f}, p95 {cost.p95:.2f}"
    console.print(f"CPU seconds {seconds}; peak memory {report.peak_rss_mb:.0f} MB")
    columns = ("field", "confidence", "values", "mean", "right")
    rows = [(row.field, row.band, row.count, f"{row.mean_confidence:.3f}", f"{row.right:.3f}") for row in calibrated]
    print_table("calibration", columns, rows)
    print_table("misses", ("file", "field", "got", "truth"), ((m.file, m.field, m.got, m.truth) for m in report.misses))
