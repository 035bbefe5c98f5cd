"""What every SVG of the reports shares: how wide text is, how it is cut to fit, and how it is written.

Every text is measured with the widest of the usual sans-serif fonts, so that it fits in its box with any of them.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rolloutlint.report.visible import middle_out, visible

FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif'

FONTS: Mapping[str, tuple[float, bool]] = MappingProxyType(
    {
        "h1": (17, True),
        "h2": (12, False),
        "ct": (13, True),
        "k": (11, False),
        "n": (13, True),
        "s": (10.5, False),
        "b": (11, True),
        "l": (10.5, False),
    }
)
"""Class of a text -> size in pixels, and whether it is bold."""

# Advance widths of DejaVu Sans in thousandths of its size, from U+0020 to U+007E: as wide as Verdana, and wider than
# Arial, Helvetica, Roboto, Segoe UI and San Francisco.
_REGULAR = (
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337 "
    "838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 695 635 611 732 684 989 "
    "685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 "
    "392 634 592 818 592 592 525 636 337 636 838"
)
_BOLD = (
    "348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696 696 696 696 696 400 400 "
    "838 838 838 580 1000 774 762 734 830 683 683 821 837 372 372 775 637 995 837 850 733 850 770 720 682 812 774 1103 "
    "771 724 725 457 365 457 838 500 500 675 716 593 716 678 435 716 712 343 343 665 343 1042 712 687 716 716 493 595 "
    "478 712 652 924 645 652 582 712 365 712 838"
)
_ADVANCES = {bold: tuple(map(int, table.split())) for bold, table in ((False, _REGULAR), (True, _BOLD))}


def text_width(text: str, font: str) -> float:
    """The pixels that `text` takes at most in the font class `font`."""
    size, bold = FONTS[font]
    table = _ADVANCES[bold]
    return sum(table[ord(c) - 32] if " " <= c <= "~" else _wide(c) for c in text) * size / 1000


def _wide(char: str) -> int:
    category = unicodedata.category(char)
    if category in ("Mn", "Me"):
        return 0
    if category == "So" or unicodedata.east_asian_width(char) in "WF":
        return 1400 if category == "So" else 1050
    return 1000


def fit(text: str, font: str, width: float) -> str:
    """`text`, with its middle left out if it is wider than `width`: names differ at both ends."""
    return middle_out(text, width, lambda shown: text_width(shown, font), "…")


def wrap(text: str, font: str, width: float) -> list[str]:
    """`text` in lines no wider than `width`, broken at spaces; a word that is wider alone loses its middle."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, font) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [fit(each, font, width) for each in (*lines, line)]


def escaped(text: str) -> str:
    """`text` as the content of an element or an attribute."""
    return html.escape(visible(text))


def px(value: float) -> str:
    """A length with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def text_at(x: float, y: float, font: str, text: str) -> str:
    """A `<text>` that starts at `x`, with its baseline at `y`."""
    return f'<text class="{font}" x="{px(x)}" y="{px(y)}">{escaped(text)}</text>'


def tip(lines: Sequence[str]) -> str:
    """A `<title>`, which browsers show on hover; its lines are visible text already."""
    return "<title>" + "\n".join(map(html.escape, lines)) + "</title>"


def font_rules(scope: str = "") -> str:
    """The CSS of `FONTS`, one rule a line, for elements below `scope`."""
    return "\n".join(
        f"{scope}.{name} {{ font-size: {size:g}px; font-weight: {600 if bold else 400}; }}"
        for name, (size, bold) in FONTS.items()
    )
