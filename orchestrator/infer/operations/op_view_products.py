"""Products of matrices: over channels with weights, of the tokens of windows, and of all pixels summed up."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.view import Atom, Axis, Side, View, length_of, refined, strides
from orchestrator.infer.graphs.view_nodes import Gram, Operand
from orchestrator.infer.graphs.window_nodes import Window, Windowed
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_view_reductions import taken
from orchestrator.infer.operations.view_making import add_rearranged, add_view, blocked, form_of, inner_reach

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PIXELS = (Side.ROWS, Side.COLUMNS)


@dataclass(frozen=True)
class Product:
    """A sum of products, in letters as of Einsum.

    Attributes:
        left: A letter for each axis of the first operand.
        right: See `left`, of the second.
        out: See `left`, of the result.
    """

    output: str
    left: str
    right: str
    out: str

    @property
    def swapped(self) -> "Product":
        """The same with its operands the other way round."""
        return replace(self, left=self.right, right=self.left)

    @property
    def shared(self) -> str:
        """Letters of both operands and of the result."""
        return "".join(one for one in self.out if one in self.left and one in self.right)

    @property
    def summed(self) -> str:
        """Letters that are summed over."""
        return "".join(one for one in self.left if one in self.right and one not in self.out)

    @property
    def only_right(self) -> str:
        """Letters of the result that only the second operand has."""
        return "".join(one for one in self.out if one not in self.left)

    @property
    def only_left(self) -> str:
        """Letters of the result that only the first operand has."""
        return "".join(one for one in self.out if one not in self.right)


def matmul(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a product of matrices, or of many."""
    left, right = (len(loader.shape(name)) for name in node.input)
    if min(left, right) < 2:
        raise NotTileableError("it multiplies a vector")
    many = _LETTERS[: max(left, right) - 2]
    product = Product(
        node.output[0],
        many[len(many) - left + 2 :] + "xy",
        many[len(many) - right + 2 :] + "yz",
        many + "xz",
    )
    add_product(loader, product, node.input[0], node.input[1])


