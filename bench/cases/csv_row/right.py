"""One row of comma separated values."""


def format_row(fields: list[str]) -> str:
    """The fields as one row; `parse_row` reads exactly the same fields back. At least one field."""
    if not fields:
        raise ValueError("a row has at least one field")
    return ",".join(_quoted(field) for field in fields)


def _quoted(field: str) -> str:
    if "," in field or '"' in field or "\n" in field:
        return '"' + field.replace('"', '""') + '"'
    return field


def parse_row(row: str) -> list[str]:
    """The fields of a row that `format_row` made."""
    fields = []
    field = ""
    quoted = False
    index = 0
    while index < len(row):
        char = row[index]
        if quoted and row[index : index + 2] == '""':
            field += '"'
            index += 1
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += char
        index += 1
    return [*fields, field]
