"""The colour block: what colours the garment has, as 128 numbers.

A kernel mean embedding (Smola et al. 2007) of the picture's pixels in CIE Lab: the dot product
of two embeddings is the mean Gaussian similarity between a pixel of one picture and a pixel of
the other. The kernel is written in 128 numbers by the Nystrom method (Williams & Seeger 2001) on
landmarks that cover the sRGB gamut evenly, so nothing is fitted on data.
Pixels near the colours of the picture's border, and far from its centre, count less.
"""

import torch
from torch import nn
import torch.nn.functional as F

DIM = 128
GRID = 32
# Lightness counts less than hue: light and exposure change it first.
LIGHTNESS = 0.6
# Width of the Gaussian between two pixels, in Lab units.
SIGMA = 16.0
# Pixels within about this of a border colour are taken for background, in Lab units.
BACKGROUND_SIGMA = 12.0
BACKGROUND_PENALTY = 4.0
# Weight that background keeps, so that a garment in the background's colour is still seen.
BACKGROUND_FLOOR = 0.05
# The central prior's standard deviation, in half sides.
CENTRE_SIGMA = 0.6


def srgb_to_lab(rgb: torch.Tensor) -> torch.Tensor:
    """[..., 3] sRGB in 0..1 -> [..., 3] CIE Lab under D65 (IEC 61966-2-1, CIE 15)."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp(min=0.0) + 0.055) / 1.055) ** 2.4)
    r, g, b = linear[..., 0], linear[..., 1], linear[..., 2]
    # Rows of the sRGB to XYZ matrix, divided by the white point (0.95047, 1, 1.08883).
    xyz = torch.stack((
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    ), dim=-1)
    # Linear below (6/29)^3, as CIE 15 has it.
    f = torch.where(
        xyz > 216.0 / 24389.0,
        xyz.clamp(min=1e-6) ** (1.0 / 3.0),
        xyz * (841.0 / 108.0) + 4.0 / 29.0)
    fx, fy, fz = f[..., 0], f[..., 1], f[..., 2]
    return torch.stack((116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)), dim=-1)


def _landmarks(count: int) -> torch.Tensor:
    """`count` points that cover the sRGB gamut evenly in (LIGHTNESS * L, a, b)."""
    steps = torch.linspace(0.0, 1.0, 18, dtype=torch.float64)
    cube = torch.cartesian_prod(steps, steps, steps)
    points = srgb_to_lab(cube) * torch.tensor([LIGHTNESS, 1.0, 1.0], dtype=torch.float64)
    chosen = [0]
    distance = (points - points[0]).square().sum(1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(1))
    return points[chosen]


def _whitening(landmarks: torch.Tensor) -> torch.Tensor:
    """K^-1/2 of the landmarks' kernel matrix K, which turns similarities into features."""
    kernel = torch.exp(-torch.cdist(landmarks, landmarks).square() / (2.0 * SIGMA * SIGMA))
    values, vectors = torch.linalg.eigh(kernel)
    # The floor keeps directions that float32 cannot tell from rounding out of the features.
    return vectors @ torch.diag((values + 1e-3).rsqrt()) @ vectors.T


class ColourBlock(nn.Module):
    """float32 [N, 3, S, S] pixels in 0..255, S a multiple of 32 -> float32 [N, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = GRID
        self.lightness = LIGHTNESS
        self.border_scale = -0.5 / (BACKGROUND_SIGMA * BACKGROUND_SIGMA)
        self.penalty = BACKGROUND_PENALTY
        self.floor = BACKGROUND_FLOOR
        landmarks = _landmarks(DIM)
        # |p - c|^2 = [p, |p|^2, 1] . [-2 c, 1, |c|^2]: one matrix product gives all exponents.
        exponents = torch.cat((
            -2.0 * landmarks.T,
            torch.ones(1, DIM, dtype=torch.float64),
            landmarks.square().sum(1)[None],
        )) * (-0.5 / (SIGMA * SIGMA))
        self.register_buffer("exponents", exponents.float())
        self.register_buffer("whitening", _whitening(landmarks).float())
        axis = (torch.arange(GRID) + 0.5) / (GRID / 2) - 1.0
        bell = torch.exp(-axis.square() / (2.0 * CENTRE_SIGMA * CENTRE_SIGMA))
        self.register_buffer("prior", (bell[:, None] * bell[None]).reshape(1, GRID * GRID))

    def pixels(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 3, S, S] -> [N, 32 * 32, 3]: scaled Lab of the picture's cells."""
        cells = F.avg_pool2d(x.float(), x.shape[2] // self.grid)
        lab = srgb_to_lab(cells.permute(0, 2, 3, 1).reshape(x.shape[0], -1, 3) / 255.0)
        return torch.cat((lab[..., :1] * self.lightness, lab[..., 1:]), dim=-1)

    def weights(self, pixels: torch.Tensor) -> torch.Tensor:
        """[N, 32 * 32, 3] -> [N, 32 * 32] weights that sum to 1: the garment's above the rest."""
        n, grid = pixels.shape[0], self.grid
        # The border, 2 cells deep, in steps of 2 cells: [N, 3, 60].
        planes = pixels.permute(0, 2, 1).reshape(n, 3, grid, grid)
        coarse = F.avg_pool2d(planes, 2)
        border = torch.cat((
            coarse[:, :, 0], coarse[:, :, -1], coarse[:, :, 1:-1, 0], coarse[:, :, 1:-1, -1],
        ), dim=2)
        square = pixels.square().sum(2, keepdim=True) + border.square().sum(1, keepdim=True)
        distance = (square - 2.0 * torch.bmm(pixels, border)).clamp(min=0.0)
        background = torch.exp(distance * self.border_scale).mean(2)
        weight = self.prior.float() * (torch.exp(-self.penalty * background) + self.floor)
        return weight / weight.sum(1, keepdim=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixels = self.pixels(x)
        ones = torch.ones_like(pixels[..., :1])
        augmented = torch.cat((pixels, pixels.square().sum(2, keepdim=True), ones), dim=2)
        similarity = torch.exp(torch.matmul(augmented, self.exponents.float()))
        mean = torch.bmm(self.weights(pixels).unsqueeze(1), similarity).squeeze(1)
        return torch.matmul(mean, self.whitening.float())
