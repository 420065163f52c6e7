"""Personas that were stored by the rules of an earlier version are redacted by those of this one."""

from services.agents.domain.persona import redact, redaction_rules
from services.agents.domain.versions import MAX_VERSIONS
from services.agents.ports.store import Records, Store
from services.agents.service.journal import TURN
from services.runtime.pages import Page

_AT_ONCE = 100
_MARK = "redacted"


async def redact_stored(store: Store) -> int:
    """Redact what is stored of every agent, unless these rules did, and return how many held what may not be."""
    rules, changed, after, is_last = redaction_rules(), 0, None, False
    async with store.reading() as records:
        is_last = await records.mark(_MARK) == rules
    while not is_last:
        async with store.writing(TURN) as records:
            page = await records.agents(Page(_AT_ONCE, after))
            for agent in page.rows:
                if (kept := redact(agent.persona)) != agent.persona:
                    agent.persona = kept
                    await records.save(agent)
                    await _redact_versions(records, agent.id)
                    changed += 1
            after, is_last = page.next_key, page.next_key is None
            if is_last:
                await records.set_mark(_MARK, rules)
            await records.commit()
    return changed


async def _redact_versions(records: Records, agent_id: str) -> None:
    for version in (await records.persona_versions(agent_id, Page(MAX_VERSIONS, None))).rows:
        version.persona = redact(version.persona)
        await records.save(version)
