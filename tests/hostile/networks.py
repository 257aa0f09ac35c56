"""ONNX files that lie, lead elsewhere or are something else, through the stages that infer and explain."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stagekit import ExitCode
from tests.hostile.guarded import Place
from tests.hostile.prepared import write_prepared
from tests.hostile.stage_row import Inputs, StageRow
from tests.infer.networks import Draft

Network = Callable[[], bytes]

OUTSIDE = {
    "beside": "weights.bin",
    "above": "../../../decoys/decoy.png",
    "anywhere": "/etc/hostname",
}
NAMES = {
    "parent": "../../../../../decoys/made",
    "absolute": "/tmp/made",
    "folders": "a/b",
    "escape": "a\x1b[2J",
    "line-end": "a\nb",
    "hidden": ".a",
    "option": "-rf",
    "long": "a" * 129,
    "empty": "",
}


def inferred(network: Network, place: Place) -> Inputs:
    """Write a network, and give it a picture."""
    path = place.given / "network.onnx"
    path.write_bytes(network())
    (place.given / "weights.bin").write_bytes(bytes(12))
    return {"network": path, "dataset": write_prepared(place)}


def put(make: Callable[[Path], object], place: Place) -> Inputs:
    """Put something else in the place of a network, in a folder as an export's."""
    folder = place.given / "network"
    folder.mkdir()
    make(folder / "network.onnx")
    return {"network": folder, "dataset": write_prepared(place)}


def simple(change: Callable[[onnx.ModelProto], object] = lambda _model: None) -> bytes:
    """Return a network of one convolution, after a change."""
    draft = Draft()
    model = draft.model({"transmission": draft.conv("image", 3, 3)})
    change(model)
    return model.SerializeToString()


def drafted(write: Callable[[Draft], str]) -> bytes:
    """Return a network whose answer a function drafts."""
    draft = Draft()
    return draft.model({"transmission": write(draft)}).SerializeToString()


