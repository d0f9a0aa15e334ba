"""The rows of the terms, ``locale/terms.csv``: the search and the translation gate read them through here.

A fault of the file is one error that knows its line and says what is expected there.
"""

import csv
import io


class TermsError(Exception):
    """A fault of the terms: the line, and what is wrong with it."""


def read_rows(path, columns):
    """A pair (line, row as a dict) for each term; the file has at least these columns."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise TermsError(1, f"not readable: {error.strerror}; expected the CSV file of the terms") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise TermsError(line, f"not UTF-8: byte 0x{byte:02x}; expected the file saved as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    heading = next(reader, [])
    if missing := sorted(set(columns) - set(heading)):
        raise TermsError(1, f"no column {', '.join(missing)}; expected {', '.join(columns)}")
    rows = []
    for cells in filter(None, reader):
        if len(cells) != len(heading):
            expected = f"expected {len(heading)} cells, as in line 1 ({', '.join(heading)})"
            raise TermsError(reader.line_num, f"{expected}, got {len(cells)}")
        rows.append((reader.line_num, dict(zip(heading, cells, strict=True))))
    return rows
