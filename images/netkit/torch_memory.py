"""The memory of a GPU as PyTorch sees it."""

from typing import Optional

import torch

from netkit.memory import HostMeter, Meter
from stagekit import StageContext


class CudaMeter:
    """Memory that PyTorch's allocator holds on the device, the unused parts of its blocks included."""

    def reset(self) -> None:
        """Give unused blocks back and forget the peak so far."""
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        """Return the peak since the last reset, in bytes."""
        return int(torch.cuda.max_memory_reserved())

    def budget(self, context: StageContext) -> Optional[int]:
        """Return the request's budget of the device, or all that is free on it."""
        if context.request.device_memory_bytes is not None:
            return context.request.device_memory_bytes
        free, _total = torch.cuda.mem_get_info()
        return int(free) + int(torch.cuda.memory_reserved())


def stage_meter(context: StageContext) -> Meter:
    """Return the meter of the device that a stage computes on."""
    return CudaMeter() if context.request.device == "cuda" else HostMeter.of(context)
