"""An SVG file as a part of an HTML page: ids of its own, the page's colours, as wide as there is room."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

from repope_eval.reporting.charts.palette import IN_PAGE
from repope_eval.reporting.templates import printable

_KEPT_OF_ROOT = ("viewBox",)
_LEFT_OUT = ("metadata", "style")
"""What matplotlib says of itself, and a style sheet that would apply to all of the page."""
_LOOK_OF_ALL = "stroke-linejoin: round; stroke-linecap: butt"
"""What that style sheet says."""
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile("|".join(IN_PAGE))


def inline_svg(svg: bytes, name: str, title: str, description: str) -> Markup:
    """The markup of a drawing inside a page.

    Args:
        svg: a file by matplotlib.
        name: begins its ids, so that several drawings can stand in one page.
        title: its name for those who hear the page read.
        description: what there is to see, for the same.
    """
    root = ElementTree.fromstring(svg)
    _localize(root, name)
    kept = {key: root.attrib[key] for key in _KEPT_OF_ROOT}
    names = {"title": f"{name}-title", "desc": f"{name}-description"}
    root.attrib.clear()
    root.attrib |= {**kept, "role": "img", "aria-labelledby": " ".join(names.values()), "style": _LOOK_OF_ALL}
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        told = ElementTree.Element(tag, id=names[tag])
        told.text = printable(text)
        root.insert(place, told)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _localize(element: ElementTree.Element, name: str) -> None:
    """Tags and attributes without namespaces (HTML needs none), ids and what refers to them prefixed."""
    element.tag = _local(element.tag)
    element.attrib = {_local(key): value for key, value in element.attrib.items()}
    for key, value in element.attrib.items():
        if key == "id":
            element.attrib[key] = f"{name}-{value}"
        elif key == "href":
            element.attrib[key] = f"#{name}-{value.removeprefix('#')}"
        else:
            in_page = _REFERENCE.sub(rf"url(#{name}-\1)", value)
            element.attrib[key] = _COLOR.sub(lambda found: IN_PAGE[found[0]], in_page)
    for child in list(element):
        if _local(child.tag) in _LEFT_OUT:
            element.remove(child)
        else:
            _localize(child, name)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
