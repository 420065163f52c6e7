"""`puppetctl webhook test`, with a receiver that verifies what it gets."""

import asyncio

import pytest
from starlette.responses import Response
from typer.testing import CliRunner

from puppetctl.__main__ import app
from puppetctl.suite import SuiteError
from puppetctl.webhook.commands import send_test
from tests.support.receiver import SECRET, Receiver, receiving


async def test_a_test_message_reaches_the_receiver_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUPPET_AGENTS_WEBHOOK_SECRET", SECRET)
    async with receiving(Receiver()) as receiver:
        monkeypatch.setenv("PUPPET_AGENTS_WEBHOOK_URL", receiver.url)
        assert await send_test() == 0
        [(message_id, body)] = receiver.bodies
        assert body["type"] == "webhook.test"
        assert message_id in capsys.readouterr().out
        receiver.answers = [Response(status_code=404)]
        assert await send_test() == 1
        assert "was answered with status 404" in capsys.readouterr().out
    assert await send_test() == 1
    shown = capsys.readouterr().out
    assert "could not be reached" in shown
    assert receiver.url not in shown


async def test_without_a_webhook_it_says_which_setting_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SuiteError, match="PUPPET_AGENTS_WEBHOOK_URL isn't set"):
        await send_test()
    monkeypatch.setenv("PUPPET_AGENTS_WEBHOOK_URL", "https://hooks.example")
    with pytest.raises(SuiteError, match="PUPPET_AGENTS_WEBHOOK_SECRET"):
        await send_test()


async def test_the_command_ends_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_AGENTS_WEBHOOK_URL", "nowhere")
    result = await asyncio.to_thread(CliRunner().invoke, app, ["webhook", "test"])
    assert result.exit_code == 1
    assert "must be an http or https URL" in result.output
