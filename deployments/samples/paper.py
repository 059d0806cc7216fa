"""Rows of a receipt drawn as a thermal printer would put them on its roll."""

from __future__ import annotations

import zlib

import font_roboto
import fontpkg.pil
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from deployments.samples.model import Layout
from deployments.samples.typeset import Cell, Row

WIDTH = 720  # pixels of the roll; 80 mm at about 230 dpi
MARGIN = 44  # pixels left and right
PAPER = (252, 251, 247)
INK = (44, 42, 48)
SQUEEZE = 1.18  # thermal letters are narrower than Roboto Mono's; drawn wide, then pressed together
_ANCHOR = {"left": "ls", "middle": "ms", "right": "rs"}

Font = ImageFont.FreeTypeFont


def print_page(rows: list[Row], layout: Layout) -> Image.Image:
    """The page as an RGB image, as high as its rows need.

    Raises:
        ValueError: two cells of a row would overlap, or one leaves the paper.
    """
    stretch = SQUEEZE if layout.face == "mono" else 1.0
    printer = _Printer(layout, round(WIDTH * stretch), round(MARGIN * stretch))
    page = printer.print(rows)
    return page.resize((WIDTH, page.height), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.45))


class _Printer:
    def __init__(self, layout: Layout, width: int, margin: int) -> None:
        self.layout, self.width, self.margin = layout, width, margin
        self.inner = width - 2 * margin
        # Roboto Mono's letters are 0.6 em wide, Roboto's digits 0.56.
        self.em = self.inner / layout.columns / (0.6 if layout.face == "mono" else 0.56)
        self.page = Image.new("RGB", (1, 1), PAPER)
        self.draw = ImageDraw.Draw(self.page)

    def print(self, rows: list[Row]) -> Image.Image:
        heights = [self._height(row) for row in rows]
        self.page = Image.new("RGB", (self.width, sum(heights) + 3 * self.margin), PAPER)
        self.draw = ImageDraw.Draw(self.page)
        top = round(1.5 * self.margin)
        for row, height in zip(rows, heights, strict=True):
            self._print_row(row, top, height)
            top += height
        return self.page

    def _height(self, row: Row) -> int:
        lines = {"gap": 0.6, "rule": 0.8, "barcode": 4.4, "logo": 1.25 * row.size}
        return round(self.em * lines.get(row.kind, 1.32 * row.size))

    def _print_row(self, row: Row, top: int, height: int) -> None:
        if row.kind == "rule":
            self._rule(top + height // 2)
        elif row.kind == "barcode":
            self._barcode(row.cells[0].text, top, height)
        elif row.kind != "gap":
            self._text(row, top + round(height * 0.76))

    def _font(self, row: Row) -> Font:
        size = self.em * row.size
        if row.kind == "logo":
            return ImageFont.truetype(font_roboto.RobotoBlack, size)
        if self.layout.face == "sans":
            return ImageFont.truetype(font_roboto.RobotoBold if row.bold else font_roboto.Roboto, size)
        mono: Font = fontpkg.pil.truetype("Roboto Mono", size, weight=700 if row.bold else 450)
        return mono

    def _text(self, row: Row, baseline: int) -> None:
        font = self._font(row)
        if row.kind == "logo" and self.layout.reversed_logo:
            top, height = baseline - round(self.em * 1.0 * row.size), round(self.em * 1.3 * row.size)
            self.draw.rectangle((self.margin, top, self.margin + self.inner, top + height), fill=INK)
        edge = float(-self.margin) if row.kind == "logo" else 0.0
        for cell in sorted(row.cells, key=lambda cell: cell.at):
            left, right = self._extent(cell, font)
            if left < edge or right > self.inner + self.margin:
                raise ValueError(f"{cell.text!r} does not fit on its row: {[c.text for c in row.cells]}")
            edge = right
            at = (self.margin + cell.at * self.inner, baseline)
            self._write(cell.text, at, font, _ANCHOR[cell.align], row)

    def _write(self, text: str, at: tuple[float, float], font: Font, anchor: str, row: Row) -> None:
        ink = PAPER if row.kind == "logo" and self.layout.reversed_logo else INK
        if self.layout.face == "sans" or row.kind == "logo" or self.layout.slashed_zero:
            self.draw.text(at, text, fill=ink, font=font, anchor=anchor)
            return
        # Roboto Mono has no zero without a slash, and most tills print one: Roboto's stands in, a cell at a time.
        self.draw.text(at, text.replace("0", " "), fill=ink, font=font, anchor=anchor)
        cell = font.getlength("0")
        left = at[0] - {"ls": 0.0, "ms": 0.5, "rs": 1.0}[anchor] * font.getlength(text)
        plain = ImageFont.truetype(font_roboto.RobotoBold if row.bold else font_roboto.Roboto, font.size)
        for number, letter in enumerate(text):
            if letter == "0":
                self.draw.text((left + (number + 0.5) * cell, at[1]), "0", fill=ink, font=plain, anchor="ms")

    def _extent(self, cell: Cell, font: Font) -> tuple[float, float]:
        length = font.getlength(cell.text)
        at = cell.at * self.inner
        left = at - {"left": 0.0, "middle": length / 2, "right": length}[cell.align]
        return round(left, 3), round(left + length, 3)

    def _rule(self, middle: int) -> None:
        step = self.inner / self.layout.columns
        on = {"-": 0.6, "=": 0.85, ".": 0.25, "_": 1.0}[self.layout.rule]
        for number in range(self.layout.columns):
            left = self.margin + number * step
            for line in (-4, 4) if self.layout.rule == "=" else (0,):
                self.draw.rectangle((left, middle + line - 1, left + step * on, middle + line + 1), fill=INK)

    def _barcode(self, text: str, top: int, height: int) -> None:
        """Bars that look like a code; they carry nothing."""
        bits = f"{zlib.crc32(text.encode()):032b}{zlib.adler32(text.encode()):032b}" * 2
        bar = self.inner * 0.7 / len(bits)
        left = self.margin + self.inner * 0.15
        for number, bit in enumerate(bits):
            if bit == "1" or number % 7 == 0:
                box = (left + number * bar, top + height * 0.1, left + (number + 1) * bar, top + height * 0.65)
                self.draw.rectangle(box, fill=INK)
        self._text(Row((Cell(text, 0.5, "middle"),)), top + round(height * 0.93))
