"""Beyond one machine, measured on one: two hosts, one work pool, two API servers on Redis, PostgreSQL over TCP."""
