"""What X allows, by the tier of the app; X itself tells none of it.

Weights are those of twitter-text's configuration v3 (https://github.com/twitter/twitter-text). Self-serve plans have
had no likes, quotes and follows since April 2026, and replies only to authors who mentioned or quoted the account since
February 2026 (https://docs.x.com/changelog). To edit, or to write more, an account needs X Premium, and whether it has
that isn't asked.
"""

from collections.abc import Mapping
from dataclasses import replace

from services.runtime.text.weight import TextLimit, WeightRange
from services.social.domain.capabilities import Capabilities, ReplyScope, Tier

_SINGLE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
TEXT_LIMIT = TextLimit(
    max_weight=280,
    default_weight=2,
    ranges=tuple(WeightRange(first, last, 1) for first, last in _SINGLE),
    url_weight=23,
    emoji_weight=2,
)
_FULL = Capabilities(
    text_limit=TEXT_LIMIT,
    reply_scope=ReplyScope.ALL,
    can_post=True,
    can_quote=True,
    can_like=True,
    can_repost=True,
    can_follow=True,
    can_thread=True,
    can_attach_media=True,
    can_edit=False,
    can_delete=True,
)
CAPABILITIES: Mapping[Tier, Capabilities] = {
    Tier.FULL: _FULL,
    Tier.SELF_SERVE: replace(
        _FULL, reply_scope=ReplyScope.MENTIONED, can_quote=False, can_like=False, can_follow=False
    ),
}
