"""What a rehearsal would have cost live. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from puppetctl.rehearsal.figures import Figures

AS_OF = "autumn 2025, list prices; they change: see the providers' pages, or give --price-in and --price-out"

_X_AS_OF = "X pay-per-use, 2026: $0.015 a post, $0.01 a reply to a mention, $0.005 a mention read"
_X_POST, _X_REPLY, _X_READ = 0.015, 0.010, 0.005


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    model: str
    read: float
    written: float


PRICES = (
    Price("gpt-5-mini", 0.25, 2.00),
    Price("gpt-4o-mini", 0.15, 0.60),
    Price("claude-haiku-4.5", 1.00, 5.00),
    Price("gemini-2.5-flash", 0.30, 2.50),
    Price("llama-3.1-8b at Groq", 0.05, 0.08),
)


def model_usd(figures: Figures, price: Price) -> float:
    """Return what the model's tokens would have cost, in US dollars."""
    return (figures.prompt_tokens * price.read + figures.completion_tokens * price.written) / 1e6


def network_usd(figures: Figures) -> float:
    """Return what X would have billed, in US dollars."""
    return len(figures.posts) * _X_POST + len(figures.replies) * _X_REPLY + figures.mentions * _X_READ


def prices(read: float | None, written: float | None) -> Sequence[Price]:
    """Return the prices to reckon with: the given ones, or those of some models."""
    if read is None and written is None:
        return PRICES
    return (Price("your price", read or 0.0, written or 0.0),)


def sources(*, is_own: bool) -> str:
    """Return where the prices come from, in words."""
    return _X_AS_OF if is_own else f"Models: {AS_OF}. {_X_AS_OF}"
