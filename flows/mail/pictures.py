"""Which pictures of a mail belong to its layout: logos, signatures, tracking pixels."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

# Nothing with a shorter side can be read as a receipt: 30 lines of 24 px stand on 720, a stub of five on 120.
_SHORTEST_SIDE = 100
# Phones put photos inline, too: theirs have thousands of pixels and hundreds of kilobytes, logos have not.
_SHORTEST_INLINE_SIDE, _SMALLEST_INLINE_BYTES = 500, 40_000


def is_decoration(data: bytes, *, inline: bool) -> bool:
    """Whether a picture is part of a mail's layout. Of what cannot be opened that is not said: reading tells why.

    Args:
        data: The picture.
        inline: Whether the mail shows it within its text.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            shortest = min(image.size)  # of the header; nothing is decoded
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    small = shortest < _SHORTEST_INLINE_SIDE or len(data) < _SMALLEST_INLINE_BYTES
    return shortest < _SHORTEST_SIDE or (inline and small)
