"""Words → fields: the pure receipt parser."""

from flows.reading.parser.folding import squeeze
from flows.reading.parser.hints import Hints
from flows.reading.parser.purchase_date import latest_day
from flows.reading.parser.receipt import PARSER_VERSION, parse_receipt
from flows.reading.parser.recheck import check_values

__all__ = ["PARSER_VERSION", "Hints", "check_values", "latest_day", "parse_receipt", "squeeze"]
