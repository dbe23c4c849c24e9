"""The migrations, the tables and what each column keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, create_mock_engine, inspect, text

from bot.domain.broadcasts import Lane
from bot.domain.deliveries import State
from storage import revisions
from storage.columns import Moment, Number, Word
from storage.schema import MIGRATIONS, plain_engine
from storage.tables import metadata

SQLITE = create_engine("sqlite://").dialect
POSTGRES = create_mock_engine("postgresql+psycopg://", print).dialect


def test_the_migrations_make_exactly_the_tables(path):
    """Change a table and this fails until there is a migration for it."""
    engine = plain_engine(path)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_migrations_make_exactly_the_indexes_with_their_conditions(path, tmp_path):
    """Alembic does not compare the conditions of partial indexes."""

    def written(file: object) -> set[str]:
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            if not inspect(connection).get_table_names():
                metadata.create_all(connection)
            found = connection.scalars(
                text("SELECT sql FROM sqlite_master WHERE sql LIKE 'CREATE % INDEX %'")
            ).all()
        engine.dispose()
        return {" ".join(each.replace('"', "").split()) for each in found}

    assert written(path) == written(tmp_path / "made.db")


def test_no_row_is_ever_given_the_number_of_one_that_was_erased(path, tmp_path):
    """Old buttons, receipts and leases hold it still. Alembic does not compare this."""
    numbered = {
        table.name for table in metadata.tables.values() if "id" in table.columns
    }

    def counted(file: object) -> set[str]:
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            if not inspect(connection).get_table_names():
                metadata.create_all(connection)
            found = connection.scalars(
                text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
            ).all()
        engine.dispose()
        return set(found)

    assert len(numbered) == 15
    assert counted(path) == numbered
    assert counted(tmp_path / "made.db") == numbered


def test_the_newest_revision_is_alembics_head():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)

    assert scripts.get_heads() == [revisions()[-1]]
    assert {each.revision for each in scripts.walk_revisions()} == set(revisions())


@given(
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    )
)
def test_moments_come_back_as_they_were(moment):
    kept = Moment().process_bind_param(moment, SQLITE)

    assert len(kept) == 26
    back = Moment().process_result_value(kept, SQLITE)
    assert back == moment
    assert back.tzinfo is UTC
    assert Moment().process_bind_param(moment, POSTGRES) == moment
    assert Moment().process_result_value(moment, POSTGRES) == moment


@given(
    *[
        st.datetimes(
            timezones=st.just(UTC),
            min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        )
    ]
    * 2
)
def test_moments_compare_as_text_as_they_do_in_time(one, other):
    kept = Moment()

    assert (one < other) == (
        kept.process_bind_param(one, SQLITE) < kept.process_bind_param(other, SQLITE)
    )


def test_words_and_numbers_refuse_what_is_none_of_them():
    assert Word(State).process_bind_param(State.QUEUED, SQLITE) == "queued"
    assert Word(State).process_result_value("queued", SQLITE) is State.QUEUED
    assert Word(State).process_bind_param(None, SQLITE) is None
    assert Number(Lane).process_bind_param(Lane.BREAKING, SQLITE) == 10
    assert Number(Lane).process_result_value(10, SQLITE) is Lane.BREAKING
    assert Number(Lane).process_result_value(None, SQLITE) is None
    with pytest.raises(ValueError, match="asleep"):
        Word(State).process_bind_param("asleep", SQLITE)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match="11"):
        Number(Lane).process_bind_param(11, SQLITE)  # type: ignore[arg-type] # wrong on purpose


def test_every_word_fits_its_column():
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Word):
                assert max(len(each.value) for each in column.type.words) <= 24


def test_the_tables_can_be_made_on_postgresql():
    """Not supported yet; nothing in their shape stands in its way."""
    statements: list[str] = []
    engine = create_mock_engine(
        "postgresql+psycopg://",
        lambda statement, *_, **__: statements.append(
            str(statement.compile(dialect=POSTGRES))
        ),
    )
    metadata.create_all(engine, checkfirst=False)

    assert any("TIMESTAMP WITH TIME ZONE" in each for each in statements)
