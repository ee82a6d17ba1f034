"""Reads a workbook back and compares it, cell by cell and type by type, with the CSV of the same sheet.

Usage: workbook.py FILE.xlsx FILE.csv KIND... (one kind for each column)
"""

import csv
import datetime
import decimal
import sys
import unicodedata

import openpyxl

workbook_path, csv_path, *kinds = sys.argv[1:]

with open(csv_path, "rb") as file:
    raw = file.read()
assert raw.startswith(b"\xef\xbb\xbf"), "the CSV has no byte order mark"
rows = list(csv.reader(raw.decode("utf-8-sig").splitlines(keepends=True)))
workbook = openpyxl.load_workbook(workbook_path)
assert len(workbook.sheetnames) == 1, workbook.sheetnames
sheet = workbook.active
assert sheet.freeze_panes == "A2", sheet.freeze_panes
assert sheet.max_row == len(rows), (sheet.max_row, len(rows))
assert sheet.max_column == len(kinds), (sheet.max_column, len(kinds))


# Neighbours of one width are told once.
widths = {}
for dimension in sheet.column_dimensions.values():
    for number in range(dimension.min, dimension.max + 1):
        widths[number] = dimension.width


def width(text):
    lines = text.split("\n")
    return max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in lines)


def same(kind, text, cell):
    value = cell.value
    if text == "":
        return value is None
    if kind in ("integer", "decimal"):
        # A number with more digits than a workbook keeps is a text.
        if isinstance(value, str):
            return value == text and len(text.strip("-").replace(".", "")) > 15
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and decimal.Decimal(repr(value)) == decimal.Decimal(text)
    if kind in ("date", "time") and not "1900-03-01" <= text[:10] <= "9999-12-31":
        return value == text
    if kind == "date":
        return isinstance(value, datetime.datetime) and cell.is_date and value.date().isoformat() == text
    if kind == "time":
        return isinstance(value, datetime.datetime) and value.strftime("%Y-%m-%d %H:%M") == text
    if text[0] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"):
        text = text[1:]
    # XML has one kind of line end.
    text = text.replace("\r\n", "\n")
    return isinstance(value, str) and cell.data_type == "s" and value == text


compared = 0
for number, (line, cells) in enumerate(zip(rows, sheet.iter_rows())):
    assert len(line) == len(cells), (number, line)
    for kind, text, cell in zip(kinds, line, cells):
        kind = "text" if number == 0 else kind
        # The word under a column of numbers that says what the last row is.
        if number == len(rows) - 1 and text in ("Total", "合计"):
            kind = "text"
        assert same(kind, text, cell), (cell.coordinate, kind, text, cell.value)
        column = widths[cell.column]
        assert column >= min(width(text), 60), (cell.coordinate, column, text)
        compared += 1
print(f"{compared} cells")
