"""Answers that are kept for whoever repeats a request by its id."""

from datetime import datetime

from sqlmodel import DateTime, Field, LargeBinary, SQLModel


class Answer(SQLModel, table=True):
    """What a caller's request was answered, as it went over the wire; of the request only a fingerprint is kept."""

    principal: str = Field(primary_key=True)
    method: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    fingerprint: str
    body: bytes = Field(sa_type=LargeBinary)
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
