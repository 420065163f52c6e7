"""Sends what a process tells of itself to whoever collects it, when its settings or its environment say where.

The SDK is imported only then: it takes a fifth of a second and 20 MB.
"""

import contextlib
import os
from collections.abc import AsyncIterator

from services.runtime.settings import ProgramSettings

STANDARD_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The variable by which OpenTelemetry's programs know where to send to, all of them alike."""


@contextlib.asynccontextmanager
async def exporting(name: str, settings: ProgramSettings) -> AsyncIterator[None]:
    """Export traces and metrics of the service of this name until the block ends, as its settings say.

    Raises SettingsError when the port of the metrics can't be listened on.
    """
    endpoint = settings.telemetry_endpoint or os.environ.get(STANDARD_ENDPOINT, "")
    if not (endpoint or settings.metrics_port):
        yield
        return
    from services.runtime.telemetry.sdk import exported

    async with exported(name, settings, endpoint):
        yield
