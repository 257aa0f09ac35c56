"""Public architectures of image restoration, small, and how each is made. Runs in the zoo's own environment.

Widths and depths are the smallest that keep every kind of operation of the published network, so that an export and a
run take about a second.
"""

import contextlib
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from torch import nn

from zoo_networks.own_blocks import dsrnet_like, rdnet_like, ytmt_like

EVEN, TWICE_ODD, ODD, SQUARE = (96, 128), (74, 106), (75, 107), (128, 128)
"""Sizes of pictures, (height, width)."""


@dataclass(frozen=True)
class Architecture:
    """One network of the zoo.

    Attributes:
        make: Returns the module.
        sizes: Of the pictures that it is tried with.
        example: Of the picture that exporters follow through the network. What it does to some sizes alone, such as
            padding, is in the file only where it was done to this one.
        square: Whether it takes squares of one size alone, and is exported for this one.
        scale: What its answer's sides are of its input's; a picture is made smaller by as much before it.
        not_exported: By exporter, why it says no; it is not asked again, as that takes a minute.
    """

    make: Callable[[], Any]
    sizes: tuple[tuple[int, int], ...] = (EVEN, ODD)
    example: tuple[int, int] = (64, 96)
    square: bool = False
    scale: int = 1
    not_exported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A class of spandrel, and its arguments."""

    where: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    package: str = "spandrel"

    def __call__(self) -> Any:
        with without_torchvision():
            module = importlib.import_module(f"{self.package}.architectures.{self.where}")
        return getattr(module, self.name)(**self.arguments)


def published(where: str, name: str, **arguments: Any) -> Published:
    return Published(where, name, arguments)


def extra(where: str, name: str, **arguments: Any) -> Published:
    return Published(where, name, arguments, "spandrel_extra_arches")


@contextlib.contextmanager
def without_torchvision() -> Iterator[None]:
    """Let spandrel be imported, two of whose architectures, which are not of the zoo, import functions by name."""
    functional = types.ModuleType("torchvision.transforms.functional")
    vars(functional).update(InterpolationMode=None, rotate=None, normalize=None)
    parts = {name: types.ModuleType(name) for name in ("torchvision", "torchvision.transforms")}
    with mock.patch.dict(sys.modules, {**parts, functional.__name__: functional}):
        yield


def span() -> Any:
    """Return SPAN with its convolutions folded into one, as it runs after training; it would fold them in every run."""
    network = published("SPAN.__arch.span", "SPAN", num_in_ch=3, num_out_ch=3, feature_channels=12, upscale=1)().eval()
    for module in network.modules():
        for name, child in module.named_children():
            if type(child).__name__ == "Conv3XC":
                child.update_params()
                after = [nn.LeakyReLU(0.05)] if child.has_relu else []
                setattr(module, name, nn.Sequential(child.eval_conv, *after))
    return network


ARCHITECTURES: dict[str, Architecture] = {
    "compact": Architecture(published("Compact.__arch.SRVGG", "SRVGGNetCompact", num_feat=12, num_conv=3, upscale=1)),
    "compact-x2": Architecture(
        published("Compact.__arch.SRVGG", "SRVGGNetCompact", num_feat=12, num_conv=3, upscale=2),
        scale=2,
        sizes=(EVEN, TWICE_ODD),
    ),
    "dat": Architecture(
        published(
            "DAT.__arch.DAT",
            "DAT",
            img_size=16,
            embed_dim=64,
            split_size=[2, 4],
            depth=[2],
            num_heads=[2],
            expansion_factor=2.0,
            upscale=1,
            upsampler="pixelshuffledirect",
        ),
        sizes=(EVEN,),
    ),
    "dncnn": Architecture(published("DnCNN.__arch.network_dncnn", "DnCNN", in_nc=3, out_nc=3, nc=12, nb=5)),
    "dncnn-batch-normalisation": Architecture(
        published("DnCNN.__arch.network_dncnn", "DnCNN", in_nc=3, out_nc=3, nc=12, nb=5, act_mode="BR")
    ),
    "drunet": Architecture(
        published("DRUNet.__arch.network_unet", "DRUNet", in_nc=3, out_nc=3, nc=[8, 12, 16, 20], nb=1),
        sizes=(EVEN,),
    ),
    "dsrnet-like": Architecture(dsrnet_like),
    "fbcnn": Architecture(published("FBCNN.__arch.FBCNN", "FBCNN", nc=[8, 12, 16, 512], nb=1), sizes=(EVEN,)),
    "fftformer": Architecture(
        published("FFTformer.__arch.fftformer_arch", "FFTformer", dim=8, num_blocks=[1, 1, 1], num_refinement_blocks=1),
        sizes=(EVEN,),
    ),
    "grl": Architecture(
        published(
            "GRL.__arch.grl",
            "GRL",
            img_size=16,
            embed_dim=32,
            upscale=1,
            upsampler="",
            depths=[2],
            num_heads_window=[2],
            num_heads_stripe=[2],
            window_size=8,
            stripe_size=[8, 8],
            stripe_groups=[None, None],
            anchor_window_down_factor=2,
            mlp_ratio=2.0,
            local_connection=True,
        ),
        example=(61, 91),
    ),
    "hat": Architecture(
        published(
            "HAT.__arch.HAT",
            "HAT",
            img_size=16,
            embed_dim=16,
            depths=(2,),
            num_heads=(2,),
            window_size=4,
            squeeze_factor=4,
            upscale=1,
            num_feat=16,
            mlp_ratio=2.0,
        ),
        example=(61, 91),
    ),
    "hvi-cidnet": Architecture(
        published("HVICIDNet.__arch.cidnet", "CIDNet", channels=[8, 8, 16, 24], heads=[1, 2, 4, 8]),
        sizes=(EVEN,),
        not_exported={"dynamo": "the exponent of a power is a parameter, read out of its tensor by item()"},
    ),
    "kbnet-s": Architecture(
        published(
            "KBNet.__arch.kbnet_s", "KBNet_s", width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]
        ),
        sizes=(EVEN,),
    ),
    "m3snet": Architecture(
        extra("M3SNet.__arch.M3SNet", "M3SNet", width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]),
        sizes=(EVEN,),
    ),
    "mirnet-v2": Architecture(
        extra("MIRNet2.__arch.mirnet_v2_arch", "MIRNet_v2", n_feat=16, chan_factor=1.5, n_MRB=1), sizes=(EVEN,)
    ),
    "mixdehazenet": Architecture(
        published(
            "MixDehazeNet.__arch.MixDehazeNet", "MixDehazeNet", embed_dims=[8, 12, 16, 12, 8], depths=[1, 1, 1, 1, 1]
        ),
        sizes=(EVEN,),
    ),
    "mprnet": Architecture(
        extra("MPRNet.__arch.MPRNet", "MPRNet", n_feat=8, scale_unetfeats=4, scale_orsnetfeats=4, num_cab=1),
        sizes=(EVEN,),
    ),
    "nafnet": Architecture(
        published(
            "NAFNet.__arch.NAFNet_arch", "NAFNet", width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]
        ),
    ),
    "omnisr": Architecture(
        published("OmniSR.__arch.OmniSR", "OmniSR", num_feat=16, block_num=1, res_num=1, up_scale=1, window_size=8)
    ),
    "plksr": Architecture(
        published("PLKSR.__arch.PLKSR", "PLKSR", dim=16, n_blocks=2, upscaling_factor=1, kernel_size=9, ccm_type="DCCM")
    ),
    "rcan": Architecture(
        published("RCAN.__arch.rcan_arch", "RCAN", scale=1, n_resgroups=2, n_resblocks=2, n_feats=16, reduction=4)
    ),
    "rdnet-like": Architecture(rdnet_like),
    "real-cugan": Architecture(
        published("RealCUGAN.__arch.upcunet_v3", "UpCunet2x"), scale=2, sizes=(EVEN, TWICE_ODD), example=(62, 90)
    ),
    "real-esrgan": Architecture(published("ESRGAN.__arch.RRDB", "RRDBNet", num_filters=12, num_blocks=1, scale=1)),
    "real-esrgan-x2": Architecture(
        published("ESRGAN.__arch.RRDB", "RRDBNet", num_filters=12, num_blocks=1, scale=2),
        scale=2,
        sizes=(EVEN, TWICE_ODD),
    ),
    "realplksr": Architecture(
        published("PLKSR.__arch.RealPLKSR", "RealPLKSR", dim=16, n_blocks=2, upscaling_factor=1, kernel_size=9)
    ),
    "restormer": Architecture(
        extra(
            "Restormer.__arch.restormer_arch",
            "Restormer",
            dim=8,
            num_blocks=[1, 1, 1, 1],
            num_refinement_blocks=1,
            heads=[1, 2, 4, 8],
        ),
        sizes=(EVEN,),
    ),
    "retinexformer": Architecture(
        published("RetinexFormer.__arch.retinexformer_arch", "RetinexFormer", n_feat=8, stage=1),
        sizes=(EVEN,),
    ),
    "safmn": Architecture(published("SAFMN.__arch.safmn", "SAFMN", dim=16, n_blocks=2, upscaling_factor=1)),
    "scunet": Architecture(published("SCUNet.__arch.SCUNet", "SCUNet", config=[1, 1, 1, 1, 1, 1, 1], dim=64)),
    "span": Architecture(span),
    "swinir": Architecture(
        published(
            "SwinIR.__arch.SwinIR",
            "SwinIR",
            img_size=16,
            window_size=4,
            embed_dim=16,
            depths=[2, 2],
            num_heads=[2, 2],
        ),
        example=(61, 91),
    ),
    "uformer": Architecture(
        published(
            "Uformer.__arch.Uformer",
            "Uformer",
            img_size=128,
            embed_dim=8,
            depths=[2] + [1] * 8,
            win_size=4,
            num_heads=[1, 2, 4, 8, 16, 16, 8, 4, 2],
            modulator=True,
        ),
        sizes=(SQUARE,),
        square=True,
        example=SQUARE,
    ),
    "ytmt-like": Architecture(ytmt_like),
}
"""By the name of each."""
