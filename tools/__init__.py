"""What maintainers run: releases, pinned base images. Not part of the distribution."""
