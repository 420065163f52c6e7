"""DBOS without psycopg, which it imports for Postgres and which takes 9 MB: that comes when it is used."""

from services.runtime.imports import imported_when_used

with imported_when_used("psycopg", "psycopg.errors"):
    from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID
    from dbos._serialization import DefaultSerializer

__all__ = ["DBOS", "DBOSConfig", "DefaultSerializer", "Serializer", "SetWorkflowID"]
