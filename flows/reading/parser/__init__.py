"""Words → fields: pure and deterministic; never raises on any words."""

from flows.reading.parser.evidence import Place, deciding_places
from flows.reading.parser.folding import squeeze
from flows.reading.parser.hints import Hints
from flows.reading.parser.printed import PrintedValue, date_in, printed_values, values_by_field
from flows.reading.parser.purchase_date import latest_day
from flows.reading.parser.receipt import PARSER_VERSION, parse_receipt
from flows.reading.parser.recheck import check_values

__all__ = [
    "PARSER_VERSION",
    "Hints",
    "Place",
    "PrintedValue",
    "check_values",
    "date_in",
    "deciding_places",
    "latest_day",
    "parse_receipt",
    "printed_values",
    "squeeze",
    "values_by_field",
]
