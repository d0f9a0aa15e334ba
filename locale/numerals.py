"""Numbers of a message and of its translation, compared by what they are worth.

translate-toolkit's check of numbers counts substrings: it lets 10 become 100 and knows neither "2 million" =
200만 nor "two" = 2. Here each number that stands in digits in the English must stand in the Korean, and the
Korean may add only what the English says in words. A sign and a percent sign belong to the number.
"""

import re
from collections import Counter
from decimal import Decimal
from itertools import takewhile

# Not the hyphen of q01-3, GPT-2 or 3-5, nor the operator of "5 minus 2".
SIGN = r"((?<![\w.)])[-−]|(?<!\d )\b[Mm]inus\s|마이너스 ?)?"
PERCENT = r"(\s?(?:%|percent|퍼센트))?"
NUMBER = r"(\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)"
ENGLISH_UNITS = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
KOREAN_UNITS = {"천": 10**3, "만": 10**4, "백만": 10**6, "천만": 10**7, "억": 10**8, "조": 10**12}
ENGLISH = re.compile(rf"{SIGN}{NUMBER}(?:[ -]({'|'.join(ENGLISH_UNITS)}))?{PERCENT}")
UNIT = f" ?({'|'.join(sorted(KOREAN_UNITS, key=len, reverse=True))})"
KOREAN = re.compile(rf"{SIGN}{NUMBER}(?:{UNIT}(?: {NUMBER}{UNIT})?)?{PERCENT}")  # -10, 200만, 3억 5천만, 5%

SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
ONES = {word: value for value, word in enumerate(f"{SMALL} sixteen seventeen eighteen nineteen".split())}
ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = {word: value for value, word in enumerate(ROUND.split(), 2)}
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
YEAR = "January February March April May June July August September October November December"
MONTHS = {name: value for value, name in enumerate(YEAR.split(), 1)}
# Other words that Korean may put in digits: "half" as 2분의 1, "a third" as 3분의 1, "twice" as 2배.
# Ordinals stand here too, because "three fifths" and "the fifth" are written alike.
WORDS = {
    **{word: (1, value) for value, word in enumerate(ORDINALS.split(), 1)},
    **{f"{word}th": (1, value) for word, value in ENGLISH_UNITS.items()},
    **{"half": (1, 2), "halves": (1, 2), "quarter": (1, 4)},
    **{"once": (1,), "single": (1,), "none": (0,), "nothing": (0,), "positive": (0,), "negative": (0,)},
    **{"vanish": (0,), "vanished": (0,), "vanishing": (0,), "vanishes": (0,)},
    **{"twice": (2,), "both": (2,), "pair": (2,), "double": (2,), "doubled": (2,), "doubles": (2,)},
    **{"triple": (3,), "tripled": (3,), "dozen": (12,), "linear": (1,), "quadratic": (2,), "cubic": (3,)},
}


def written(digits, unit=None):
    """A number as a key: in digits as they stand (3.10 is not 3.1), unless a unit multiplies them."""
    digits = digits.replace(",", "")
    return f"{(Decimal(digits) * unit).normalize():f}" if unit else digits


def signed(sign, value, percent):
    return f"{'-' if sign else ''}{value}{'%' if percent else ''}"


def exponents(text):
    return re.findall("[⁰¹²³⁴-⁹]+", text)


def required(english):
    """The numbers that stand in digits in the English."""
    numbers = [
        signed(sign, written(digits, ENGLISH_UNITS.get(unit)), percent)
        for sign, digits, unit, percent in ENGLISH.findall(english)
    ]
    return Counter(numbers + exponents(english))


def permitted(english):
    """The numbers that the English says in words: Korean may write them in digits."""
    capitalized = re.findall(r"[A-Z][a-z]+", english)
    found = Counter(str(MONTHS[word]) for word in capitalized if word in MONTHS)
    words = re.findall(r"[a-z]+|[^\w\s-]", english.lower())
    for place, word in enumerate(words):
        value, rest = 1 if word in {"a", "an"} else ONES.get(word), words[place + 1 :]
        if word in TENS:
            value = 10 * TENS[word] + (ONES.get(rest[0], 0) if rest and ONES.get(rest[0], 10) < 10 else 0)
        for unit in takewhile(ENGLISH_UNITS.__contains__, rest):  # a hundred thousand
            value = value and value * ENGLISH_UNITS[unit]
        if value is not None and (value > 1 or word not in {"a", "an"}):
            found[str(value)] += 1
            if "percent" in rest[:3]:  # a hundred thousand percent
                found[f"{value}%"] += 1
            if words[:place][-1:] in (["minus"], ["negative"]):
                found[f"-{value}"] += 1
        found.update(str(value) for value in WORDS.get(word) or WORDS.get(word.removesuffix("s"), ()))
    return found


def readings(korean):
    """For each number of the Korean what it can mean: 만 is ten thousand, or the particle "only"."""
    for sign, digits, unit, more, small_unit, percent in KOREAN.findall(korean):
        value = written(digits, KOREAN_UNITS.get(unit))
        if more:
            value = written(str(Decimal(value) + Decimal(written(more, KOREAN_UNITS[small_unit]))))
        yield signed(sign, value, percent), signed(sign, written(digits), percent)
    for exponent in exponents(korean):
        yield exponent, exponent


def difference(english, korean):
    """The numbers that the Korean lacks, and those that the English does not have. Where English says "it",
    Korean may repeat a number."""
    lacking, known = required(english), required(english) + permitted(english)
    surplus = []
    for by_unit, bare in readings(korean):
        number = next((number for number in (by_unit, bare) if lacking[number] > 0), None)
        if number:
            lacking[number] -= 1
        elif by_unit not in known and bare not in known:
            surplus.append(by_unit)
    return list(lacking.elements()), surplus
