"""The fields and related objects that a caller of the X API can ask for."""

from dataclasses import dataclass
from enum import StrEnum


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


# What X knows; what the sandbox has nothing to say about is accepted and left out, as X does with empty fields.
TWEET_FIELDS = _names(
    "article attachments author_id card_uri community_id context_annotations conversation_id created_at "
    "display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang media_metadata "
    "non_public_metrics note_tweet organic_metrics possibly_sensitive promoted_metrics public_metrics "
    "referenced_tweets reply_settings scopes source suggested_source_links text withheld"
)
USER_FIELDS = _names(
    "affiliation confirmed_email connection_status created_at description entities id is_identity_verified location "
    "most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url protected public_metrics "
    "receives_your_dm subscription subscription_type url username verified verified_followers_count verified_type "
    "withheld"
)
TWEET_EXPANSIONS = _names(
    "article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet "
    "attachments.poll_ids author_id author_screen_name edit_history_tweet_ids entities.mentions.username geo.place_id "
    "in_reply_to_user_id entities.note.mentions.username referenced_tweets.id "
    "referenced_tweets.id.attachments.media_keys referenced_tweets.id.author_id"
)
NEWER_NAMES = {
    "referenced_tweets": "referenced_posts",
    "note_tweet": "note_post",
    "edit_history_tweet_ids": "edit_history_post_ids",
}
"""What `post.fields` calls the parts of a post that `tweet.fields` calls otherwise."""

# In the newer vocabulary these are expansions, and no fields.
_ONLY_EXPANDED = _names("author_id in_reply_to_user_id referenced_posts edit_history_post_ids community_id")
POST_FIELDS = frozenset(NEWER_NAMES.get(name, name) for name in TWEET_FIELDS) - _ONLY_EXPANDED
POST_EXPANSIONS = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_posts": "referenced_tweets.id",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "entities.mentions.username": "entities.mentions.username",
}
"""The expansions of the newer vocabulary, and what they are in the older one."""
USER_EXPANSIONS = _names("affiliation.user_id most_recent_tweet_id pinned_tweet_id")


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields and which related objects the caller wants."""

    tweet: frozenset[str]
    user: frozenset[str]
    expansions: frozenset[str]
    is_newer: bool = False
    """Whether they were asked for as `post.fields`, and are named so in the answer."""

    def name_of(self, name: str) -> str:
        """Return what the caller calls a part of a post."""
        return NEWER_NAMES.get(name, name) if self.is_newer else name


class Vocabulary(StrEnum):
    """Which names of the parts of a post are understood: X has changed them, and ignores what it doesn't know."""

    BOTH = "both"
    TWEETS = "tweets"
    """Only `tweet.fields`."""
    POSTS = "posts"
    """Only `post.fields`; the older names are ignored."""
