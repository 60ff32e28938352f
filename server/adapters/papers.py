"""What is printed: one-time codes as slips to cut apart, and QR codes for the screen of a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import Final

import segno

from server.adapters.messages import text
from server.domain.accounts import SheetRow, activation_link, printed_code
from server.domain.words import ROLES, in_chinese

# A4 with two columns of slips; nothing is fetched, so that it prints the same without a network
_STYLE: Final = """
@page { size: A4; margin: 12mm }
* { box-sizing: border-box }
body { margin: 0; color: #000; background: #fff; font: 9.5pt/1.4 "Noto Sans CJK SC", "Noto Sans SC",
  "Microsoft YaHei", "PingFang SC", sans-serif }
h1 { font-size: 13pt; margin: 0 0 2mm }
p { margin: 0 }
small { display: block; font-size: 7.5pt; color: #333 }
header { margin-bottom: 4mm }
main { display: grid; grid-template-columns: 1fr 1fr }
article { display: flex; gap: 3mm; padding: 4mm 3mm; border: .3mm dashed #888; margin: -.15mm; break-inside: avoid }
article svg { flex: none; width: 32mm; height: 32mm }
article div { min-width: 0; overflow-wrap: anywhere }
h2 { font-size: 12pt; margin: 0 }
code { display: block; font: bold 13pt/1.5 "DejaVu Sans Mono", Consolas, Menlo, monospace; white-space: nowrap }
"""


def activation_sheet(rows: Sequence[SheetRow], address: str) -> bytes:
    """A printable page with a slip for each row, Chinese with English below it; HTML in UTF-8, complete in itself.

    `address` is the web address under which phones reach the service, without a slash at its end; without one the slips
    have a code to be typed, and nothing to scan.
    """
    body = "".join(_slip(row, address) for row in rows) or _said("none")
    title = escape(text("sheet.title", "zh"))
    page = (
        f'<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}<small>{escape(text('sheet.title', 'en'))}</small></h1>{_said('secret')}</header>\n"
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )
    return page.encode()


def qr_svg(content: str) -> str:
    """A QR code as an SVG element to stand inside HTML."""
    svg: str = segno.make_qr(content, error="m").svg_inline(scale=3, border=2, omitsize=True)
    return svg


def qr_text(content: str) -> str:
    """A QR code in characters, for a terminal of light letters on dark."""
    kept = io.StringIO()
    segno.make_qr(content, error="l").terminal(kept, border=2, compact=True)
    return kept.getvalue()


def _slip(row: SheetRow, address: str) -> str:
    role = in_chinese(ROLES, row.role)
    where = " ".join(dict.fromkeys(part for part in (row.township_name, row.place_name) if part))
    until = row.expires_at.strftime("%Y-%m-%d %H:%M")
    picture = scan = ""
    if address:
        picture, scan = qr_svg(activation_link(address, row.person, row.code)), _said("scan", address=address)
    return (
        f"<article>{picture}<div>"
        f"<h2>{escape(row.name)}</h2><p>{escape(f'{where} {role}')}<small>{escape(row.role)}</small></p>"
        f"<p>{escape(text('sheet.code', 'zh'))} <small>{escape(text('sheet.code', 'en'))}</small></p>"
        f"<code>{escape(printed_code(row.code))}</code>"
        f"{scan}{_said('type', person=row.person)}{_said('once', until=until)}"
        f"</div></article>\n"
    )


def _said(key: str, **params: str) -> str:
    chinese, english = (escape(text(f"sheet.{key}", language, **params)) for language in ("zh", "en"))
    return f'<p>{chinese}<small lang="en">{english}</small></p>'
