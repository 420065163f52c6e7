"""`puppetctl webhook`: whether messages reach a person, by the settings that the agents service would start with."""

from datetime import UTC, datetime

from pydantic import ValidationError

from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from services.agents.bootstrap import webhook_of
from services.agents.domain.notices import trial_notice
from services.agents.ports.webhooks import WebhookError
from services.agents.settings import AgentsSettings
from services.runtime.ids import new_id
from services.runtime.settings import explain

_PREFIX = "PUPPET_AGENTS_"


async def send_test() -> int:
    """Send a test message; the exit code is 1 when it isn't taken. Raises SuiteError."""
    try:
        settings = AgentsSettings()
    except ValidationError as error:
        raise SuiteError(explain(error, _PREFIX)) from None
    webhook = webhook_of(settings)
    if webhook is None:
        raise SuiteError(f"{settings.variable('webhook_url')} isn't set: messages go nowhere")
    now, console = datetime.now(UTC), open_console()
    message_id = new_id("msg")
    try:
        await webhook.send(message_id, trial_notice().body(now), now)
    except WebhookError as error:
        console.print(f"the receiver didn't take the test message: {error}", style="red")
        return 1
    console.print(f"the receiver took the test message {message_id}")
    return 0
