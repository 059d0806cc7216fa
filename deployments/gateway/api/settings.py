"""Routes of what an owner has set: the own currency and the first day of the year."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Admin, Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.owner_settings import SettingsView, change_settings, settings_of

router = APIRouter(prefix="/settings", tags=["settings"], responses=RESPONSES)


class Settings(Answer):
    """An owner's settings."""

    home_currency: str | None = Field(examples=["EUR"], description="Null: nothing is converted.")
    year_starts: str = Field(examples=["04-06"], description="The first day of the owner's year, as MM-DD.")


class SettingsChange(BaseModel):
    """What to change; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    home_currency: str | None = Field(default=None, max_length=20, description="ISO 4217; empty for none.")
    year_starts: str | None = Field(default=None, max_length=20)


@router.get("", summary="Show the settings")
async def get_settings(caller: Reader, context: Context) -> Settings:
    """The defaults where nothing was set."""

    def read() -> SettingsView:
        with context.ledger.session() as session:
            return settings_of(caller.owner, session=session)

    return Settings.model_validate(await asyncio.to_thread(read))


@router.patch("", summary="Change the settings")
async def patch_settings(wanted: SettingsChange, caller: Admin, context: Context) -> Settings:
    """Another home currency converts every expense anew, by the rates that are kept; their revisions stay."""

    def change() -> SettingsView:
        with context.ledger.session() as session:
            return change_settings(caller.owner, session=session, **wanted.model_dump())

    return Settings.model_validate(await asyncio.to_thread(change))
