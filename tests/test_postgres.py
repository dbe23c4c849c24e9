"""The tests' own PostgreSQL does what the tests on it rely on."""

from __future__ import annotations

import psycopg

from tests.postgres import Cluster


def test_what_is_committed_outlives_a_crash() -> None:
    with Cluster(durable=True) as cluster:
        url = cluster.database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (number integer)")
        cluster.stop("immediate")
        cluster.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_each_test_has_a_database_of_its_own(postgres: Cluster, blank_url: str) -> None:
    other = postgres.database()
    with psycopg.connect(blank_url) as connection:
        connection.execute("CREATE TABLE mine (number integer)")
    with psycopg.connect(other) as connection:
        found = connection.execute("SELECT to_regclass('mine')").fetchone()
    postgres.drop(other)
    assert found == (None,)
