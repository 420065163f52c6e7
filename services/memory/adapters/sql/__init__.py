"""The truth in SQL, on SQLite and on Postgres: the tables are those of the newest migration."""
