"""Words → fields: the pure receipt parser."""

from flows.reading.parser.folding import squeeze
from flows.reading.parser.hints import Hints
from flows.reading.parser.purchase_date import latest_day
from flows.reading.parser.receipt import PARSER_VERSION, parse_receipt

__all__ = ["PARSER_VERSION", "Hints", "latest_day", "parse_receipt", "squeeze"]
