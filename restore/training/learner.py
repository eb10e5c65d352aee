"""A network that learns: its optimiser, its learning rate's schedule, and the average of its weights."""

from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from restore.training.checkpoint import Stateful
from restore.training.ema import averaged
from restore.training.schedule import cosine


class Learner:
    """Calls go to `model`; `network` and `ema` are what is written.

    Args:
        network: the bare module, which other uses share no gradients with.
        optimizer: of the network's parameters.
        updates: of the weights, after which the learning rate is zero.
        ema_decay: None for a network whose average nobody needs.
        gradient_clip: greatest norm of the gradient; None for no limit.
        forward: what a training step calls, where that is not the network itself but a module around it.

    Attributes:
        model: the network as a training step calls it: in the run's precision, its gradients shared by the processes.
        schedule: counts this network's own updates.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        accelerator: Accelerator,
        *,
        updates: int,
        ema_decay: float | None = None,
        gradient_clip: float | None = None,
        forward: nn.Module | None = None,
    ) -> None:
        self.network, self.accelerator, self.gradient_clip = network, accelerator, gradient_clip
        # A copy from before accelerate patches the network's forward.
        self.ema: AveragedModel | None = None
        if ema_decay is not None:
            self.ema = averaged(network, ema_decay).to(accelerator.device)
        self.schedule = cosine(optimizer, updates)
        self.model, self.optimizer = accelerator.prepare(network if forward is None else forward, optimizer)

    @property
    def average(self) -> nn.Module:
        """The network with its averaged weights: what is validated and written."""
        assert self.ema is not None, "built without ema_decay"
        return self.ema.module

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`; where gradients accumulate, its share of the step to come."""
        self.accelerator.backward(loss)
        updates = self.accelerator.sync_gradients
        if updates and self.gradient_clip is not None:
            # Without it, one odd batch can throw a network without normalisation.
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.gradient_clip)
        self.optimizer.step()  # accelerate skips this and the next until the gradients are complete
        self.optimizer.zero_grad()
        if updates:
            if self.ema is not None:
                self.ema.update_parameters(self.network)
            self.schedule.step()

    def parts(self, name: str) -> dict[str, Stateful]:
        """What a checkpoint holds of it, by name."""
        parts: dict[str, Stateful] = {
            name: self.network,
            f"{name}.optimizer": self.optimizer,
            f"{name}.schedule": self.schedule,
        }
        return parts if self.ema is None else parts | {f"{name}.ema": self.ema}
