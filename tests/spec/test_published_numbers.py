"""Numbers that others published: every table is read, its datasets and networks are known, and sums come out."""

import pytest

from orchestrator.spec.explained import explained_tables
from orchestrator.spec.library import built_in, load_catalogue, model_spec_names
from stagekit.measures import INPUT

ROWS = [(table, row) for table in built_in().published_tables for row in table.rows]
ELSEWHERE = {"ceilnet-testdata-synthetic", "sir2-all"}
"""Sets of which numbers are published, and which are not in the catalogue."""


def value(table, network, dataset, metric="psnr"):
    found = [
        row.value(metric)
        for published, row in ROWS
        if (published.name, row.network, row.dataset) == (table, network, dataset)
    ]
    assert len(found) == 1
    return found[0]


def test_every_dataset_is_in_the_catalogue_or_known_not_to_be():
    assert {row.dataset for _, row in ROWS} - set(load_catalogue()) == ELSEWHERE


def test_every_test_set_of_the_catalogue_has_published_numbers():
    tested = {name for name, entry in load_catalogue().items() if entry.published and entry.published.use == "test"}
    assert tested <= {row.dataset for _, row in ROWS}


def test_own_networks_go_by_their_specs_names():
    named = {row.network for _, row in ROWS}
    assert {"zhang2018", "errnet2019", "ibcln2020", INPUT} <= named
    assert not {name for name in named if name.lower() in {"zhang", "errnet", "ibcln", "errnet-f"}}
    assert {"zhang2018", "errnet2019", "ibcln2020"} <= set(model_spec_names())


def test_no_row_is_there_twice():
    seen = [(published.name, row.network, row.dataset, row.n, row.variant, row.protocol) for published, row in ROWS]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(("network", "average"), [("errnet2019", 23.45), ("ibcln2020", 24.08), ("CEILNet-F", 21.31)])
def test_cells_of_ibclns_table_give_the_average_that_it_prints(network, average):
    sizes = {"sir2-objects": 200, "sir2-postcard": 199, "sir2-wild": 55, "berkeley-real-test": 20, "nature-test": 20}
    total = sum(n * value("ibcln2020-table1", network, dataset) for dataset, n in sizes.items())
    assert total / sum(sizes.values()) == pytest.approx(average, abs=0.031)


def test_zhangs_column_in_ibclns_table_does_not():
    sizes = {"sir2-objects": 200, "sir2-postcard": 199, "sir2-wild": 55, "berkeley-real-test": 20, "nature-test": 20}
    total = sum(n * value("ibcln2020-table1", "zhang2018", dataset) for dataset, n in sizes.items())
    assert total / sum(sizes.values()) == pytest.approx(20.05, abs=0.006)


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
