"""The page of the package's layers and their drawing, as `tests/test_architecture.py` holds the code to them."""

import ast
from html import escape
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "repope_eval"
RULES = PROJECT / "tests" / "test_architecture.py"

WIDTH = 960
ROW_HEIGHT = 58
BOX_HEIGHT = 44
GAP = 12
LEFT_OUT = ("__version__",)
"""Names in the layers that are no modules, and have no box in the drawing."""

PAGE = """\
# Architecture

One run is one straight line, and each stage is a package that knows nothing of the later ones: settings, benchmark, who
is asked, answers, scoring, pages. `repope_eval/pipeline.py` is that line.

The packages and modules lie in layers. Each imports from layers above its own, and from itself; a test holds the code
to it.

![The layers of the package, from errors and records at the top to the command line at the bottom](architecture.svg)

What the packages are for, in their own words:

| package or module | what it is for |
|---|---|
{rows}
- Scoring and reporting import no torch, so that saved answers can be scored anywhere. `import repope_eval` is instant.
- Scoring is pure functions on frozen records; records travel between stages, no dictionaries.
- Who is asked (transformers' engines, a server) is behind one interface, `Asker`, that returns answers image by
  image, and says what its answers depend on.
- A family, a benchmark, a command and a format of answers are one file each, with an entry in a table: see
  [Add a model or a benchmark](../how-to/add-a-model.md).
"""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif">
<title>The layers of repope_eval: each imports from those above it</title>
<rect width="{width}" height="{height}" fill="#fff"/>
"""

BOX = """\
<g><title>{title}</title>
<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="#eef2fa" stroke="#4060a0"/>
<text x="{middle:g}" y="{baseline:g}" font-size="15" text-anchor="middle" fill="#1c2840">{name}</text></g>
"""

ARROW = '<path d="M{x:g} {start:g}V{end:g}m-4 5 4 -5 4 5" fill="none" stroke="#4060a0"/>\n'


def layers() -> list[list[str]]:
    """The modules and packages of each layer, the lowest first."""
    for node in ast.parse(RULES.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS":
            rows = ast.literal_eval(node.value)
            return [[name for name in row if name not in LEFT_OUT] for row in rows]
    raise LookupError(f"{RULES}: has no LAYERS")


def purpose(name: str) -> str:
    """The first sentence that a module or package says of itself."""
    folder = PACKAGE / name
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text is not None, path
    return text.split("\n\n")[0].replace("\n", " ")


def architecture_page() -> str:
    """The page that shows the drawing, with what each package and module says of itself."""
    rows = (f"| `{name}` | {purpose(name)} |\n" for names in layers() for name in names)
    return PAGE.format(rows="".join(rows))


def architecture_drawing() -> str:
    """An SVG of one row for each layer, with an arrow from each layer to what it imports from, the one above."""
    rows = layers()
    height = len(rows) * ROW_HEIGHT + GAP
    parts = [HEAD.format(width=WIDTH, height=height)]
    for number, names in enumerate(rows):
        y = GAP + number * ROW_HEIGHT
        width = (WIDTH - GAP * (len(names) + 1)) / len(names)
        if number:
            parts.append(ARROW.format(x=WIDTH / 2, start=y, end=y - (ROW_HEIGHT - BOX_HEIGHT)))
        for place, name in enumerate(names):
            x = GAP + place * (width + GAP)
            parts.append(
                BOX.format(
                    title=escape(purpose(name)),
                    name=name,
                    x=x,
                    y=y,
                    width=width,
                    height=BOX_HEIGHT,
                    middle=x + width / 2,
                    baseline=y + BOX_HEIGHT / 2 + 5,
                )
            )
    return "".join([*parts, "</svg>\n"])
