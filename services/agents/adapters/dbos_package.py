"""DBOS without psycopg, which it imports for Postgres and which takes 9 MB: that comes when it is used."""

from services.runtime.imports import imported_when_used

with imported_when_used("psycopg", "psycopg.errors"):
    from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, WorkflowStatus
    from dbos._dbos import _get_dbos_instance as dbos_instance
    from dbos._serialization import DefaultSerializer

__all__ = ["DBOS", "DBOSConfig", "DefaultSerializer", "Serializer", "SetWorkflowID", "WorkflowStatus", "dbos_instance"]
