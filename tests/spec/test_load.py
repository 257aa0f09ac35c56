"""Reading an experiment: every mistake at once, each with its place and in plain words."""

from pathlib import Path

import pytest

from orchestrator import resources
from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment, load_image, load_model_spec, model_spec_names
from orchestrator.spec.resolve import resolve

GOOD = """\
name: first
models: [zhang2018, errnet2019]
train: skimage-train
test: [skimage-test]
features: random
"""


@pytest.fixture
def refused(tmp_path):
    """Load and resolve a text that is wrong and return the error."""

    def load(text):
        path = tmp_path / "bad.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SpecError) as caught:
            resolve(load_experiment(path), path)
        error = caught.value
        error.where = (error.where or "").replace(f"{tmp_path}/", "")
        error.message = error.message.replace(f"{tmp_path}/", "")
        return error

    return load


def test_short_forms_become_full_ones(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(GOOD + "memory: 2 GiB\n")
    experiment = load_experiment(path)
    assert [choice.label for choice in experiment.models] == ["zhang2018", "errnet2019"]
    assert experiment.train.synthetic == "skimage-train"
    assert experiment.memory == 2 * 2**30


def test_all_mistakes_are_shown_at_once_with_place_line_and_caret(refused):
    error = refused(
        "name: First one\n"
        "model: [errnet2019]\n"
        "models:\n"
        "  - errnet2091\n"
        "  - {model: ibcln2020, recipe: {crop: 33, cascde: 2}}\n"
        "train: skimage-train\n"
        "test: [skimage-tset]\n"
        "seed: many\n"
        "device: cdua\n"
    )
    assert error.message == "bad.yaml has 8 mistakes"
    assert error.where == (
        "bad.yaml:1:7: name 'First one' is not a name: lower case letters, digits, '.', '_' and '-', at most 63, "
        "beginning with a letter or digit\n"
        "    name: First one\n"
        "          ^\n"
        "  bad.yaml:2:1: unknown field 'model'; did you mean 'models'?\n"
        "    model: [errnet2019]\n"
        "    ^\n"
        "  bad.yaml:4:5: there is no model 'errnet2091'; did you mean 'errnet2019'?\n"
        "      - errnet2091\n"
        "        ^\n"
        "  bad.yaml:5:39: crop must be a multiple of 4, not 33\n"
        "      - {model: ibcln2020, recipe: {crop: 33, cascde: 2}}\n"
        "                                          ^\n"
        "  bad.yaml:5:43: unknown field 'cascde'; did you mean 'cascade'?\n"
        "      - {model: ibcln2020, recipe: {crop: 33, cascde: 2}}\n"
        "                                              ^\n"
        "  bad.yaml:7:8: there is no dataset 'skimage-tset'; did you mean 'skimage-test'?\n"
        "    test: [skimage-tset]\n"
        "           ^\n"
        "  bad.yaml:8:7: seed must be a whole number, not 'many'\n"
        "    seed: many\n"
        "          ^\n"
        "  bad.yaml:9:9: device must be 'cpu' or 'cuda', not 'cdua'; did you mean 'cuda'?\n"
        "    device: cdua\n"
        "            ^"
    )


CASES = [
    pytest.param("", "the file is empty", None, id="empty"),
    pytest.param("# only words\n\n", "the file holds comments alone", None, id="comments-only"),
    pytest.param(GOOD + "---\n" + GOOD, "it holds a second document, which begins here", ":6:", id="two-documents"),
    pytest.param("- a\n- b\n", "a list of fields was expected", "bad.yaml:1:1", id="list"),
    pytest.param("just words\n", "a list of fields was expected", "bad.yaml:1:1", id="scalar"),
    pytest.param(GOOD + "name: again\n", "field 'name' is given twice, first in line 1", "bad.yaml:6:1", id="twice"),
    pytest.param(GOOD + "inference:\n\tmode: whole\n", "a tab is used as indentation", "bad.yaml:7:1", id="tab"),
    pytest.param("<<<<<<< ours\n" + GOOD, "the mark of a merge conflict", "bad.yaml:1:1", id="conflict"),
    pytest.param(GOOD + "note: 'open\n", "this is not YAML", "bad.yaml:", id="open-quote"),
    pytest.param(GOOD + "note: [a, b\n", "this is not YAML", "bad.yaml:", id="open-bracket"),
    pytest.param(GOOD + "note: *nobody\n", "this is not YAML", "bad.yaml:6:7", id="unknown-alias"),
    pytest.param(GOOD + "datasets: &d {mine: *d}\n", "this value contains itself", "bad.yaml:6:11", id="recursive"),
    pytest.param(GOOD + "note: !!python/name:os.system x\n", "tags such as '!!name' are not", "bad.yaml:6:7", id="tag"),
    pytest.param(GOOD + "note: &a {b: 1}\nmore: {<<: *a}\n", "'<<' merges fields in older", "bad.yaml:7:8", id="merge"),
    pytest.param(GOOD.encode() + b"note: caf\xe9\n", "this is not UTF-8 text", "bad.yaml:6:10", id="latin-1"),
    pytest.param(GOOD + "note: a\x07b\n", "a character that YAML forbids", None, id="control-character"),
    pytest.param(GOOD + "1: x\n", "unknown field '1'", "bad.yaml:6:1", id="number-as-field"),
    pytest.param(GOOD + "[a, b]: x\n", "a field's name must be a single word", "bad.yaml:6:1", id="list-as-field"),
    pytest.param(GOOD.replace("test: [skimage-test]\n", ""), "field 'test' is missing", "bad.yaml:1:1", id="missing"),
    pytest.param(GOOD + "memory: 8 apples\n", "'8 apples' is not an amount of memory", "bad.yaml:6:9", id="memory"),
    pytest.param(GOOD + "timeout_hours: 0\n", "must be greater than 0, not 0", "bad.yaml:6:16", id="limit"),
    pytest.param(GOOD + "note: [a]\n", "note must be text, not a list", "bad.yaml:6:7", id="list-for-text"),
    pytest.param(
        GOOD + "protocols: [course2024]\n", "ranks nothing: add 'standard'", "bad.yaml:6:12", id="faulty-alone"
    ),
    pytest.param(
        GOOD + "protocols: [standard, standard]\n", "a protocol is listed twice", "bad.yaml:6", id="protocols"
    ),
    pytest.param(GOOD + "protocols: [standart]\n", "did you mean 'standard'?", "bad.yaml:6:13", id="unknown-protocol"),
    pytest.param(
        GOOD.replace("[zhang2018, errnet2019]", "[{model: errnet2019, seeds: [1], seed: 2}]"),
        "'seeds' stands alone",
        "bad.yaml",
        id="seed-and-seeds",
    ),
    pytest.param(GOOD + "seed:\n", "seed must be a whole number, not empty", "bad.yaml:6:", id="empty-value"),
    pytest.param(GOOD + "inference: tiles\n", "inference must be a group of", "bad.yaml:6:12", id="text-for-group"),
    pytest.param(GOOD.replace("[skimage-test]", "[]"), "test needs at least 1", "bad.yaml:4:7", id="no-test"),
    pytest.param(GOOD.replace("[skimage-test]", "skimage-test"), "test must be a list", "bad.yaml:4:7", id="no-list"),
    pytest.param(GOOD + "metrics: [pnsr]\n", "did you mean 'psnr'?", "bad.yaml:6:11", id="literal-in-list"),
    pytest.param(
        GOOD + "datasets: {mine: {kind: pair, folder: a}}\n",
        "must be 'scenes', 'pairs', 'layers', 'photos' or 'prepared', not 'pair'; did you mean 'pairs'?",
        "bad.yaml:6:25",
        id="kind",
    ),
    pytest.param(
        GOOD + "datasets: {mine: {folder: a}}\n", "datasets.mine needs a field 'kind'", "bad.yaml:6:18", id="no-kind"
    ),
    pytest.param(
        GOOD + "datasets: {mine: {kind: pairs}}\n", "field 'folder' is missing in datasets.mine", "", id="no-folder"
    ),
    pytest.param(GOOD + "metrics: []\n", "metrics needs at least 1 of its kind, and has 0", ":6:", id="no-metric"),
    *(
        pytest.param(
            GOOD + f"datasets: {{mine: {{kind: {kind}, folder: a, {field}}}}}\n", said, ":6:", id=f"{kind}-{field}"
        )
        for kind, field, said in (
            ("pairs", "blended: 'blended/*.png'", "pattern 'blended/*.png' has no {id}"),
            ("pairs", "transmission: '../{id}.*'", "pattern '../{id}.*' does not lie inside the folder"),
            ("pairs", "reflection: '/{id}.*'", "pattern '/{id}.*' does not lie inside the folder"),
            ("pairs", "transmission: 'blended/{id}.*'", "blended and transmission have one pattern, 'blended/{id}.*'"),
            ("pairs", "reflection: 'blended/{id}.*'", "blended and reflection have one pattern, 'blended/{id}.*'"),
            ("layers", "pictures: ''", "pattern '' does not lie inside the folder"),
            ("layers", "reflections: 'a/../../*'", "does not lie inside the folder"),
            ("photos", "pictures: '/tmp/*'", "pattern '/tmp/*' does not lie inside the folder"),
        )
    ),
    pytest.param(GOOD.replace("first", "010"), 'text, not 010\n  write it in quotes: "0', ":1:7", id="number-for-text"),
    pytest.param(
        GOOD.replace("first", "2024-11-29"), 'not 2024-11-29\n  write it in quotes: "2024-', ":1:7", id="date-for-text"
    ),
    pytest.param(GOOD + "drop_overlap: 'true'\n", "must be true or false, not 'true'", ":6:15", id="text-for-truth"),
    *(
        pytest.param(
            GOOD + f"drop_overlap: {word!r}\n", f"must be true or false, not {word!r}", ":6:15", id=f"'{word}'"
        )
        for word in ("on", "Yes", "no", "OFF")
    ),
    pytest.param(
        GOOD.replace("zhang2018", '{model: ibcln2020, recipe: {channels_last: "on"}}'),
        "channels_last must be true or false, not 'on'",
        "bad.yaml:2:53",
        id="text-for-truth-in-a-recipe",
    ),
    pytest.param(
        GOOD + "seed:\n\n# later\nnote: a\n", "seed must be a whole number, not empty", ":6:1", id="empty-before-more"
    ),
    pytest.param(
        GOOD + "datasets:\n  mine:\n    kind: pairs\n    folder:\n",
        "datasets.mine.folder must be a path, not empty",
        ":9:5",
        id="empty-in-a-group",
    ),
    pytest.param(
        GOOD.replace("[zhang2018, errnet2019]", "[{program: }]"),
        "models[0].program must be the name of a program, or a group of 'field: value' lines, not empty",
        ":2:11",
        id="empty-program",
    ),
    pytest.param(
        GOOD.replace("[zhang2018, errnet2019]", "[{program: 5}]"),
        "models[0].program must be the name of a program, or a group of 'field: value' lines, not 5\n"
        '  write it in quotes: "5"',
        ":2:20",
        id="number-for-program",
    ),
    pytest.param(
        GOOD.replace("zhang2018", "5"),
        "models[0] must be the name of a model, or a group of 'field: value' lines, not 5",
        ":2:10",
        id="number-for-entrant",
    ),
    pytest.param(
        GOOD.replace("skimage-train", "[skimage-train]"),
        "train must be the name of a dataset of layers, or a group of 'field: value' lines, not a list",
        "bad.yaml:3:8",
        id="list-for-training",
    ),
    pytest.param(
        GOOD + "memory: [8]\n", "memory must be an amount of memory such as 8GiB, not a list", ":6:9", id="mem"
    ),
    *(
        pytest.param(
            GOOD.replace("zhang2018", f"{{onnx: a.onnx, name: it, range: {written}}}"),
            f"models[0].range: {shown} is no range of values: write [LOW, HIGH]",
            "bad.yaml:2:",
            id=f"range {written}",
        )
        for written, shown in {
            "255": "255",
            "imagenett": "'imagenett'",
            "[0, a]": "[0, 'a']",
            "[0, 1, 2]": "[0, 1, 2]",
        }.items()
    ),
    pytest.param(GOOD.replace("zhang2018", "yang2018"), "did you mean {program: yang2019}?", ":2:10", id="kin-program"),
    pytest.param(
        GOOD.replace("zhang2018", "{program: zhang2017}"), "did you mean {model: zhang2018}?", ":2:20", id="kin-model"
    ),
    pytest.param(GOOD.replace("zhang2018", "zhang2017"), "did you mean 'zhang2018'?", ":2:10", id="mistyped-model"),
    pytest.param(
        GOOD.replace("zhang2018", "nobody"),
        "and the programs, written {program: NAME}, 'yang2019'",
        ":2:10",
        id="nobody",
    ),
    pytest.param(
        GOOD.replace("first", "''"), "name is empty, and must be a name: lower case", "bad.yaml:1:7", id="empty-name"
    ),
    pytest.param(GOOD + "seed: '8'\n", "seed must be a whole number, not '8'", ":6:7", id="text-for-number"),
    pytest.param(
        GOOD.replace("[zhang2018", "[{prediction: p, name: it}"),
        "unknown field 'prediction'; did you mean 'predictions'?",
        "bad.yaml:2:11",
        id="mistyped-kind",
    ),
    pytest.param(
        GOOD.replace("[zhang2018", "[{onnx: a.onnx, name: it, predictions: p}"),
        "this entrant has the fields 'onnx' and 'predictions': an entrant is one of them",
        "bad.yaml:2:35",
        id="two-kinds",
    ),
    pytest.param(
        GOOD.replace("[zhang2018", "[{name: it}"),
        "it needs a field 'model', 'onnx', 'predictions' or 'program'",
        "bad.yaml:2:10",
        id="no-kind-of-entrant",
    ),
    pytest.param(
        GOOD.replace("[zhang2018", "[nets/a.onnx"),
        "no model's name: write {onnx: nets/a.onnx, name: NAME}",
        "bad.yaml:2:10",
        id="file-for-model",
    ),
    pytest.param(
        GOOD.replace("errnet2019]", "{model: errnet2019, recipe: {rate: [{epoch: 0, rte: 1}]}}]"),
        "unknown field 'rte'; did you mean 'rate'?",
        "bad.yaml:2:",
        id="deep-in-recipe",
    ),
]


@pytest.mark.parametrize(("text", "words", "place"), CASES)
def test_mistake_is_told_in_plain_words(refused, text, words, place):
    error = refused(text)
    said = f"{error.message}\n  {error.hint}\n{error.where}"
    assert words in said
    assert (place or "bad.yaml") in said
    assert error.hint
    assert "pydantic" not in said
    assert "Input should" not in said


def test_empty_lines_of_a_flow_do_not_shift_places(refused):
    assert "bad.yaml:8:9" in refused(GOOD + "# words\n\ndevice: gpu\n").where


def test_missing_file_names_what_the_folder_has(tmp_path):
    (tmp_path / "first.yaml").write_text(GOOD)
    with pytest.raises(SpecError, match=r"there is no file .*frist\.yaml") as caught:
        load_experiment(tmp_path / "frist.yaml")
    assert "first.yaml" in caught.value.hint


def test_folder_instead_of_a_file_is_refused(tmp_path):
    with pytest.raises(SpecError, match="is a folder"):
        load_experiment(tmp_path)


def test_huge_file_is_refused(tmp_path):
    (tmp_path / "big.yaml").write_bytes(b"#" * (2 * 2**20))
    with pytest.raises(SpecError, match="has more than 1048576 bytes"):
        load_experiment(tmp_path / "big.yaml")


def test_very_long_line_is_shown_around_the_mistake(refused):
    where = refused(GOOD + f"note: {'x' * 3000}\ninference: {{{' ' * 2000}mode: tile}}\n").where
    line, caret = where.splitlines()[-2:]
    assert len(line) < 200
    assert line[len(caret) - 1 :].startswith("tile")


def test_unicode_before_the_mistake_keeps_the_caret_right(refused):
    line, caret = refused(GOOD + "inference: {mode: 'größe'}\n").where.splitlines()[-2:]
    assert line[len(caret) - 1] == "'"


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_experiment(path).name == "first"


def test_anchors_may_be_used(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(GOOD.replace("[zhang2018, errnet2019]", "[&a errnet2019, {model: *a, name: b}]"))
    assert [choice.label for choice in load_experiment(path).models] == ["errnet2019", "b"]


def test_every_model_spec_can_be_read():
    written = {path.stem for path in resources.model_specs_folder().glob("*.yaml")}
    assert {"zhang2018", "errnet2019", "errnet2019-unaligned", "ibcln2020"} <= written
    assert set(model_spec_names()) == written
    for name in written:
        spec = load_model_spec(name)
        assert spec.name == name
        assert load_image(spec.image).name == spec.image


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("zhang2018", "zhang2018"),
        ("errnet2019", "errnet2019"),
        ("errnet2019-unaligned", "errnet2019"),
        ("ibcln2020", "ibcln2020"),
    ],
)
def test_model_spec_is_trained_by_the_recipe_of_its_network(name, family):
    assert load_model_spec(name).paper_recipe.values["family"] == family


@pytest.mark.parametrize(
    ("load", "name", "words"),
    [
        pytest.param(load_model_spec, "errnet", "there is no model 'errnet'; did you mean 'errnet2019'?", id="model"),
        pytest.param(load_image, "resnet", "there is no image 'resnet'", id="image"),
        pytest.param(load_model_spec, "../data/skimage-test", "there is no model", id="path"),
    ],
)
def test_unknown_name_is_refused(load, name, words):
    with pytest.raises(SpecError) as caught:
        load(name)
    assert caught.value.message.startswith(words)
    assert caught.value.hint


def test_places_are_relative_where_the_path_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(GOOD + "sed: 1\n")
    with pytest.raises(SpecError) as caught:
        load_experiment(Path("bad.yaml"))
    assert caught.value.where.startswith("bad.yaml:6:1\n")
