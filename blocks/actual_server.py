"""The block that lets exports write into a budget on an Actual server; without one none is ever asked."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from flows.domain.pages import PUBLIC_ADDRESS


class ActualServer(Block):
    """A budget of Actual Budget on its server."""

    _block_type_name = "Actual Server"
    _block_type_slug = "actual-server"
    _logo_url = None
    _description = "A budget on an Actual server, which the export to `actual` writes into."

    url: str = Field(
        min_length=1, pattern=PUBLIC_ADDRESS, description="The server's address, for example https://actual.example."
    )
    password: SecretStr = Field(description="The server's password.")
    budget: str = Field(min_length=1, max_length=200, description="The budget, by its name or its sync id.")
    currency: str = Field(
        pattern="^[A-Z]{3}$", description="The currency that the budget is in, as Actual does not keep it: EUR."
    )
    encryption_password: SecretStr = Field(
        default=SecretStr(""), description="Of a budget that is encrypted end to end; empty for others."
    )
