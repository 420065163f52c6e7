"""When a provider asks to come back."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.llm.adapters.refusals import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 20),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "1e999"}, 20),
        ({"retry-after": "nan"}, 20),
        ({"retry-after": "-3"}, 20),
        ({"retry-after": "9" * 400}, 86_400),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, 20),
    ],
)
def test_the_headers_say_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, default=20) == pytest.approx(seconds)


def test_a_date_is_a_time_to_come_back_too() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after({"retry-after": date}, default=20) == pytest.approx(60, abs=2)
