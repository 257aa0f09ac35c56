"""Numbers that others published: every table is read, its datasets and networks are known, and sums come out."""

import pytest

from orchestrator.spec.explained import explained_tables
from orchestrator.spec.library import built_in, load_catalogue, model_spec_names
from stagekit.measures import INPUT

ROWS = [(table, row) for table in built_in().published_tables for row in table.rows]
ELSEWHERE = {"ceilnet-testdata-synthetic", "sir2-all", "sir2-454", "sir2-500"}
"""Sets of which numbers are published, and which are not in the catalogue."""
UNREAD = {"cdr", "sir2-plus", "openrr-1k-val", "uhdrr4k-test", "uhdrr8k-test"}
"""Sets of the catalogue of which no published number could be read."""
NETWORKS = {"zhang2018", "errnet2019", "ibcln2020"}
SIZES = {"sir2-objects": 200, "sir2-postcard": 199, "sir2-wild": 55, "berkeley-real-test": 20, "nature-test": 20}


def value(table, network, dataset, metric="psnr"):
    found = [
        row.value(metric)
        for published, row in ROWS
        if (published.name, row.network, row.dataset) == (table, network, dataset)
    ]
    assert len(found) == 1
    return found[0]


def mean(table, network, without=()):
    sizes = {dataset: n for dataset, n in SIZES.items() if dataset not in without}
    return sum(n * value(table, network, dataset) for dataset, n in sizes.items()) / sum(sizes.values())


def test_every_dataset_is_in_the_catalogue_or_known_not_to_be():
    assert {row.dataset for _, row in ROWS} - set(load_catalogue()) == ELSEWHERE


def test_every_test_set_of_the_catalogue_has_published_numbers():
    tested = {name for name, entry in load_catalogue().items() if entry.published and entry.published.use == "test"}
    assert tested - {row.dataset for _, row in ROWS} == UNREAD


def test_own_networks_go_by_their_specs_names():
    named = {row.network for _, row in ROWS}
    assert {*NETWORKS, INPUT} <= named
    assert not {name for name in named if name.lower() in {"zhang", "errnet", "ibcln", "errnet-f"}}
    assert set(model_spec_names()) >= NETWORKS


def test_no_row_is_there_twice():
    seen = [(published.name, row.network, row.dataset, row.n, row.variant, row.protocol) for published, row in ROWS]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(("network", "average"), [("errnet2019", 23.45), ("ibcln2020", 24.08), ("CEILNet-F", 21.31)])
def test_cells_of_ibclns_table_give_the_average_that_it_prints(network, average):
    assert mean("ibcln2020-table1", network) == pytest.approx(average, abs=0.031)


def test_zhangs_column_in_ibclns_table_does_not():
    assert mean("ibcln2020-table1", "zhang2018") == pytest.approx(20.05, abs=0.006)


@pytest.mark.parametrize(
    ("table", "network", "without", "average"),
    [
        ("dsit2024-tables", "zhang2018", ["nature-test"], 20.08),
        ("dsit2024-tables", "RobustSIRR", ["nature-test"], 22.59),
        ("dsit2024-tables", "DSIT", ["nature-test"], 26.27),
        ("dsit2024-tables", "DSIT (with Nature)", ["nature-test"], 26.49),
        ("dsit2024-tables", "DSRNet", ["nature-test"], 25.40),
        ("windowseat2025-table1", "WindowSeat", ["nature-test", "berkeley-real-test"], 28.99),
        ("windowseat2025-table1", "Huang et al. (DPIT)", ["nature-test", "berkeley-real-test"], 26.90),
        ("krantbrity-reruns", "RDNet", [], 26.7236),
        ("krantbrity-reruns", "DSIT", [], 26.7142),
        ("krantbrity-reruns", "Huang et al. (DPIT)", [], 26.8329),
        ("krantbrity-reruns", "DSRNet", [], 25.8408),
        ("krantbrity-reruns", "Zhu et al. (with RRW)", [], 25.6020),
        ("krantbrity-reruns", "Dong et al. (with Nature)", [], 24.3463),
        ("krantbrity-reruns", "ibcln2020", [], 24.1135),
        ("krantbrity-reruns", "input", [], 22.7592),
    ],
)
def test_cells_of_newer_tables_give_the_averages_that_they_print(table, network, without, average):
    half = 0.00011 if "reruns" in table else 0.0101
    assert mean(table, network, without) == pytest.approx(average, abs=half)


def test_one_average_of_windowseats_table_does_not_follow_from_its_cells():
    found = mean("windowseat2025-table1", "WindowSeat (Apache 2.0)", ["nature-test", "berkeley-real-test"])
    assert found == pytest.approx(28.86, abs=0.005)
    assert value("windowseat2025-table1", "WindowSeat (Apache 2.0)", "sir2-454") == 28.84


def test_same_network_on_the_same_pictures_is_not_the_same_number():
    own, others = value("zhang2018-table1", "zhang2018", "berkeley-real-test"), 22.42
    assert value("ibcln2020-table1", "zhang2018", "berkeley-real-test") == others
    assert others - own == pytest.approx(1.12)


def test_table_to_be_explained_is_marked_as_faulty_and_knows_its_cells():
    (table,) = explained_tables()
    printed = {(cell.dataset, cell.model, cell.metric): cell.printed for cell in table.cells}
    assert printed["ceilnet-table2", "zhang2018", "psnr"] == "29.32"
    assert printed["ceilnet-table2", "ibcln2020", "psnr"] == "28.71"
    assert {text for (dataset, _, _), text in printed.items() if dataset == "berkeley-real-test"} == {"OOM"}
    counts = {column.name: (column.claimed, column.logged) for column in table.datasets}
    assert (counts["sir2-postcard"], counts["sir2-wild"]) == ((199, 198), (55, 101))
