"""What lists are asked with that may be had as files."""

from schemas.base import Choice, Page


class ExportQuery(Page):
    """A list, or with `format` all of it as a file.

    `for_excel` marks a CSV file so that Excel reads its Chinese; `language` names the columns of a workbook.
    """

    format = Choice(("json", "csv", "xlsx"), load_default="json")
    for_excel = Choice(("0", "1"), load_default="0")
    language = Choice(("zh", "en"))


class MapQuery(ExportQuery):
    """The same for a list whose rows have positions."""

    format = Choice(("json", "csv", "xlsx", "geojson"), load_default="json")
