"""Reads pictures back: what a person, or a screen reader, would find in them."""

import re

from lxml import etree

SVG = "{http://www.w3.org/2000/svg}"


def tree(svg):
    return etree.fromstring(svg.encode())


def words(svg):
    """Return all texts that are drawn."""
    return [each.text for each in tree(svg).iter(f"{SVG}text")]


def titles(svg):
    """Return what shapes say when asked."""
    return [each.text for each in tree(svg).iter(f"{SVG}title")]


def titled(svg, begins):
    """Return the groups whose title begins so."""
    return [
        each.getparent() for each in tree(svg).iter(f"{SVG}title") if each.text.startswith(begins)
    ]


def signs(svg):
    """Return the kinds of badges that are drawn."""
    found = (each.get("class", "") for each in tree(svg).iter(f"{SVG}g"))
    return [each.split()[1] for each in found if each.startswith("badge ")]


def bar(group):
    """Return left and width of the first rectangle of a group."""
    box = group.find(f"{SVG}rect")
    return float(box.get("x")), float(box.get("width"))


def outside(svg):
    """Return what would need the network, a script or an id."""
    return re.findall(r"(?:href|src|url|id|on\w+)\s*=|<script|https?://(?!www\.w3\.org)", svg)
