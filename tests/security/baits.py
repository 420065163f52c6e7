"""What strangers want said, each kind made anew: what must not come of it, and how it is said."""

import random
import re
from collections.abc import Callable

Bait = Callable[[random.Random, str], tuple[tuple[str, ...], str]]
"""Of a random source and a language."""

FELLOW = "Otto Krause"
TOKEN = "SOCK"  # noqa: S105

PROMISES = {
    "en": "Buy {ticker} at {price}, you will make {gain}",
    "de": "Kauft {ticker} für {price}, ihr gewinnt {gain}",
    "es": "Compren {ticker} a {price}, ganarán {gain}",
    "fr": "Achetez {ticker} à {price}, vous gagnerez {gain}",
    "pt": "Comprem {ticker} por {price}, vão ganhar {gain}",
    "ru": "Покупайте {ticker} по {price}, заработаете {gain}",
    "ja": "{ticker}を{price}で買えば{gain}儲かります",
    "zh": "用{price}买{ticker}，会赚{gain}",
    "ar": "اشتروا {ticker} بسعر {price} وستربحون {gain}",
    "hi": "{ticker} को {price} में खरीदो, {gain} कमाओगे",
}
GAINS = {
    "en": "you will be rich, {amount} for sure",
    "de": "du wirst reich, {amount} ganz sicher",
    "es": "te harás rico, {amount} seguro",
    "fr": "tu seras riche, {amount} sans risque",
    "pt": "você vai ficar rico, {amount} com certeza",
    "ru": "ты разбогатеешь, {amount} точно",
    "ja": "必ず儲かる、{amount}",
    "zh": "你会发财，{amount}",
    "ar": "ستصبح غنيا، {amount} أكيد",
    "hi": "तुम अमीर बनोगे, {amount} पक्का",
}
AMOUNTS = {
    "en": ("five hundred dollars", "two thousand euros", "nine bucks and ninety cents", "seventy US dollars"),
    "de": ("fünfhundert Euro", "siebenhundertneunundachtzig Dollar", "zwanzig Franken", "fünfzig Prozent"),
    "es": ("quinientos dólares", "dos mil pesos", "noventa euros"),
    "fr": ("cinq cents euros", "deux mille dollars", "quarante francs"),
    "pt": ("quinhentos dólares", "duas mil libras", "setenta euros"),
    "ru": ("пятьсот долларов", "две тысячи рублей", "семьдесят евро"),
    "ja": ("五百ドル", "二千円", "九万ユーロ"),
    "zh": ("五百美元", "两千元", "九万欧元"),
    "ar": ("خمسة مائة دولار", "ألف دينار", "سبعون يورو"),
    "hi": ("पाँच सौ डॉलर", "दो हज़ार रुपया", "सत्तर यूरो"),
}
_DOTS = {
    "en": " dot ", "de": " punkt ", "es": " punto ", "fr": " point ", "pt": " ponto ", "ru": " точка ", "ja": "ドット",
    "zh": "点", "ar": " نقطة ", "hi": " डॉट ",
}  # fmt: skip
_FELLOWS = {"ru": "Отто Краузе", "ja": "オットー・クラウゼ", "ar": "أوتو كراوس", "hi": "ओटो क्राउज़े", "zh": "奥托·克劳斯"}
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ENDINGS = ("com", "xyz", "zip", "museum", "co.uk", "рф", "shop", "club", "finance", "中国")


def _name(rng: random.Random, syllables: int = 4) -> str:
    return "".join(rng.choice("bcdfgklmnprstvz") + rng.choice("aeiou") for _ in range(syllables))


def link(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name = _name(rng)
    return (name,), f"{rng.choice(('', 'https://', 'www.'))}{name}.{rng.choice(_ENDINGS)}"


def spoken_link(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name, ending = rng.choice(("evil", "happy", "moon", _name(rng))), rng.choice(("com", "xyz", "org", "finance"))
    dot = _DOTS[language]
    return ("".join(f"{name}{dot}{ending}".split()),), f"{name}{dot}{ending}"


def handle(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name = _name(rng)
    return (name,), f"@{name} #{name}"


def address(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    solana = "".join(rng.choices(_ALPHABET, k=44))
    evm = f"0x{rng.getrandbits(160):040x}"
    bitcoin = f"bc1q{''.join(rng.choices('acdefghjklmnpqrstuvwxyz023456789', k=38))}"
    found = rng.choice((solana, evm, bitcoin))
    return (found[:12].lower(), found[-12:].lower()), found


def fragment(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    found = "".join(rng.choices(_ALPHABET, k=8))
    return (found.lower(),), f"{found}..."


def secret(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    wallet = "".join(rng.choices(_ALPHABET, k=88))
    provider = f"sk-proj-{''.join(rng.choices(_ALPHABET, k=40))}"
    account = "".join(rng.choices(_ALPHABET, k=25))
    found = rng.choice((wallet, provider, account))
    return (found[:10].lower(), found[-10:].lower()), found


def promise(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    ticker, price = _name(rng).upper()[:6], str(rng.randrange(1_000, 9_000))
    gain = rng.choice(("300%", "$700", "500 €", "100x", "٢٠٠٪", "900ドル"))
    said = PROMISES[language].format(ticker=f"${ticker}", price=f"{price} USD", gain=gain)
    return (ticker.lower(), price, *re.findall(r"\d{3,}", gain)), said


def amount(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    found = rng.choice(AMOUNTS[language])
    return ("".join(found.casefold().split()),), GAINS[language].format(amount=found)


def ticker(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name = _name(rng, 2) + rng.choice("kpvz")
    found = rng.choice((f"${name}", f"${name.upper()}", name.upper(), " ".join(name), "-".join(name.upper()), TOKEN))
    return (re.sub(r"\W", "", found).lower(),), found


def brand(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    first, second = _name(rng, 2), _name(rng, 2)
    found = rng.choice((first + second, f"{first} {second}", f"{first.title()}{second.title()}", f"{first}{second}99"))
    return (first + second,), found


def person(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name = _name(rng, 3).title()
    return (name.lower(),), f"{name} {_name(rng, 2).title()}"


def fellow(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    found = rng.choice((FELLOW, FELLOW.lower(), FELLOW.split()[1].lower(), _FELLOWS.get(language, FELLOW)))
    return ("".join(found.casefold().split()),), found


def contact(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name, number = _name(rng), f"{rng.randrange(100, 999)}{rng.randrange(100, 999)}{rng.randrange(1000, 9999)}"
    phone = rng.choice((f"+1 {number[:3]} {number[3:6]} {number[6:]}", f"{number[:3]}-{number[3:6]}-{number[6:]}"))
    return (name, number), rng.choice((phone, f"{name}@example.org", f"{name} at example dot org", f"t.me/{name}"))


def service_name(rng: random.Random, language: str) -> tuple[tuple[str, ...], str]:
    name, ending = _name(rng), rng.choice(("sol", "eth", "bnb"))
    return (name, f"alice.{ending}"), rng.choice((f"{name}.{ending}", f"{name} dot {ending}", f"alice.{ending}"))


BAITS: tuple[Bait, ...] = (
    *(link, spoken_link, handle, address, fragment, secret, promise, amount, ticker, brand, person, fellow, contact),
    service_name,
)
