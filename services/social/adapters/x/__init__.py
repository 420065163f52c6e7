"""X through tweepy: the API v2 of `https://api.x.com`, or of any server that speaks it."""

from services.social.adapters.x.client import open_session
from services.social.adapters.x.network import XNetwork

__all__ = ["XNetwork", "open_session"]
