"""Colours of the page: the tokens of the web client, light and dark."""

from __future__ import annotations

from textual.theme import Theme

LIGHT, DARK = "mecum-light", "mecum-dark"

_TOKENS: dict[str, tuple[str, str]] = {
    "paper": ("#FBFAF7", "#161614"),
    "raised": ("#FFFFFF", "#1D1C1A"),
    "sunken": ("#F5F2EC", "#11110F"),
    "hover": ("#F0ECE5", "#24231F"),
    "track": ("#EAE5DB", "#3B3832"),
    "ink": ("#1C1B19", "#ECE9E2"),
    "ink-2": ("#45423C", "#C8C4BA"),
    "muted": ("#6E6A63", "#9C978D"),
    "line": ("#E6E2DA", "#2C2A26"),
    "line-strong": ("#D6D0C4", "#3B3832"),
    "line-control": ("#928C81", "#716C63"),
    "teal": ("#0F6B62", "#5CC2B4"),
    "on-teal": ("#FFFFFF", "#0B1F1C"),
    "teal-soft": ("#E4F0ED", "#172B28"),
    "teal-line": ("#B9D6D0", "#2A4F49"),
    "warn": ("#84560A", "#E2B560"),
    "warn-soft": ("#F8EFDC", "#2B2415"),
    "danger": ("#A5321F", "#F0907C"),
    "danger-soft": ("#F9E9E5", "#2E1B17"),
}


def themes() -> tuple[Theme, Theme]:
    """Light and dark."""
    return _theme(LIGHT, 0), _theme(DARK, 1)


def _theme(name: str, side: int) -> Theme:
    token = {key: pair[side] for key, pair in _TOKENS.items()}
    return Theme(
        name=name,
        primary=token["teal"],
        secondary=token["teal"],
        accent=token["teal"],
        success=token["teal"],
        warning=token["warn"],
        error=token["danger"],
        foreground=token["ink"],
        background=token["paper"],
        surface=token["raised"],
        panel=token["sunken"],
        dark=side == 1,
        variables={**token, **_widgets(token)},
    )


def _widgets(token: dict[str, str]) -> dict[str, str]:
    """What textual's own widgets take from a theme."""
    headings = {
        f"markdown-h{level}-{part}": value
        for level in range(1, 7)
        for part, value in (("color", token["ink"]), ("background", "transparent"), ("text-style", "bold"))
    }
    return {
        **headings,
        "border": token["teal-line"],
        "border-blurred": token["line-strong"],
        "block-cursor-background": token["teal-soft"],
        "block-cursor-foreground": token["ink"],
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": token["hover"],
        "block-cursor-blurred-foreground": token["ink"],
        "block-cursor-blurred-text-style": "bold",
        "block-hover-background": token["hover"],
        "input-cursor-background": token["teal"],
        "input-cursor-foreground": token["on-teal"],
        "input-selection-background": token["teal-soft"],
        "screen-selection-background": token["teal-soft"],
        "scrollbar": token["track"],
        "scrollbar-hover": token["line-control"],
        "scrollbar-active": token["line-control"],
        "scrollbar-background": token["paper"],
        "scrollbar-background-hover": token["paper"],
        "scrollbar-background-active": token["paper"],
        "scrollbar-corner-color": token["paper"],
        "link-color": token["teal"],
        "link-background": "transparent",
        "link-style": "underline",
        "link-color-hover": token["on-teal"],
        "link-background-hover": token["teal"],
    }
