"""``.. speed::``, the table of how fast the code is; ``.. speed:: conv2d`` shows the rows of one function.

Times differ from machine to machine and from run to run, so a build does not measure: it shows
``code/speed-*.json``, as ``make bench`` wrote them. One that is missing or broken is an error at the
directive.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

from _ext.agreement import entry

WIDTHS = (20, 28, 14, 14, 8, 8, 8)
KINDS = {"str": str, "a number": (int, float), "bool": bool, "dict": dict, "list": list}
REPORT = {"date": "str", "machine": "dict", "versions": "dict", "threads": "a number", "rounds": "a number"}
REPORT |= {"limits": "dict", "rows": "list"}
MACHINE = {"processor": "str", "cores": "a number", "cache": "str", "accelerator": "str"}
ROW = {"key": "str", "function": "str", "arguments": "str", "ours": "str", "ours_ms": "a number"}
ROW |= {"peer": "str", "peer_ms": "a number", "ratio": "str", "bar": "str", "met": "bool"}


def expect(fields: dict[str, str], found, where: str) -> None:
    """Raise ValueError if a field is missing, or of another kind."""
    if not isinstance(found, dict):
        raise ValueError(f"{where}: expected a dict, got {type(found).__name__}")
    for name, kind in fields.items():
        if name not in found:
            raise ValueError(f"{where}: {name!r} is missing")
        if not isinstance(found[name], KINDS[kind]):
            raise ValueError(f"{where}: {name!r} is {found[name]!r}; expected {kind}")


def read(path: Path) -> dict:
    """What ``make bench`` wrote; ValueError tells what is wrong with it."""
    report = json.loads(path.read_text("utf-8"))
    expect(REPORT, report, "the report")
    expect(MACHINE, report["machine"], "machine")
    if not report["rows"]:
        raise ValueError("rows: expected one or more, got none")
    for number, row in enumerate(report["rows"], 1):
        expect(ROW, row, f"row {number}")
    return report


def milliseconds(ms: float) -> str:
    """At least three digits: 0.123 ms, 1.23 ms, 12.3 ms, 123 ms."""
    return unbroken(f"{ms:.{sum(ms < top for top in (1, 10, 100))}f} ms")


def unbroken(text: str) -> str:
    """A number stays on one line with its sign and its unit."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def sources(report: dict) -> str:
    """The line above the table: when, on what machine, with what."""
    about = report["machine"]
    hardware = (about["processor"], _("cores: %s") % about["cores"], about["cache"], about["accelerator"])
    parts = [
        _("Measured on %s.") % report["date"],
        _("Machine: %s.") % ", ".join(filter(None, hardware)),
        _("Versions: %s.") % ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
    ]
    rates = (("a @ b", "matmul_gflops", "GFLOP/s"), ("np.copyto", "copy_gbs", "GB/s"))
    limits = [
        f"{name} {report['limits'][key]} {unit}" for name, key, unit in rates if key in report["limits"]
    ]
    if limits:
        parts.append(_("Limits of the machine: %s.") % ", ".join(limits))
    return " ".join(parts)


def titles() -> tuple[str, ...]:
    sides = _("The book"), _("Compared with")
    return (_("Function"), _("Arguments"), *sides, _("Ratio"), _("Bar"), _("Verdict"))


def line(row: dict) -> nodes.row:
    cells = (
        nodes.literal(text=row["function"]),
        nodes.literal(text=row["arguments"]),
        nodes.Text(f"{row['ours']}, {milliseconds(row['ours_ms'])}"),
        nodes.Text(f"{row['peer']}, {milliseconds(row['peer_ms'])}"),
        nodes.Text(unbroken(row["ratio"])),
        nodes.Text(unbroken(row["bar"])),
        nodes.Text(_("met") if row["met"] else _("missed")),
    )
    return nodes.row("", *map(entry, cells))


def table(report: dict) -> nodes.table:
    head = nodes.row("", *(entry(nodes.Text(title)) for title in titles()))
    columns = [nodes.colspec(colwidth=width) for width in WIDTHS]
    body = nodes.tbody("", *map(line, report["rows"]))
    group = nodes.tgroup("", *columns, nodes.thead("", head), body, cols=len(WIDTHS))
    return nodes.table("", group, classes=["speed"])


def only(function: str, report: dict) -> dict:
    """The report without the rows of other functions."""
    return report | {"rows": [row for row in report["rows"] if function in row["function"].split(", ")]}


class Speed(SphinxDirective):
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        reports = self.reports()
        for function in self.arguments:
            reports = [only(function, report) for report in reports]
            if not any(report["rows"] for report in reports):
                raise self.error(f"speed: no row of {function!r}; expected a function of make bench")
        # In a container the paragraph has no source, and so stays out of the translation catalogs.
        return [
            node
            for report in reports
            if report["rows"]
            for node in (nodes.container("", nodes.paragraph("", sources(report))), table(report))
        ]

    def reports(self) -> list[dict]:
        folder = Path(self.env.srcdir, "code")
        paths = sorted(folder.glob("speed-*.json"))
        if not paths:
            raise self.error(f"speed: no speed-*.json in {folder}; expected what make bench writes")
        for path in paths:
            self.env.note_dependency(str(path))
        return [self.read(path) for path in paths]

    def read(self, path: Path) -> dict:
        try:
            return read(path)
        except (OSError, ValueError) as error:  # of JSON and of its encoding too
            raise self.error(f"speed: {path}: {error}") from error


def setup(app):
    app.add_directive("speed", Speed)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
