"""The block that lets a language model read fields beside the built-in parser; without it no model is ever called."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class LlmParser(Block):
    """An OpenAI-compatible endpoint that reads fields from a receipt's words."""

    _block_type_name = "LLM Parser"
    _block_type_slug = "llm-parser"
    _logo_url = None
    _description = "OpenAI-compatible endpoint for reading receipts' fields; its answers are checked, never trusted."

    base_url: str = Field(
        description="The endpoint's address up to and with its version, e.g. http://localhost:8000/v1."
    )
    api_key: SecretStr = Field(default=SecretStr("none"), description="The endpoint's key; local servers need none.")
    model: str = Field(description="The model's name, as the endpoint lists it.")
    timeout_seconds: float = Field(default=60.0, gt=0, description="How long one answer may take.")
    max_retries: int = Field(
        default=2, ge=0, description="Retries of 429, 5xx and timeouts within one attempt, waiting as Retry-After says."
    )