def gemm(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a product of two matrices, scaled, and a term."""
    options, output = attributes(node), node.output[0]
    names = list(node.input[:2])
    for place, flag in enumerate(("transA", "transB")):
        if options.get(flag, 0):
            names[place] = taken(loader, "Transpose", [names[place]], f"{output}|{flag}", perm=[1, 0])
    term = node.input[2] if len(node.input) > 2 else ""
    scale = options.get("alpha", 1.0)
    plain = not term and scale == 1
    made = taken(loader, "MatMul", names, output if plain else f"{output}|product")
    if scale != 1:
        made = _scaled(loader, made, scale, f"{output}|scaled" if term else output)
    if term:
        if options.get("beta", 1.0) != 1:
            term = _scaled(loader, term, options["beta"], f"{output}|term")
        taken(loader, "Add", [made, term], output)


def _scaled(loader: Loader, name: str, factor: float, output: str) -> str:
    loader.constants[f"{output}|factor"] = np.array(factor, np.float32)
    return taken(loader, "Mul", [name, f"{output}|factor"], output)


def einsum(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a sum of products of two operands, each letter once in each."""
    equation = attributes(node)["equation"].replace(" ", "")
    terms, arrow, out = equation.partition("->")
    parts = terms.split(",")
    if not arrow or len(parts) != 2 or "." in equation or any(len(set(part)) < len(part) for part in (*parts, out)):
        raise NotTileableError("its equation is none of two operands with each letter once in each")
    single = set(parts[0]) ^ set(parts[1])
    if not single <= set(out):
        raise NotTileableError("its equation sums over axes of one operand alone")
    add_product(loader, Product(node.output[0], parts[0], parts[1], out), node.input[0], node.input[1])


def add_product(loader: Loader, product: Product, left: str, right: str) -> None:
    """Add a sum of products of which one operand at least is a picture."""
    if not loader.is_picture(left):
        left, right, product = right, left, product.swapped
    product, sides = _known_letters(loader, product, left, right)
    if not loader.is_picture(right):
        _of_weights(loader, product, sides[0], right)
    else:
        _of_two(loader, product, *sides)


def _known_letters(loader: Loader, product: Product, left: str, right: str) -> tuple[Product, list[View | None]]:
    """Return the product without letters of axes that are broadcast, and the views."""
    shapes = [
        dict(zip(letters, loader.shape(name), strict=True))
        for letters, name in ((product.left, left), (product.right, right))
    ]
    for letter in sorted({*shapes[0]} & {*shapes[1]} - {*product.out}):
        if shapes[0][letter] != shapes[1][letter]:
            raise NotTileableError(f"it sums over {letter}, of which one operand has a single place")
    kept = []
    for letters, own, other in ((product.left, shapes[0], shapes[1]), (product.right, shapes[1], shapes[0])):
        kept.append("".join(one if own[one] > 1 or other.get(one, 1) == 1 else one.upper() for one in letters))
    views = [loader.view(name) if loader.is_picture(name) else None for name in (left, right)]
    return replace(product, left=kept[0], right=kept[1]), views


def _axes(view: View, letters: str) -> dict[str, Axis]:
    """Return the atoms of each letter; capital ones have length 1."""
    return dict(zip(letters, view.axes, strict=True))


def _channels_alone(loader: Loader, view: View, letters: str, which: str) -> View:
    """Return a view whose axes of some letters hold channels alone."""
    by_letter = _axes(view, letters)
    return blocked(loader, view, inner_reach(view, [atom for one in which for atom in by_letter[one]]))


def _of_weights(loader: Loader, product: Product, view: View | None, name: str) -> None:
    """Add the product of a picture with a constant or a value of the whole picture."""
    assert view is not None
    view = _channels_alone(loader, view, product.left, product.summed + product.shared)
    by_letter, shape = _axes(view, product.left), dict(zip(product.right, loader.shape(name), strict=True))
    summed = [atom for one in product.summed for atom in by_letter[one]]
    shared = [atom for one in product.shared for atom in by_letter[one]]
    free = [atom for one in product.only_left for atom in by_letter[one]]
    own = [atom for atom in free if atom.side == Side.CHANNELS]
    columns = [shape[one] for one in product.only_right]
    weights = _weights(loader, product, name, shape)
    lengths = [*(atom.length for atom in shared), *columns, *(atom.length for atom in own)]
    output, size = f"{product.output}|map", view.map.size
    made = Map(math.prod(lengths), size)
    stored = list(view.atoms(Side.CHANNELS))
    if not shared and not own and summed == stored and name in loader.constants:
        weight = f"{output}|weight"
        loader.constants[weight] = loader.constants[weights].reshape(made.channels, view.map.channels, 1, 1)
        cost = float(made.channels * view.map.channels)
        one, more = Window(1), (("group", 1),)
        loader.add(Windowed(output, (view.source,), (weight,), made, size, "Conv", (one, one), cost, more))
    else:
        pixels: list[Sequence[Atom | int]] = [shared, summed, [*own, *_PIXELS]]
        packed = strides(lengths)
        first, last = len(shared), len(shared) + len(columns)
        result = form_of(packed, [packed[:first], packed[first:last], [*packed[last:], *_PIXELS]])
        operands = [Operand(weights), Operand(view.source, form_of(stored, pixels))]
        cost = float(made.channels * length_of(summed))
        add_rearranged(loader, output, "MatMul", operands, made, result, cost)
    new = dict(zip([*shared, *product.only_right, *own], strides(lengths), strict=True))
    axes = [
        [new[one]] if one in product.only_right else [new.get(atom, atom) for atom in by_letter[one]]
        for one in product.out
    ]
    add_view(loader, product.output, View(output, made, ()).with_axes([_without_ones(axis) for axis in axes]))


def _without_ones(axis: Sequence[Atom]) -> list[Atom]:
    return [atom for atom in axis if atom.length > 1]


def _weights(loader: Loader, product: Product, name: str, shape: Mapping[str, int]) -> str:
    """Return a constant or value as (shared, only its own, summed), each axes put together."""
    order = [product.right.index(one) for one in (*product.shared, *product.only_right, *product.summed)]
    order += [place for place in range(len(product.right)) if place not in order]
    groups = [
        math.prod(shape[one] for one in letters) for letters in (product.shared, product.only_right, product.summed)
    ]
    output = f"{product.output}|weights"
    loader.constants[f"{output}|shape"] = np.array(groups, np.int64)
    taken(loader, "Transpose", [name], f"{output}|order", perm=order)
    taken(loader, "Reshape", [f"{output}|order", f"{output}|shape"], output)
    return output


def _of_two(loader: Loader, product: Product, left: View | None, right: View | None) -> None:
    """Add the product of two pictures, pixel by pixel or window by window."""
    assert left is not None
    assert right is not None
    if _over_all_pixels(product, left, right):
        _of_all_pixels(loader, product, left, right)
        return
    first, second = left, right
    paired = _paired(product, left, right)
    left = blocked(loader, left, inner_reach(left, _unpaired(left, product.left, paired, 0)))
    right = blocked(loader, right, inner_reach(right, _unpaired(right, product.right, paired, 1)))
    if left.map.size != right.map.size:
        raise NotTileableError(f"it multiplies pictures of {first.map.size} and {second.map.size} parts")
    left_axes, right_axes = _axes(left, product.left), _axes(right, product.right)
    for one in (*product.shared, *product.summed):
        atoms = refined([left_axes[one], right_axes[one]])
        left_axes[one], right_axes[one] = tuple(atoms[0]), tuple(atoms[1])
    shared = [
        (atom, other) for one in product.shared for atom, other in zip(left_axes[one], right_axes[one], strict=True)
    ]
    if any(
        atom != other
        for atom, other in shared
        if Side.CHANNELS not in {atom.side, other.side} or atom.side != other.side
    ):
        raise NotTileableError("values of different pixels meet in it")
    mine = [atom for atom, _ in shared if atom.side == Side.CHANNELS]
    theirs = [other for _, other in shared if other.side == Side.CHANNELS]
    rows = [atom for one in product.only_left for atom in left_axes[one]]
    columns = [atom for one in product.only_right for atom in right_axes[one]]
    summed = [[atom for one in product.summed for atom in axes[one]] for axes in (left_axes, right_axes)]
    lengths = [atom.length for atom in (*mine, *rows, *columns)]
    made, output = Map(math.prod(lengths), left.map.size), f"{product.output}|map"
    packed = strides(lengths)
    start, end = len(mine), len(mine) + len(rows)
    operands = [
        Operand(left.source, form_of(_stored_atoms(left_axes), [mine, _PIXELS, rows, summed[0]])),
        Operand(right.source, form_of(_stored_atoms(right_axes), [theirs, _PIXELS, summed[1], columns])),
    ]
    result = form_of(packed, [packed[:start], _PIXELS, packed[start:end], packed[end:]])
    cost = float(made.channels * length_of(summed[0]))
    add_rearranged(loader, output, "MatMul", operands, made, result, cost)
    new = dict(zip(mine, packed, strict=False))
    news = dict(zip(rows, packed[start:], strict=False)) | new
    right_new = dict(zip(columns, packed[end:], strict=True))
    axes = [
        [right_new[atom] for atom in right_axes[one]]
        if one in product.only_right
        else [news.get(atom, atom) for atom in left_axes[one]]
        for one in product.out
    ]
    add_view(loader, product.output, View(output, made, ()).with_axes(axes))


def _over_all_pixels(product: Product, left: View, right: View) -> bool:
    return all(
        one.map.size.pixels > 1
        and one.map.size.pixels == length_of([atom for letter in product.summed for atom in axes[letter] if atom.side])
        for one, axes in ((left, _axes(left, product.left)), (right, _axes(right, product.right)))
    )


def _of_all_pixels(loader: Loader, product: Product, left: View, right: View) -> None:
    """Add a sum over all pixels: what attention over channels begins with."""
    left_axes, right_axes = _axes(left, product.left), _axes(right, product.right)
    for one in (*product.shared, *product.summed):
        atoms = refined([left_axes[one], right_axes[one]])
        left_axes[one], right_axes[one] = tuple(atoms[0]), tuple(atoms[1])
    if any(left_axes[one] != right_axes[one] for one in product.summed) or any(
        atom.side == Side.CHANNELS for one in product.summed for atom in left_axes[one]
    ):
        raise NotTileableError("values of different pixels meet in it")
    shared = [[atom for one in product.shared for atom in axes[one]] for axes in (left_axes, right_axes)]
    rows = [atom for one in product.only_left for atom in left_axes[one]]
    columns = [atom for one in product.only_right for atom in right_axes[one]]
    forms = (
        form_of(_stored_atoms(left_axes), [shared[0], rows, _PIXELS]),
        form_of(_stored_atoms(right_axes), [shared[1], _PIXELS, columns]),
    )
    axes = {**right_axes, **left_axes}
    lengths = {one: length_of(axes[one]) for one in product.out}
    order = (*product.shared, *product.only_left, *product.only_right)
    plain = tuple(product.out) == order
    dims = tuple(lengths[one] for one in order)
    output = product.output if plain else f"{product.output}|gram"
    cost = float(length_of(shared[0]) * length_of(rows) * length_of(columns))
    loader.add(Gram(output, "gram", left.source, dims, right.source, forms, cost))
    loader.example(output, dims)
    if not plain:
        taken(loader, "Transpose", [output], product.output, perm=[order.index(one) for one in product.out])


def _stored_atoms(axes: Mapping[str, Axis]) -> list[Atom]:
    """Return the atoms of channels in the order of the map."""
    found = [atom for axis in axes.values() for atom in axis if atom.side == Side.CHANNELS]
    return sorted(found, key=lambda atom: -atom.stride)


def _paired(product: Product, left: View, right: View) -> list[tuple[Atom, Atom]]:
    """Return the atoms of rows and columns that both have on a shared axis."""
    left_axes, right_axes = _axes(left, product.left), _axes(right, product.right)
    return [
        (atom, other)
        for one in product.shared
        for atom, other in zip(*refined([left_axes[one], right_axes[one]]), strict=True)
        if atom.side == other.side != Side.CHANNELS
    ]


def _unpaired(view: View, letters: str, paired: Sequence[tuple[Atom, Atom]], place: int) -> list[Atom]:
    """Return the atoms of pixels that must be in a window: those that are no part of a pair."""
    apart = {pair[place] for pair in paired}
    found = []
    for axis in _axes(view, letters).values():
        for atom in axis:
            if atom.side != Side.CHANNELS and not any(
                one.side == atom.side and atom.stride <= one.stride and one.reach <= atom.reach for one in apart
            ):
                found.append(atom)
    return found
