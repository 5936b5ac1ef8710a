"""Other views of a photo, as a shopper might take it: for self-retrieval."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def augmented(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A view of uint8 [h, w, 3]: cut, tilted, mirrored, relit, blurred and compressed anew."""
    view = Image.fromarray(picture)
    width, height = view.size
    # Corners move in by up to 14 % each, on their own: a crop and a perspective at once.
    inset = random.uniform(0.0, 0.14, (4, 2)) * (width, height)
    corners = [(inset[0, 0], inset[0, 1]), (inset[1, 0], height - inset[1, 1]),
               (width - inset[2, 0], height - inset[2, 1]), (width - inset[3, 0], inset[3, 1])]
    view = view.transform((width, height), Image.Transform.QUAD,
                          [x for corner in corners for x in corner],
                          Image.Resampling.BILINEAR)
    if random.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    view = ImageEnhance.Brightness(view).enhance(random.uniform(0.7, 1.3))
    view = ImageEnhance.Contrast(view).enhance(random.uniform(0.8, 1.2))
    # White balance: warmer or colder light.
    gains = 1.0 + random.uniform(-0.08, 0.08) * np.array([1.0, 0.0, -1.0])
    view = Image.fromarray(np.clip(np.asarray(view) * gains, 0, 255).astype(np.uint8))
    view = view.filter(ImageFilter.GaussianBlur(random.uniform(0.0, 1.2)))
    out = io.BytesIO()
    view.save(out, "JPEG", quality=int(random.integers(40, 90)))
    return np.array(Image.open(out).convert("RGB"))
