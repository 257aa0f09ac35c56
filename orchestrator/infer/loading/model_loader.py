"""From a model to a typed graph at one size of picture; what only computes shapes is computed here and now."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.graphs.graph import Graph, NotTileable, ordered
from orchestrator.infer.graphs.node import AnyNode, Array, Map, Node, Value
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.graphs.spread_nodes import Spread
from orchestrator.infer.graphs.view import View, whole
from orchestrator.infer.loading.constant_folding import NotFolded, folded, shaped
from orchestrator.infer.loading.model_file import OnnxModel, is_picture
from orchestrator.infer.loading.sparse_tensor import dense

OF_VALUES_TOO = frozenset({"Cast", "CastLike", "Expand", "Resize", "Tile", "Upsample"})
"""Operations that may make a map of values of the whole picture, or of nothing else than a kind."""

_SPREADING = frozenset({"Add", "Div", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub", "Sum"})
"""Operations that spread the smaller of their inputs over the larger ones."""

OF_ANY_KIND = frozenset(
    {
        *("And", "Cast", "CastLike", "DequantizeLinear", "Equal", "Greater", "GreaterOrEqual", "Identity", "Less"),
        *("LessOrEqual", "Not", "Or", "Where", "Xor"),
    }
)
"""Operations that keep, compare or change kinds other than float32."""

_MOST_FILLED = 2**22
"""Values of a constant, one number everywhere, up to which it is held where an operation needs it so."""


class NotTileableError(Exception):
    """An operation cannot be computed in parts; the message says why."""


class SizesDiffer(NotTileableError):
    """Maps of different sizes meet, or blocks do not fit: no picture of this size goes through."""

    WORDS = "its maps have different sizes"

    def __init__(self, sizes: Iterable[Size], why: str = "") -> None:
        """Name the sizes.

        Args:
            why: What does not fit, where that is something else.
        """
        super().__init__(f"{self.WORDS}{', ' + why if why else ''}: {', '.join(sorted(map(str, sizes)))}")


class Loader:
    """Takes the nodes of a model one by one.

    Args:
        channels: Of the picture.
        operations: What each becomes, by its ONNX name.
        on_views: What each becomes that reads a view.

    Attributes:
        views: Tensors that hold a map's values in another order and shape.
        seen_as: Maps that are also views of others.
    """

    def __init__(
        self,
        model: OnnxModel,
        size: Size,
        channels: int,
        operations: Mapping[str, "Operation"],
        on_views: Mapping[str, "Operation"],
    ) -> None:
        self._refused = model.refused
        self._operations, self._on_views = operations, on_views
        self.views: dict[str, View] = {}
        self.seen_as: dict[str, View] = {}
        self.opset = model.opset
        self._rules = onnx.checker.C.CheckerContext()
        self._rules.ir_version, self._rules.opset_imports = onnx.IR_VERSION, {"": model.opset}
        self._outputs = model.outputs
        self.constants: dict[str, Array] = {name: _single(value) for name, value in model.constants.items()}
        self._image, self._size = model.image.name, size
        self._channels = channels
        self.nodes: dict[str, AnyNode] = {}
        self._same: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._spread: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._not_tileable: list[NotTileable] = []
        self._examples: dict[str, Array] = {}

    def take(self, node: onnx.NodeProto) -> None:
        """Fold a node, type it, or note that it is not tileable."""
        node = _renamed(node, self._same)
        given = [name for name in node.input if name]
        if any(name in self._unknown for name in given):
            self._unknown.update(node.output)
            return
        try:
            if node.domain not in {"", "ai.onnx"}:
                raise NotTileableError(f"it is of the operator set {node.domain}, which is not known")
            if any(one.HasField("g") or one.graphs for one in node.attribute):
                raise NotTileableError("it holds branches or a loop, which are not known")
            self._check(node)
            node = self._unspread(node)
            given = [name for name in node.input if name]
            if node.op_type == "Shape":
                self._fold_shape(node)
            elif all(name in self.constants for name in given):
                if not self._fills(node):
                    self._fold(node)
            elif given and not any(map(self.is_picture, given)) and self._spreads(node):
                return
            elif given and not any(map(self.is_picture, given)) and node.op_type not in OF_VALUES_TOO:
                self.take_value(node)
            else:
                self._type(node)
        except (NotTileableError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
            self._unknown.update(node.output)
            why = str(error) or type(error).__name__
            self._not_tileable.append(NotTileable(node.op_type, node.name or node.output[0], why))

    def _type(self, node: onnx.NodeProto) -> None:
        """Add what an operation that reads maps becomes; filled maps that it cannot read as such are its constants."""
        self._refuse_kinds(node)
        try:
            self._operation(node)(self, node)
        except NotTileableError:
            given = self._with_filled_constants(node)
            if given is node:
                raise
            self._operation(given)(self, given)

    def _with_filled_constants(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return a node that reads filled maps, as weights may be, as constants, where they are not too large."""
        same: dict[str, str] = {}
        for name in node.input:
            spread = self.nodes.get(name)
            if not isinstance(spread, Spread) or spread.values[0] not in self.constants:
                continue
            shape = self.shape(name)
            if math.prod(shape) <= _MOST_FILLED:
                same[name] = f"{name}|filled"
                value = np.broadcast_to(self.constants[spread.values[0]], shape)
                self.constants[same[name]] = np.ascontiguousarray(value)
        return _renamed(node, same)

    def _check(self, node: onnx.NodeProto) -> None:
        """Raise NotTileableError where a node's attributes or inputs are not those of its operation."""
        key = "|".join(node.output)
        if key not in self._refused:
            try:
                onnx.checker.check_node(node, self._rules)
                self._refused[key] = ""
            except onnx.checker.ValidationError as error:
                self._refused[key] = str(error).split("\n", maxsplit=1)[0]
        if self._refused[key]:
            raise NotTileableError(self._refused[key])

    def graph(self) -> Graph:
        """Return what was taken."""
        outputs = {name: self._same.get(name, name) for name in self._outputs if name not in self._unknown}
        for name, source in outputs.items():
            if not self.is_map(source) and not self._not_tileable and is_picture(name):
                self._not_tileable.append(NotTileable("output", name, self._why_no_map(source)))
        maps = {name: source for name, source in outputs.items() if self.is_map(source)}
        left_out = tuple(name for name in outputs if name not in maps and not is_picture(name))
        return ordered(
            Graph(
                self._image,
                self._size,
                self._channels,
                self.opset,
                self.nodes,
                maps,
                self.constants,
                tuple(self._not_tileable),
                left_out=left_out,
            )
        )

    def _why_no_map(self, name: str) -> str:
        if name not in self.views:
            return "it does not depend on the picture's pixels"
        sides = " x ".join(map(str, self.views[name].shape))
        return f"its axes, {sides}, are not channels, rows and columns in this order"

    def is_map(self, name: str) -> bool:
        """Whether it is the picture or a map."""
        return name == self._image or isinstance(self.nodes.get(name), Node)

    def is_picture(self, name: str) -> bool:
        """Whether it is a map, or a view of one."""
        return name in self.views or self.is_map(name)

    def map(self, name: str) -> Map:
        """Return channels and size of a map."""
        if name == self._image:
            return Map(self._channels, self._size)
        node = self.nodes[name]
        if not isinstance(node, Node):
            raise NotTileableError(f"{name} is no map")
        return node.map

    def view(self, name: str) -> View:
        """Return a view; a map as the view that it also is, or as it lies."""
        if name in self.views:
            return self.views[name]
        return self.seen_as.get(name) or whole(name, self.map(name))

    def constant(self, name: str) -> Array:
        """Return a constant.

        Raises:
            NotTileableError: Where it depends on the picture's pixels.
        """
        if name not in self.constants:
            raise NotTileableError("what should be a constant depends on the picture's pixels")
        return self.constants[name]

    def add(self, node: AnyNode) -> None:
        """Add a typed node."""
        self.nodes[node.output] = node

    def resolved(self, name: str) -> str:
        """Return the name of the map that a tensor is another name of."""
        return self._same.get(name, name)

    def alias(self, output: str, name: str) -> None:
        """Let an output be another name of a map."""
        self._same[output] = name

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of anything."""
        if name in self._spread:
            return self._spread[name][1]
        if name in self.views:
            return self.views[name].shape
        if self.is_map(name):
            found = self.map(name)
            return (1, found.channels, found.size.height, found.size.width)
        return tuple((self.constants if name in self.constants else self._examples)[name].shape)

    def example(self, name: str, shape: tuple[int, ...]) -> None:
        """Note the shape of a value of the whole picture."""
        self._examples[name] = np.ones(shape, np.float32)

    def _fold_shape(self, node: onnx.NodeProto) -> None:
        bounds = attributes(node)
        shape = self.shape(node.input[0])
        self.constants[node.output[0]] = np.array(
            shape[bounds.get("start", 0) : bounds.get("end", len(shape))], np.int64
        )

    def _fills(self, node: onnx.NodeProto) -> bool:
        """Make of a constant of the picture's own size a map; it would be too large to hold."""
        if node.op_type not in {"ConstantOfShape", "Expand"}:
            return False
        shape = tuple(int(side) for side in self.constants[node.input[node.op_type == "Expand"]])
        if node.op_type == "Expand":
            value = self.constants[node.input[0]]
            shape = np.broadcast_shapes(value.shape, shape)
        else:
            value = onnx.numpy_helper.to_array(attributes(node).get("value", onnx.numpy_helper.from_array(np.zeros(1))))
        if len(shape) != 4 or shape[0] != 1 or (shape[3] == 1 and self._size.pixels > 1):
            return False
        if value.dtype.kind != "f":
            return False
        if any(side != 1 for side in (*value.shape[:-3], *value.shape[-2:])):
            return False
        output, size = node.output[0], Size(shape[2], shape[3])
        made = Map(shape[1], size)
        values = f"{output}|values"
        self.constants[values] = value.astype(np.float32).reshape((1, -1, 1, 1))
        self.add(Spread(output, (), (values,), made, size))
        return True

    def _spreads(self, node: onnx.NodeProto) -> bool:
        """Let a value that is spread over the shape of a view be its own: what it meets there spreads it anyway."""
        if node.op_type != "Expand" or node.input[1] not in self.constants:
            return False
        target = tuple(self.constants[node.input[1]].tolist())
        if not any(view.shape == target for view in self.views.values()):
            return False
        self.spread(node.output[0], node.input[0], target)
        return True

    def spread(self, output: str, source: str, shape: tuple[int, ...]) -> None:
        """Note that an output is a value or view that is spread over a larger shape."""
        self._spread[output] = source, shape

    def _unspread(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return a node that is given values as they are in place of spread ones, where that is the same.

        Raises:
            NotTileableError: Where it is not.
        """
        if node.op_type == "Shape" or not any(name in self._spread for name in node.input):
            return node
        copy = _renamed(node, {name: source for name, (source, _) in self._spread.items()})
        spread = np.broadcast_shapes(*(self.shape(name) for name in node.input if name))
        if node.op_type not in _SPREADING or np.broadcast_shapes(*(self.shape(name) for name in copy.input)) != spread:
            raise NotTileableError("it works on a value that is spread over the picture")
        return copy

    def _fold(self, node: onnx.NodeProto) -> None:
        sparse = [one.sparse_tensor for one in node.attribute if one.HasField("sparse_tensor")]
        found = [dense(one) for one in sparse] or self._evaluated(node, self.constants)
        results = [np.asarray(_single(one), order="C") for one in found]
        self.constants.update(zip(node.output, results, strict=False))

    def take_value(self, node: onnx.NodeProto) -> None:
        """Take a node that computes with values of the whole picture alone; one node for each of its outputs."""
        known = {**{name: self.constants[name] for name in node.input if name in self.constants}, **self._examples}
        try:
            given = {name: known[name] for name in node.input if name}
            results = shaped(node, self.opset, given, frozenset(self.constants))
        except NotFolded as error:
            raise NotTileableError(str(error)) from error
        values = tuple(name for name in node.input if name)
        for place, output in enumerate(name for name in node.output if name):
            self._examples[output] = _single(results[place])
            self.add(Value(output, values, _alone(node, output)))

    def kind(self, name: str) -> str:
        """Return what the network calls the values of anything: "float32", "bool", "int64" and so on."""
        if self.is_picture(name):
            return self.view(name).map.kind
        return str((self.constants if name in self.constants else self._examples)[name].dtype)

    def _refuse_kinds(self, node: onnx.NodeProto) -> None:
        """Raise NotTileableError where an operation is given maps of kinds that it is not known to keep."""
        kinds = {self.kind(name) for name in node.input if name and self.is_picture(name)} - {"float32"}
        if kinds and node.op_type not in OF_ANY_KIND:
            raise NotTileableError(f"it computes with values of {', '.join(sorted(kinds))}")

    def _evaluated(self, node: onnx.NodeProto, known: Mapping[str, Array]) -> list[Array]:
        try:
            return folded(node, self.opset, {name: known[name] for name in node.input if name})
        except NotFolded as error:
            raise NotTileableError(str(error)) from error

    def _operation(self, node: onnx.NodeProto) -> "Operation":
        if node.op_type not in self._operations.keys() | self._on_views.keys():
            raise NotTileableError("this operation is not known")
        known = self._on_views if any(name in self.views for name in node.input) else self._operations
        if node.op_type not in known:
            raise NotTileableError("it is not known of pictures in another shape")
        return known[node.op_type]


def _single(value: Array) -> Array:
    """Return numbers of half precision in single precision, in which ONNX Runtime computes them on processors."""
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _alone(node: onnx.NodeProto, output: str) -> onnx.NodeProto:
    """Return a node with one of its outputs, the others under names that nobody reads."""
    if list(node.output) == [output]:
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.output[:] = [name if name in {"", output} else f"{output}|beside|{name}" for name in node.output]
    return copy


Operation = Callable[[Loader, onnx.NodeProto], None]
"""Types a node that reads a map, and adds it to the loader."""


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes as plain values; texts are decoded."""
    values = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def _renamed(node: onnx.NodeProto, same: Mapping[str, str]) -> onnx.NodeProto:
    if not any(name in same for name in node.input):
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [same.get(name, name) for name in node.input]
    return copy
