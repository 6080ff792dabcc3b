"""Sections of the model card between two marks: replaced later, the rest of the card is kept."""

from __future__ import annotations


def with_marked_section(card: str, section: str, *, begin: str, end: str) -> str:
    """Return a card with one of its sections replaced; a card without the marks is not changed.

    Args:
        card: The card, Markdown.
        section: The new section with its marks.
        begin: The mark before the section.
        end: The mark after it.

    Example:
        >>> with_marked_section("a <b> old <e> c", "<b> new <e>", begin="<b>", end="<e>")
        'a <b> new <e> c'
    """
    head, found, rest = card.partition(begin)
    _, closed, tail = rest.partition(end)
    return head + section + tail if found and closed else card
