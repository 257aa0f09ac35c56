"""ONNX files as entrants: what is taken of them, and every way in which file and experiment can be at odds."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_header import NotOnnx, onnx_header
from orchestrator.spec.onnx_network import taken_in_words
from orchestrator.spec.resolve import resolve
from tests.netkit.onnx_files import convolution, half, network, save, small, weights

HEAD = "name: first\nfeatures: random\ntest: [skimage-test]\n"


def answering(*sides, kind=TensorProto.FLOAT):
    model = small()
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", kind, sides))
    return model


def two(first="y", second="r"):
    return network(
        [convolution("x", first), convolution("x", second)], [weights("k", 3, 3, 3, 3)], answers=(first, second)
    )


def fixed(*sides):
    return small(takes=("x", TensorProto.FLOAT, sides))


@pytest.fixture
def resolved(tmp_path):
    save(small(), tmp_path / "net.onnx")

    def load(fields="onnx: net.onnx, name: mine", model=None, data=None):
        if model is not None:
            save(model, tmp_path / "net.onnx", data)
        path = tmp_path / "spec.yaml"
        path.write_text(f"{HEAD}models: [{{{fields}}}]\n")
        return resolve(load_experiment(path), path)

    return load


def test_the_only_input_and_output_are_taken(resolved, tmp_path):
    (found,) = resolved().onnx_files
    assert (found.path, found.label, found.title) == (tmp_path / "net.onnx", "mine", "mine")
    assert (found.input, dict(found.outputs), dict(found.data)) == ("x", {"transmission": "y"}, {})


def test_outputs_of_this_projects_names_are_all_taken(resolved):
    names = ("transmission", "transmission_1", "reflection", "mask")
    model = network([convolution("x", name) for name in names], [weights("k", 3, 3, 3, 3)], answers=names)
    (found,) = resolved(model=model).onnx_files
    assert dict(found.outputs) == {name: name for name in names[:3]}
    (found,) = resolved("onnx: net.onnx, name: mine, output: mask").onnx_files
    assert dict(found.outputs) == {"transmission": "mask"}


def test_outputs_are_declared(resolved):
    (found,) = resolved("onnx: net.onnx, name: mine, input: x, output: r, reflection: y", two()).onnx_files
    assert dict(found.outputs) == {"transmission": "r", "reflection": "y"}


def test_data_beside_the_file_are_found(resolved, tmp_path):
    (found,) = resolved(model=small(), data="net.data").onnx_files
    assert dict(found.data) == {"net.data": tmp_path / "net.data"}


@pytest.mark.parametrize(
    ("written", "scale", "shift"),
    [
        ([0, 255], (255, 255, 255), (0, 0, 0)),
        ([-1, 1], (2, 2, 2), (-1, -1, -1)),
        ("imagenet", (1 / 0.229, 1 / 0.224, 1 / 0.225), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
        ({"mean": [0.5] * 3, "std": [0.25] * 3}, (4, 4, 4), (-2, -2, -2)),
    ],
)
def test_ranges_are_a_factor_and_a_number_for_each_channel(written, scale, shift):
    choice = OnnxChoice.model_validate({"onnx": "n", "name": "n", "range": written, "output_range": [0, 1]})
    assert choice.range.scale == pytest.approx(scale)
    assert choice.range.shift == pytest.approx(shift)
    assert (choice.answered.scale, choice.answered.shift) == ((1, 1, 1), (0, 0, 0))


def test_the_answers_range_is_that_of_the_picture_unless_it_is_said():
    choice = OnnxChoice.model_validate({"onnx": "n", "name": "n", "range": [0, 255]})
    assert choice.answered == choice.range


@pytest.mark.parametrize(
    ("written", "kind"), [(True, "subtract"), (False, ""), ("subtract", "subtract"), ("add", "add")]
)
def test_residuals_are_subtracted_unless_it_is_said(written, kind):
    assert OnnxChoice.model_validate({"onnx": "n", "name": "n", "residual": written}).residual_kind == kind


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("onnx: net.onnx", "'name' is missing"),
        ("onnx: nets.onnx, name: mine", "nets.onnx' cannot be read: No such file"),
        ("onnx: ., name: mine", "is no file"),
        ("onnx: net.onnx, name: mine, input: X", "it has no input 'X'; did you mean 'x'?"),
        ("onnx: net.onnx, name: mine, output: z", "it has no output 'z'; there are 'y'"),
        ("onnx: net.onnx, name: mine, reflection: z", "it has no output 'z'; there are 'y'"),
        ("onnx: net.onnx, name: mine, output: y, reflection: y", "'y' cannot be both"),
        ("onnx: net.onnx, name: mine, range: wide", "no range of values: write [LOW, HIGH] such as [0, 255]"),
        ("onnx: net.onnx, name: mine, range: [0, 1, 2]", "no range of values: write [LOW, HIGH]"),
        ("onnx: net.onnx, name: mine, range: [1, 0]", "a range from 1 to 0 holds nothing"),
        ("onnx: net.onnx, name: mine, range: [0, .inf]", "must be a finite number"),
        ("onnx: net.onnx, name: mine, range: {mean: [0, 0, 0]}", "'mean' and 'std' stand together"),
        ("onnx: net.onnx, name: mine, range: imagenet", "say what the answer is: 'output_range: [0, 1]'"),
        ("onnx: net.onnx, name: mine, residual: true, output_range: [0, 1]", "leave 'output_range' out"),
        ("onnx: net.onnx, name: mine, channels: gbr", "must be 'rgb', 'bgr' or 'each'"),
        ("onnx: net.onnx, name: mine, channels: each, range: imagenet", "of one channel has one range for all colours"),
        (
            "onnx: net.onnx, name: mine, channels: each",
            "with each colour alone it would take 1 x 1 x H x W",
        ),
        (
            "onnx: net.onnx, name: mine, further_channels: [0]",
            "with 1 further channel it would take 1 x 4 x H x W",
        ),
        ("onnx: net.onnx, name: mine, further_channels: 0.1", "models[0].further_channels must be a list"),
        ("onnx: net.onnx, name: mine, further_channels: ['1']", "models[0].further_channels[0] must be a number"),
        ("onnx: net.onnx, name: mine, multiple_of: 0", "must be at least 1"),
        ("onnx: net.onnx, name: mine, multiple_of: true", "must be a whole number, not true"),
        ("onnx: net.onnx, name: mine, multiple_of: '8'", "multiple_of must be a whole number, not '8'"),
        ("onnx: net.onnx, name: mine, free_size: 'true'", "free_size must be true or false, not 'true'"),
        ("onnx: net.onnx, name: mine, free_size: 1", "free_size must be true or false, not 1"),
        (
            "onnx: net.onnx, name: mine, residual: ad",
            "models[0].residual must be 'subtract' or 'add', or true or false, not 'ad'; did you mean 'add'?",
        ),
        (
            "onnx: net.onnx, name: mine, range: {mean: [0, 0, 0], std: [1]}",
            "models[0].range.std needs 3 values, and has 1",
        ),
        (
            "onnx: net.onnx, name: mine, range: {mean: [0, 0, 0, 0], std: [1, 1, 1]}",
            "models[0].range.mean needs 3 values, and has 4",
        ),
        ("onnx: net.onnx, name: mine, free_size: true", "its file names no size that could be freed"),
        ("onnx: net.onnx, name: input", "that is one of the controls"),
        ("onnx: net.onnx, name: mine, seed: 3", "unknown field 'seed'"),
    ],
)
def test_wrong_declarations_are_refused_with_their_place(resolved, fields, words):
    with pytest.raises(SpecError) as caught:
        resolved(fields)
    said = f"{caught.value.message}\n{caught.value.where}\n{caught.value.hint}"
    assert words in said
    assert "spec.yaml:4:" in said


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (fixed(1, 3, 64, 96), "it is fixed to pictures of 64 x 96 pixels"),
        (fixed("n", 3, 64, "w"), "it is fixed to pictures of 64 x any pixels"),
        (fixed(1, "h", "w", 3), "it takes float32, 1 x ? x ? x 3, with the channels last"),
        (fixed(1, 1, "h", "w"), "it takes float32, 1 x 1 x ? x ?, pictures of 1 channel;"),
        (fixed(1, 4, "h", "w"), "pictures of 4 channels"),
        (fixed(8, 3, "h", "w"), "it has to take one picture"),
        (fixed(3, "h", "w"), "it has to take one picture"),
        (
            small(takes=("x", TensorProto.UINT8, (1, 3, "h", "w"))),
            "it takes uint8, 1 x 3 x ? x ?; it has to take float",
        ),
        (
            small(more=(helper.make_tensor_value_info("mask", TensorProto.FLOAT, (1, 1, "h", "w")),)),
            "it has 2 inputs, 'x', 'mask': a picture goes into one alone",
        ),
        (two(), "it has the outputs 'y', 'r'"),
    ],
)
def test_files_that_take_no_picture_are_refused_at_once_with_what_they_take(resolved, model, words):
    with pytest.raises(SpecError) as caught:
        resolved(model=model)
    assert caught.value.message.startswith("the network 'mine': it ")
    assert words in caught.value.message
    assert caught.value.hint
    assert "spec.yaml:4:" in str(caught.value.where)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (answering("n", 6, "h", "w"), "its output 'y' is float32, ? x 6 x ? x ?; it has to be 1 x 3 x H x W"),
        (answering("n", "h", "w", 3), "its output 'y' is float32, ? x ? x ? x 3, with the channels last"),
        (answering(1, 64, 96, 3), "with the channels last"),
        (answering("n", 1, "h", "w"), "its output 'y' is float32, ? x 1 x ? x ?; it has to be 1 x 3"),
        (answering(3, "h", "w"), "its output 'y' is float32, 3 x ? x ?; it has to be 1 x 3"),
        (answering(1, 3, "h", "w", kind=TensorProto.UINT8), "its output 'y' is uint8, 1 x 3 x ? x ?; it has to be flo"),
    ],
)
def test_declared_answers_that_are_no_picture_are_refused_before_anything_runs(resolved, model, words):
    for fields in ("onnx: net.onnx, name: mine", "onnx: net.onnx, name: mine, output: y"):
        with pytest.raises(SpecError) as caught:
            resolved(fields, model)
        assert caught.value.message.startswith("the network 'mine': its output 'y' is ")
        assert words in caught.value.message
        assert caught.value.hint
        assert "spec.yaml:4:" in str(caught.value.where)


@pytest.mark.parametrize(
    "sides", [None, (), ("n", 3, "h", "w"), ("n", "c", "h", "w"), ("n", "h", "w", "c"), (1, 3, 8, 9)]
)
def test_answers_that_may_be_a_picture_are_taken(resolved, sides):
    model = small()
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, sides))
    assert resolved(model=model).onnx_files


@pytest.mark.parametrize(
    ("takes", "fields", "helps"),
    [
        (1, "channels: each", "'channels: each' where red, green and blue"),
        (2, "channels: each, further_channels: [0.1]", "'channels: each' where red, green and blue"),
        (4, "further_channels: [0.1]", "'further_channels: [NUMBER, ...]'"),
        (5, "channels: bgr, further_channels: [0.1, 255]", "'further_channels: [NUMBER, ...]'"),
    ],
)
def test_other_numbers_of_channels_are_told_what_can_be_said_and_taken_then(resolved, takes, fields, helps):
    model = fixed(1, takes, "h", "w")
    with pytest.raises(SpecError, match=f"pictures of {takes} channel") as caught:
        resolved(model=model)
    assert helps in str(caught.value.hint)
    (found,) = resolved(f"onnx: net.onnx, name: mine, {fields}", model).onnx_files
    assert found.choice.input_channels == takes


def test_of_several_outputs_that_of_the_inputs_channels_is_the_answer(resolved):
    model = two("y", "rgb")
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 1, "h", "w")))
    for output, count in zip(model.graph.output, (1, 3), strict=True):
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, (1, count, "h", "w")))
    (found,) = resolved("onnx: net.onnx, name: mine, channels: each", model).onnx_files
    assert dict(found.outputs) == {"transmission": "y"}


def test_what_is_fixed_to_one_size_is_told_how_to_export_it(resolved):
    with pytest.raises(SpecError, match="fixed") as caught:
        resolved(model=fixed(1, 3, 64, 96))
    assert "dynamic_axes={'x': {2: 'height', 3: 'width'}} of torch.onnx.export" in str(caught.value.hint)
    assert "'free_size: true'" in str(caught.value.hint)
    assert resolved("onnx: net.onnx, name: mine, free_size: true").onnx_files


def test_half_floats_and_old_operator_sets_are_taken(resolved):
    assert resolved(model=half()).onnx_files
    for opset in (9, 10):
        assert resolved(model=small(opset=opset)).onnx_files


def put_elsewhere(path: Path, location: str) -> None:
    model = small()
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("gone.bin", "it keeps data in 'gone.bin', which does not lie beside it"),
        ("../outside.bin", "leads out of its folder"),
        ("/etc/passwd", "is an absolute path"),
        ("link.bin", "leads outside its folder"),
        ("", "is empty"),
        ("a\nb", "has a control character"),
        ("folder", "does not lie beside it"),
    ],
)
def test_data_lie_beside_the_file_or_are_refused(resolved, tmp_path, location, words):
    put_elsewhere(tmp_path / "net.onnx", location)
    (tmp_path / "link.bin").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SpecError) as caught:
        resolved()
    assert words in caught.value.message


def test_data_that_are_cut_off_are_found_before_anything_runs(resolved, tmp_path):
    resolved(model=small(), data="net.data")
    content = (tmp_path / "net.data").read_bytes()
    (tmp_path / "net.data").write_bytes(content[:-1])
    with pytest.raises(SpecError) as caught:
        resolved()
    assert "it keeps data in 'net.data', which has 323 bytes, and 324 are read of it" in caught.value.message
    assert "Git LFS" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html><body>not found</body></html>", "is a web page, not the file that the page offers"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "is a web page, not the file that the page offers"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer, not the file"),
        (b"PK\x03\x04" + bytes(60), "is no ONNX file"),
        (small().SerializeToString()[:150], "ends in the middle"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "holds no network"),
        (helper.make_model(helper.make_graph([], "g", [], [])).SerializeToString(), "holds no operations"),
        (b"\xff" * 40, "is no ONNX file"),
        (b"\x3a\xff\xff\xff\xff\x7f", "ends in the middle"),
    ],
)
def test_what_is_no_onnx_file_is_said_to_be_none(resolved, tmp_path, content, words):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        resolved()
    assert words in caught.value.message


def test_header_reads_no_weights_and_finds_data_of_inner_graphs(tmp_path):
    inner = small(answers=("r",)).graph
    inner.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    inner.initializer[0].external_data.add(key="location", value="inner.bin")
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    path = save(network([node], [weights("big", 256, 256)]), tmp_path / "net.onnx")
    found = onnx_header(path)
    assert (dict(found.locations), found.opset) == ({"inner.bin": 2 * 324}, 17)
    assert [(one.name, one.kind, one.sides) for one in found.inputs] == [("x", "float32", (1, 3, None, None))]


def test_graphs_within_graphs_without_end_are_refused(tmp_path):
    graph = small().graph
    for _ in range(20):
        graph = network([helper.make_node("If", ["c"], ["y"], then_branch=graph)], []).graph
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(NotOnnx, match="graphs within graphs"):
        onnx_header(path)


def test_random_damage_is_refused_in_words_or_read(tmp_path):
    content = np.frombuffer(small().SerializeToString(), np.uint8)
    drawn = np.random.default_rng(0)
    for _ in range(300):
        damaged = content.copy()
        damaged[drawn.integers(0, len(content), 3)] = drawn.integers(0, 256, 3)
        (tmp_path / "net.onnx").write_bytes(damaged.tobytes())
        try:
            onnx_header(tmp_path / "net.onnx")
        except NotOnnx:
            continue


def test_of_several_outputs_the_one_that_can_be_a_picture_is_taken_and_said(resolved):
    model = two("y", "mask")
    forms = {"y": ("b", 3, "h", "w"), "mask": (1, 1, "h", "w")}
    for output in model.graph.output:
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, forms[output.name]))
    (found,) = resolved(model=model).onnx_files
    assert dict(found.outputs) == {"transmission": "y"}
    assert taken_in_words(found) == (
        "net.onnx: the picture goes into its input 'x', and its output 'y' is the transmission"
    )


def test_networks_of_this_projects_names_say_nothing_of_them(resolved):
    model = network([convolution("image", "transmission")], [weights("k", 3, 3, 3, 3)], answers=("transmission",))
    model.graph.input[0].name = "image"
    assert taken_in_words(resolved(model=model).onnx_files[0]) is None


def test_a_sparse_constant_is_no_input_and_its_data_are_found(tmp_path):
    model = small()
    model.graph.sparse_initializer.add().CopyFrom(sparse("given", np.eye(3, dtype=np.float32)))
    model.graph.sparse_initializer[0].indices.data_location = TensorProto.EXTERNAL
    model.graph.sparse_initializer[0].indices.external_data.add(key="location", value="places.bin")
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("given", TensorProto.FLOAT, [3, 3]))
    found = onnx_header(save(model, tmp_path / "net.onnx"))
    assert [one.name for one in found.inputs] == ["x"]
    assert dict(found.locations) == {"places.bin": 0}


def sparse(name, values):
    places = np.flatnonzero(values).astype(np.int64)
    kept = numpy_helper.from_array(values.ravel()[places], name)
    return helper.make_sparse_tensor(kept, numpy_helper.from_array(places, f"{name}/places"), list(values.shape))
