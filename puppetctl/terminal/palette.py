"""The colour of a character: the same in every command and every run, unless another one has it already."""

from zlib import crc32

_STYLES = (
    *("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta"),
    *("dark_orange", "spring_green3", "deep_sky_blue1", "medium_purple1", "hot_pink", "gold3", "turquoise2", "orchid"),
)


class Palette:
    """Gives colours away by ids."""

    def __init__(self) -> None:
        self._styles: dict[str, str] = {}

    def style(self, agent_id: str) -> str:
        """Return the colour of an agent, in Rich's words."""
        if agent_id not in self._styles:
            taken = set(self._styles.values())
            place = (crc32(agent_id.encode()) >> 16) % len(_STYLES)
            wished = [*_STYLES[place:], *_STYLES[:place]]
            self._styles[agent_id] = next((style for style in wished if style not in taken), wished[0])
        return self._styles[agent_id]
