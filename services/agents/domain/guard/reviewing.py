"""From candidates to an order: the best that may be published at the head."""

import math
from collections.abc import Sequence

from services.agents.domain.guard.checks import Judge
from services.agents.domain.guard.cleaning import mend
from services.agents.domain.guard.model import Candidate, Context, Purpose, Reviewed, Rule, Verdict
from services.agents.domain.guard.ranking import Ranker
from services.agents.domain.guard.unwrapping import unwrap
from services.agents.domain.guard.voice import is_whole
from services.agents.domain.persona import Persona
from services.agents.domain.records import Objection
from services.runtime.text.normal import settled

_MAX_SIGNS = 2_000
"""Beyond it nothing of a text is looked at: no network takes a post of this length."""
_FAR_TOO_LONG = Objection(Rule.LENGTH, "is far too long")


def judge(text: str, purpose: Purpose, persona: Persona, context: Context) -> Verdict:
    """Say whether a clean text may be published."""
    return Verdict(tuple(Judge(purpose, persona, context).objections(text)))


def rank(candidates: Sequence[Candidate], persona: Persona, context: Context) -> list[Candidate]:
    """Return clean candidates best first."""
    ranker = Ranker(persona, context)
    return sorted(candidates, key=lambda item: -ranker.score(item))


def review(candidates: Sequence[Candidate], purpose: Purpose, persona: Persona, context: Context) -> list[Reviewed]:
    """Clean, judge and rank: what may be published comes first, the best of it at the head; the rest says why not."""
    critic, ranker = Judge(purpose, persona, context), Ranker(persona, context)
    reviewed = []
    for candidate in candidates:
        if len(candidate.text) > _MAX_SIGNS:
            reviewed.append(Reviewed(candidate.text[:_MAX_SIGNS], Verdict((_FAR_TOO_LONG,)), -math.inf))
            continue
        found = unwrap(settled(candidate.text), persona)
        mended = Candidate(mend(found.text, persona), candidate.is_cut, candidate.mean_logprob)
        objections = [Objection(Rule.ROLE, found.doubt)] if found.doubt else []
        objections += critic.objections(mended.text)
        if mended.is_cut and not is_whole(mended.text):
            objections.append(Objection(Rule.CUT, "was cut"))
        reviewed.append(Reviewed(mended.text, Verdict(tuple(objections)), ranker.score(mended)))
    return sorted(reviewed, key=lambda item: (not item.verdict.ok, -item.score))
