"""The schema is made by its migrations alone: by many starts at once, up and down, and exactly as the tables say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from conftest import free_ports
from ledger_helpers import race
from sqlalchemy import create_engine, inspect, make_url

from flows.domain.errors import ConfigurationError
from flows.ledger.database import driver_url
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.migrate import config_for, create_database, schema_is_current, upgrade


def test_eight_starts_at_once_create_and_migrate_once(database_url: str) -> None:
    parsed = make_url(database_url)
    fresh = parsed.set(database=f"{parsed.database}_fresh").render_as_string(hide_password=False)

    def start() -> bool:
        created = create_database(fresh)
        upgrade(fresh)
        return created

    try:
        answers = race([start] * 8)
        assert sorted(answers) == [False] * 7 + [True]
        assert schema_is_current(fresh)
    finally:
        engine = create_engine(driver_url(database_url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {parsed.database}_fresh WITH (FORCE)")
        engine.dispose()


def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    assert not schema_is_current(database_url)
    upgrade(database_url)
    with create_engine(driver_url(database_url)).begin() as connection:
        command.check(config_for(connection))


def test_migrations_can_be_undone_and_made_again(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(driver_url(database_url))
    with engine.begin() as connection:
        command.downgrade(config_for(connection), "base")
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
    upgrade(database_url)
    assert schema_is_current(database_url)


def test_a_schema_of_a_newer_version_is_refused(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(driver_url(database_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    assert not schema_is_current(database_url)
    with pytest.raises(ConfigurationError, match="9999"):
        upgrade(database_url)


def test_a_server_that_is_away_is_unavailable() -> None:
    url = f"postgresql://127.0.0.1:{free_ports()}/ledger"
    for ask in (create_database, upgrade, schema_is_current):
        with pytest.raises(LedgerUnavailableError):
            ask(url)


def test_an_installed_wheel_brings_its_migrations(tmp_path: Path, database_url: str) -> None:
    source = tmp_path / "source"
    project = Path(__file__).parent.parent
    for package in ("flows", "blocks", "deployments"):
        shutil.copytree(project / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(project / name, source)
    (source / "README.md").touch()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(source)], check=True)
    wheel = next(tmp_path.glob("*.whl"))
    unpacked = tmp_path / "unpacked"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(unpacked)], check=True)
    program = (
        f"import flows; assert flows.__file__.startswith({str(unpacked)!r}); from flows.ledger.migrate import upgrade; "
    )
    subprocess.run(
        [sys.executable, "-c", f"{program}upgrade({database_url!r})"],
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
    )
    assert schema_is_current(database_url)
