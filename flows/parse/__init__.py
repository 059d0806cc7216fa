"""Words → fields: the pure receipt parser."""

from flows.parse.folding import squeeze
from flows.parse.hints import Hints
from flows.parse.purchase_date import latest_day
from flows.parse.receipt import PARSER_VERSION, parse_receipt

__all__ = ["PARSER_VERSION", "Hints", "latest_day", "parse_receipt", "squeeze"]