def elsewhere(tensor: TensorProto, location: str) -> None:
    """Let a tensor's values lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


def constant_elsewhere(location: str) -> bytes:
    value = numpy_helper.from_array(np.ones((3, 1, 1), np.float32))
    elsewhere(value, location)
    return drafted(lambda draft: draft.node("Add", "image", draft.node("Constant", value=value)))


def branch_elsewhere(location: str) -> bytes:
    """Return a network one of whose branches keeps a constant in another file."""
    value = numpy_helper.from_array(np.ones((3, 1, 1), np.float32), "value")
    elsewhere(value, location)
    result = [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)]
    branches = {
        name: helper.make_graph([helper.make_node("Add", ["image", "value"], ["inner"])], name, [], result, [value])
        for name in ("then_branch", "else_branch")
    }
    return drafted(lambda draft: draft.node("If", draft.constant(np.bool_(True)), **branches))


def sparse_elsewhere(location: str) -> bytes:
    """Return a network with a sparse constant in another file."""
    values = numpy_helper.from_array(np.ones(3, np.float32), "sparse")
    elsewhere(values, location)
    places = numpy_helper.from_array(np.arange(3), "places")
    sparse = helper.make_sparse_tensor(values, places, [3, 1, 1])
    return simple(lambda model: model.graph.sparse_initializer.append(sparse))


def function_elsewhere(location: str) -> bytes:
    """Return a network with a function of its own that keeps a constant in another file."""
    value = numpy_helper.from_array(np.ones((3, 1, 1), np.float32), "value")
    elsewhere(value, location)
    nodes = [helper.make_node("Constant", [], ["c"], value=value), helper.make_node("Add", ["x", "c"], ["y"])]
    opsets = [helper.make_opsetid("", 18)]
    function = helper.make_function("own", "Shift", ["x"], ["y"], nodes, opsets)

    def change(model: onnx.ModelProto) -> None:
        model.functions.append(function)
        model.opset_import.extend([helper.make_opsetid("own", 1)])

    return simple(change)


def other_output(name: str, model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["transmission"], [name]))
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]))


def nested(levels: int) -> bytes:
    """Return branches in branches, the innermost of which answers the picture."""
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["inner"])], "g", [], [])
    for _ in range(levels):
        graph = helper.make_graph(
            [helper.make_node("If", ["c"], ["inner"], then_branch=graph, else_branch=onnx.GraphProto(name="e"))],
            "g",
            [],
            [],
        )
    return simple(lambda model: model.graph.node.extend(graph.node))


def rows() -> Iterator[StageRow]:
    """Yield networks of every kind that is refused, and odd ones that are taken; exactly, and whole."""
    yield from (*_no_networks(), *_leading_out(), *_lies(), *_answers())


def _rows(
    word: str,
    tried: str,
    make: Callable[[Place], Inputs],
    said: str,
    code: ExitCode | Mapping[str, ExitCode] = ExitCode.BAD_INPUT,
) -> Iterator[StageRow]:
    for mode in ("exact", "whole"):
        settings = {"model": "small", "inference": {"mode": mode}}
        ends = code if isinstance(code, ExitCode) else code[mode]
        yield StageRow(f"network-{word}-{mode}", tried, "inference", "infer", settings, make, said, ends)


def _no_networks() -> Iterator[StageRow]:
    contents: Mapping[str, tuple[str, Network]] = {
        "empty": ("be empty", bytes),
        "cut": ("end in the middle", lambda: simple()[:90]),
        "picture": ("be a picture", lambda: b"\x89PNG\r\n\x1a\n" * 40),
        "page": ("be a web page", lambda: b"<!DOCTYPE html><html>please log in</html>"),
        "zeros": ("be zeros", lambda: bytes(5000)),
        "ones": ("be bytes of ones", lambda: b"\xff" * 500),
        "deep": ("hold branches in branches, twenty deep", lambda: nested(20)),
        "no-operations": ("have no operations", lambda: simple(lambda model: model.graph.ClearField("node"))),
    }
    for word, (tried, content) in contents.items():
        yield from _rows(word, tried, partial(inferred, content), r"network\.onnx (cannot be loaded|has )")
    things: Mapping[str, tuple[str, Callable[[Path], object]]] = {
        "pipe": ("be a pipe that nobody writes to", os.mkfifo),
        "device": ("be a device that never ends", lambda path: path.symlink_to("/dev/zero")),
        "folder": ("be a folder", Path.mkdir),
        "loop": ("be a link to itself", lambda path: path.symlink_to(path)),
        "nothing": ("not be there", lambda _path: None),
    }
    for word, (tried, make) in things.items():
        yield from _rows(word, tried, partial(put, make), r"network\.onnx")


def _leading_out() -> Iterator[StageRow]:
    for word, location in OUTSIDE.items():
        tried = f"keep its weights in another file, {word.replace('-', ' ')}"

        def weights(model: onnx.ModelProto, location: str = location) -> None:
            elsewhere(model.graph.initializer[0], location)

        makers: Mapping[str, tuple[str, Network]] = {
            "weights": (tried, partial(simple, weights)),
            "constant": (tried.replace("its weights", "a constant"), partial(constant_elsewhere, location)),
            "sparse": (tried.replace("its weights", "a sparse constant"), partial(sparse_elsewhere, location)),
            "function": (tried.replace("its weights", "a function's constant"), partial(function_elsewhere, location)),
            "branch": (tried.replace("its weights", "a branch's constant"), partial(branch_elsewhere, location)),
        }
        for part, (said, network) in makers.items():
            yield from _rows(f"{part}-{word}", said, partial(inferred, network), "in another file")
    for word, name in NAMES.items():
        network = partial(simple, partial(other_output, name))
        said = r"has an output .*plain name|cannot be loaded"
        yield from _rows(
            f"output-{word}", f"name an output in a way that leads elsewhere ({word})", partial(inferred, network), said
        )


def _lies() -> Iterator[StageRow]:
    def first(model: onnx.ModelProto) -> TensorProto:
        return model.graph.initializer[0]

    def rename(kind: str, model: onnx.ModelProto) -> None:
        if kind == "input":
            model.graph.input[0].name = model.graph.node[0].input[0] = "photo"
        else:
            model.graph.output[0].name = model.graph.node[-1].output[0] = "clean"

    def opset(version: int, model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    def dimension(value: int, model: onnx.ModelProto) -> None:
        first(model).dims[0] = value

    def kind(value: int, model: onnx.ModelProto) -> None:
        first(model).data_type = value

    def operation(name: str, domain: str, model: onnx.ModelProto) -> None:
        model.graph.node[0].op_type, model.graph.node[0].domain = name, domain

    def reads(name: str, model: onnx.ModelProto) -> None:
        model.graph.node[0].input[0] = name

    changes: Mapping[str, tuple[str, Callable[[onnx.ModelProto], object], str]] = {
        "input-name": ("have an input of another name", partial(rename, "input"), "has inputs photo"),
        "output-name": ("have an output of another name", partial(rename, "output"), "outputs clean"),
        "opset-99": ("be of an operator set of the future", partial(opset, 99), "operator set|opset"),
        "larger": ("say that a constant is larger than it is", partial(dimension, 9), "cannot be|constant"),
        "negative": ("say that a constant has fewer than no numbers", partial(dimension, -3), "cannot be|constant"),
        "absurd": ("say that a constant has 2^50 numbers", partial(dimension, 2**50), "cannot be|constant"),
        "no-kind": ("hold a constant of a type that does not exist", partial(kind, 99), "cannot be|constant"),
        "domain": ("need an operation of another maker", partial(operation, "Sharpen", "acme"), "operation|acme"),
        "operation": ("need an operation that does not exist", partial(operation, "Sharpen", ""), "Sharpen"),
        "operation-escape": (
            "speak to the terminal by the name of an operation",
            partial(operation, "a\x1b[2J\u202eb", ""),
            "network",
        ),
        "nowhere": ("read what nothing computes", partial(reads, "nowhere"), "network"),
        "circle": ("compute in a circle", partial(reads, "transmission"), "network"),
    }
    for word, (tried, change, said) in changes.items():
        yield from _rows(word, tried, partial(inferred, partial(simple, change)), said)


def _answers() -> Iterator[StageRow]:
    far = 1 << 40
    drafts: Mapping[str, tuple[str, Callable[[Draft], str], str, ExitCode | Mapping[str, ExitCode]]] = {
        "not-a-number": (
            "answer with what is no number",
            lambda draft: draft.node("Div", "image", draft.numbers(0.0)),
            "not finite",
            {"exact": ExitCode.BAD_INPUT, "whole": ExitCode.FAILED},
        ),
        "beyond": (
            "answer far beyond the range of pictures",
            lambda draft: draft.node("Mul", "image", draft.numbers(-1e30)),
            "where 0 to 1 is meant",
            ExitCode.DONE,
        ),
        "one-number": (
            "answer with one number",
            lambda draft: draft.node("GlobalAveragePool", "image"),
            "shape|size|answers",
            ExitCode.BAD_INPUT,
        ),
        "fixed": (
            "answer at a size of its own",
            lambda draft: draft.node("Resize", "image", "", "", draft.constant([1, 3, 5000, 5000]), mode="nearest"),
            "shape|size|answers",
            ExitCode.BAD_INPUT,
        ),
        "huge": (
            "fill 2^80 numbers with zeros",
            lambda draft: draft.node("Add", "image", draft.node("ConstantOfShape", draft.constant([far, far]))),
            "",
            ExitCode.BAD_INPUT,
        ),
    }
    for word, (tried, write, said, code) in drafts.items():
        yield from _rows(word, tried, partial(inferred, partial(drafted, write)), said, code)

    def chatty(model: onnx.ModelProto) -> None:
        model.doc_string = model.producer_name = "\x1b]0;title\x07<script>" * 100
        model.metadata_props.add(key="__import__('os')", value="../../decoys")

    tried = "speak to the terminal by its description"
    yield from _rows("description", tried, partial(inferred, partial(simple, chatty)), "", ExitCode.DONE)
