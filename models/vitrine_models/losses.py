"""What training minimises. All take features float32 [n, d] and return a mean as a scalar."""

from typing import Optional

import torch
from torch import nn
import torch.nn.functional as F

MISSING = -1  # The label of a picture that has none.


class CosineClassifier(nn.Module):
    """Logits: `scale` times the cosine between features and a learned vector a class.

    (Wang et al. 2017, NormFace.) The geometry that it trains is the one that cosine search reads.
    """

    def __init__(self, width: int, classes: int, scale: float = 16.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) * width ** -0.5)
        self.scale = scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.scale * F.normalize(features) @ F.normalize(self.weight).T


def classify(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross-entropy with label smoothing (Szegedy et al. 2016) over the rows that have a label."""
    known = labels != MISSING
    if not known.any():
        return logits.sum() * 0.0
    return F.cross_entropy(logits[known], labels[known], label_smoothing=smoothing)


def supervised_contrastive(features: torch.Tensor, labels: torch.Tensor,
                           senders: Optional[torch.Tensor] = None,
                           temperature: float = 0.1) -> torch.Tensor:
    """Khosla et al. 2020, L_out: pulls rows of one label together and the rest apart.

    Rows of the same sender (int [n], MISSING = unknown), which are easy and often show one garment
    twice, are neither: what must be learned is likeness across senders.
    """
    n = features.shape[0]
    unit = F.normalize(features)
    similarity = unit @ unit.T / temperature
    known = labels != MISSING
    compared = known[:, None] & known[None] & ~torch.eye(n, dtype=torch.bool, device=labels.device)
    if senders is not None:
        compared &= (senders[:, None] != senders[None]) | (senders == MISSING)[:, None]
    positive = compared & (labels[:, None] == labels[None])
    # Numbers that exp() makes 0 and whose gradient is finite.
    log_share = similarity - torch.logsumexp(
        similarity.masked_fill(~compared, -1e4), dim=1, keepdim=True)
    count = positive.sum(1)
    asked = count > 0
    if not asked.any():
        return features.sum() * 0.0
    mean = (log_share * positive).sum(1)[asked] / count[asked]
    return -mean.mean()


def triplet(anchor: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor,
            margin: float = 0.2) -> torch.Tensor:
    """Schroff et al. 2015: squared distances on the unit sphere, the negative `margin` farther."""
    anchor, positive, negative = map(F.normalize, (anchor, positive, negative))
    near = (anchor - positive).square().sum(1)
    far = (anchor - negative).square().sum(1)
    return F.relu(near - far + margin).mean()


def batch_hard_triplet(features: torch.Tensor, labels: torch.Tensor,
                       margin: float = 0.2) -> torch.Tensor:
    """Hermans et al. 2017: of each row, its farthest row of the same label and nearest other."""
    unit = F.normalize(features)
    distance = (2.0 - 2.0 * unit @ unit.T).clamp(min=0.0)
    known = labels != MISSING
    same = (labels[:, None] == labels[None]) & known[:, None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    negative = known[:, None] & known[None] & ~same
    asked = positive.any(1) & negative.any(1)
    if not asked.any():
        return features.sum() * 0.0
    farthest = distance.masked_fill(~positive, -1.0).max(1).values
    nearest = distance.masked_fill(~negative, 8.0).min(1).values
    return F.relu(farthest - nearest + margin)[asked].mean()


def self_retrieval(first: torch.Tensor, second: torch.Tensor,
                   photos: Optional[torch.Tensor] = None, temperature: float = 0.1) -> torch.Tensor:
    """NT-Xent (Chen et al. 2020): of all views, each must find the other one of its photo.

    Views of one photo that a batch holds twice (int [n] `photos`) are neither right nor wrong.
    """
    n = len(first)
    own = torch.arange(n, device=first.device)
    photo = (own if photos is None else photos).repeat(2)
    right = torch.cat((own + n, own))
    unit = F.normalize(torch.cat((first, second)))
    barred = photo[:, None] == photo[None]
    barred[torch.arange(2 * n, device=first.device), right] = False
    return F.cross_entropy((unit @ unit.T / temperature).masked_fill(barred, -1e4), right)


def remember(features: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """1 - cosine to what another network, such as the one training began with, sees."""
    return (1.0 - F.cosine_similarity(features, teacher)).mean()


def remember_neighbours(features: torch.Tensor, teacher: torch.Tensor,
                        temperature: float = 0.1) -> torch.Tensor:
    """Each row's likeness to the rest of the batch must be spread as the teacher spreads it.

    (Similarity distillation, as SEED, Fang et al. 2021.) The space may turn; who is near whom may
    not.
    """
    unit, other = F.normalize(features), F.normalize(teacher)
    itself = torch.eye(len(features), dtype=torch.bool, device=features.device)
    got = (unit @ unit.T / temperature).masked_fill(itself, -1e4)
    want = (other @ other.T / temperature).masked_fill(itself, -1e4)
    return F.kl_div(F.log_softmax(got, 1), F.log_softmax(want, 1), log_target=True,
                    reduction="batchmean")


def reconstruct(pixels: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
    """Mean squared error between pictures in 0..255, in units of the full range."""
    return F.mse_loss(decoded / 255.0, pixels / 255.0)
