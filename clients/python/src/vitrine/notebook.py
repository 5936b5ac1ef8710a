"""How answers show themselves in a notebook. Whatever a catalogue says is shown as text."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Optional, Union

from vitrine import queries
from vitrine.errors import InvalidArgument
from vitrine.results import Results

if TYPE_CHECKING:
    from vitrine.queries import PictureLike
    from vitrine.results import Hit

_MOST_SHOWN = 60
_SIDE = 128  # Pixels of a picture.
_SENT = 256  # Those of what is kept in the notebook, for finer screens.
_ROW = "display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start"
_CARD = f"margin:0;width:{_SIDE}px;font:12px/1.35 sans-serif;overflow-wrap:anywhere"
_PICTURE = (f"width:{_SIDE}px;height:{_SIDE}px;object-fit:contain;object-position:left;"
            "border-radius:6px")
_EMPTY = f"width:{_SIDE}px;height:{_SIDE}px;background:#8883;border-radius:6px"
_CLIPPED = ("display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;"
            "overflow:hidden;opacity:.75")
_NAME = "margin:16px 0 6px;font:600 14px/1.3 sans-serif"


def _media_type(content: bytes) -> Optional[str]:
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def _picture(content: Optional[bytes], label: str) -> str:
    kind = _media_type(content) if content else None
    if content is None or kind is None:
        return f'<div role="img" aria-label="{escape(label)}" style="{_EMPTY}"></div>'
    data = base64.b64encode(content).decode("ascii")
    return (f'<img src="data:{kind};base64,{data}" alt="{escape(label)}" '
            f'style="{_PICTURE}">')


def _card(hit: Hit, content: Optional[bytes]) -> str:
    label = hit.title or hit.product_id
    return (f'<figure style="{_CARD}" title="{escape(hit.image)}">{_picture(content, label)}'
            f"<figcaption><b>{escape(hit.percent)}</b> {escape(hit.product_id)}"
            f'<div style="{_CLIPPED}">{escape(hit.title)}</div></figcaption></figure>')


def row(results: Results) -> str:
    """The hits as a row of pictures with scores."""
    if not len(results):
        return "<p><i>no hits</i></p>"
    shown = results[:_MOST_SHOWN]
    cards = "".join(_card(hit, content) for hit, content in zip(shown, shown.images()))
    more = len(results) - len(shown)
    note = f"<p>… and {more} more</p>" if more else ""
    if results.partial:
        note += f"<p>incomplete: {escape(', '.join(results.missing))} could not be asked</p>"
    return f'<div style="{_ROW}">{cards}</div>{note}'


def rows(named: Mapping[str, Results]) -> str:
    """A row for each, under its name."""
    return "".join(f'<h4 style="{_NAME}">{escape(name)}</h4>{row(results)}'
                   for name, results in named.items() if len(results) or name == "similar")


def _small(content: bytes) -> bytes:
    """The picture as a notebook keeps it; as it is where Pillow is lacking or cannot read it."""
    try:
        from PIL import Image, ImageOps

        # Its pixels are as the camera held it.
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
        image.thumbnail((_SENT, _SENT))
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image.convert("RGBA").getchannel("A"))
        buffer = io.BytesIO()
        opaque.save(buffer, "JPEG", quality=90)
    except (ImportError, OSError, ValueError, SyntaxError):
        return content
    return buffer.getvalue()


def _pictures(name: str, sources: Sequence[PictureLike]) -> str:
    cards = []
    for source in sources:
        content = queries.picture_bytes(source)
        if content is None:
            raise InvalidArgument(
                f"{name!r} is {type(source).__name__}; right is an answer, a picture (path, bytes, "
                "PIL image or array of uint8 height × width × 3), or a list of pictures",
                code="INVALID_ARGUMENT")
        cards.append(f'<figure style="{_CARD}">{_picture(_small(content), name)}</figure>')
    return f'<div style="{_ROW}">{"".join(cards)}</div>'


class Rows(Mapping[str, Union[Results, "Sequence[PictureLike]"]]):
    """Answers and pictures, one below the other under their names: what was asked for, what came.

        vitrine.Rows({"asked with": "dress.jpg", "found": client.search("dress.jpg")})

    In a notebook it shows itself.
    """

    def __init__(self, named: Mapping[str, Union[Results, PictureLike, Sequence[PictureLike]]]):
        self._rows: dict[str, Union[Results, Sequence[PictureLike]]] = {
            name: row if isinstance(row, (Results, list, tuple)) else [row]  # type: ignore[list-item]
            for name, row in named.items()}

    def __getitem__(self, name: str) -> Union[Results, Sequence[PictureLike]]:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _repr_html_(self) -> str:
        return "".join(
            f'<h4 style="{_NAME}">{escape(name)}</h4>'
            + (row(one) if isinstance(one, Results) else _pictures(name, one))
            for name, one in self._rows.items())

    def __repr__(self) -> str:
        return "\n".join(f"{name}: " + (repr(one) if isinstance(one, Results) else
                                        f"{len(one)} picture{'s' if len(one) != 1 else ''}")
                         for name, one in self._rows.items())
