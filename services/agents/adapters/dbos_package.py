"""DBOS without what it imports for Postgres (psycopg, 9 MB), its command line and its files of settings (2 MB).

That comes when it is used.
"""

from services.runtime.imports import imported_when_used

with imported_when_used("psycopg", "psycopg.errors", "click", "yaml"):
    from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, WorkflowStatus
    from dbos._dbos import _get_dbos_instance as dbos_instance
    from dbos._serialization import DefaultSerializer

__all__ = ["DBOS", "DBOSConfig", "DefaultSerializer", "Serializer", "SetWorkflowID", "WorkflowStatus", "dbos_instance"]
