"""The block that lets exports write into Firefly III; without one no server is ever asked."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from flows.domain.pages import PUBLIC_ADDRESS


class FireflyServer(Block):
    """Somebody's books in Firefly III."""

    _block_type_name = "Firefly Server"
    _block_type_slug = "firefly-server"
    _logo_url = None
    _description = "Books in Firefly III, which the export to `firefly` writes into."

    url: str = Field(
        min_length=1, pattern=PUBLIC_ADDRESS, description="The server's address, for example https://firefly.example."
    )
    token: SecretStr = Field(description="A personal access token, from Firefly's profile page.")
    pictures: bool = Field(default=True, description="Attach each receipt's picture to its transaction.")
