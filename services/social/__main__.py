"""`python -m services.social` serves until SIGTERM."""

from services.runtime.rpc.server import run
from services.social.bootstrap import opener
from services.social.settings import SocialSettings

if __name__ == "__main__":
    run("social", SocialSettings, opener)
