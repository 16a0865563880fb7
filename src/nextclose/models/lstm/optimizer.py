"""AdamW by torch's own function: its class would load a compiler, longer than a fit takes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adamw import adamw

GRADIENT_NORM = 1.0  # longer gradients are shortened to this


class AdamW:
    """Moments of each parameter and one update at a time, with decoupled weight decay.

    Source: Loshchilov & Hutter (2019), Decoupled weight decay regularization.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, learning_rate: float, weight_decay: float
    ) -> None:
        self._parameters = list(parameters)
        self._first = [torch.zeros_like(value) for value in self._parameters]
        self._second = [torch.zeros_like(value) for value in self._parameters]
        self._steps = [torch.zeros(()) for _ in self._parameters]
        self._learning_rate, self._weight_decay = learning_rate, weight_decay

    def step(self, loss: Tensor) -> None:
        """Move every parameter against the gradient of `loss`."""
        gradients = list(torch.autograd.grad(loss, self._parameters))
        norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))
        scale = torch.clamp(GRADIENT_NORM / (norm + 1e-6), max=1.0)
        with torch.no_grad():
            adamw(
                self._parameters,
                [gradient * scale for gradient in gradients],
                self._first,
                self._second,
                [],
                self._steps,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._learning_rate,
                weight_decay=self._weight_decay,
                eps=1e-8,
                maximize=False,
            )
