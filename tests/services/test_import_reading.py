"""Rows are read for what they say; bad ones are named by file, row and reason."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.importing import reading
from services.importing.columns import key_text, numbers, times
from services.importing.dealing import Channel, deal_channel
from services.importing.errors import SourceError
from services.importing.judging import line_amount
from services.importing.mapping import Amount, Csv, Mapping
from services.importing.mapping_file import parse_mapping
from services.importing.purchases import Purchases, read_purchases
from services.importing.survey import Survey, take_survey
from tests.services.import_world import LINES, MAPPING, mapping_of

GOOD_ROWS = [1, 15, 16, 17, 18]
REASONS = [
    "NO_PERSON",
    "NO_PERSON",
    "NO_ITEM",
    "ITEM_PATTERN",
    "ITEM_TOO_LONG",
    "ORDER_TOO_LONG",
    "TIME_UNREADABLE",
    "QUANTITY_UNREADABLE",
    "QUANTITY_ZERO",
    "QUANTITY_TOO_LARGE",
    "AMOUNT_UNREADABLE",
    "PRICE_NOT_POSITIVE",
    "MALFORMED",
]


def survey_of(mapping: Mapping) -> tuple[Survey, list[str]]:
    bad_rows = io.StringIO()
    return take_survey(mapping, bad_rows), bad_rows.getvalue().splitlines()


def told(batches: list[Purchases]) -> list[tuple[Any, ...]]:
    """Purchases as plain rows."""
    return [
        row
        for b in batches
        for row in zip(
            b.rows.tolist(),
            b.ordinals.tolist(),
            b.items,
            b.orders,
            b.channels.tolist(),
            b.time_ms.tolist(),
            b.quantity.tolist(),
            b.refund.tolist(),
            b.amount_minor.tolist(),
            strict=True,
        )
    ]


@pytest.fixture
def shop(tmp_path: Path) -> Mapping:
    (tmp_path / "lines.csv").write_text(LINES)
    # long codes must be told from codes of another shape
    bad_rows = {**MAPPING["bad_rows"], "item_pattern": "[0-9]{3}[A-Z]*"}
    return mapping_of(tmp_path, bad_rows=bad_rows)


class TestSurvey:
    def test_every_bad_row_is_counted_and_written_down_by_its_first_reason(self, shop: Mapping) -> None:
        survey, written = survey_of(shop)
        assert survey.rows_read == 18
        assert survey.rows_good == 5
        assert written[0] == "file,row,reason"
        expected = [f"lines.csv,{row},{reason}" for row, reason in enumerate(REASONS, start=2)]
        assert sorted(written[1:]) == sorted(expected)
        assert sum(survey.refused.values()) == 13
        assert survey.refused["NO_PERSON"] == 2

    def test_the_written_reasons_name_no_person(self, shop: Mapping) -> None:
        (shop.files[0]).write_text(LINES.replace("\n8,", "\nperson-eight,"))
        _, written = survey_of(shop)
        assert not any("person-eight" in line for line in written)

    def test_people_are_numbered_in_the_order_of_their_keys_as_text(self, shop: Mapping) -> None:
        survey, _ = survey_of(shop)
        assert survey.people.to_pylist() == ["10", "7"]

    def test_an_item_goes_by_the_title_most_of_its_lines_carry(self, shop: Mapping) -> None:
        catalogue = survey_of(shop)[0].catalogue
        titles = dict(zip(catalogue.ids.to_pylist(), catalogue.titles.to_pylist(), strict=True))
        # 102: "Red cup" and "RED CUP" twice each, so the texts decide; 104 only lacks pieces;
        # 105 has no price and is not on sale
        assert titles == {"101": "Blue cup", "101B": "Blue bowl", "102": "RED CUP", "104": "Grey cup"}

    def test_the_first_time_is_that_of_a_good_row(self, shop: Mapping) -> None:
        assert survey_of(shop)[0].first_ms == 1_709_287_200_000

    def test_an_empty_file_is_an_empty_data_set_and_one_without_a_header_is_an_error(
        self, shop: Mapping
    ) -> None:
        shop.files[0].write_text(LINES.partition("\n")[0] + "\n")
        survey, written = survey_of(shop)
        assert (survey.rows_read, len(survey.people), written) == (0, 0, ["file,row,reason"])
        assert list(read_purchases(shop, survey)) == []
        shop.files[0].write_text("")
        with pytest.raises(SourceError, match="is empty"):
            survey_of(shop)

    def test_a_missing_column_is_named_with_its_file(self, shop: Mapping) -> None:
        shop.files[0].write_text(LINES.replace("basket", "order", 1))
        with pytest.raises(SourceError, match=r"lines\.csv: no column 'basket' among its \d$"):
            survey_of(shop)

    def test_text_in_another_encoding_is_an_error_until_the_mapping_names_it(self, tmp_path: Path) -> None:
        (tmp_path / "lines.csv").write_bytes(LINES.replace("Blue cup", "Blaue Schüssel").encode("latin-1"))
        with pytest.raises(SourceError, match=r"lines\.csv"):
            survey_of(mapping_of(tmp_path))
        survey, _ = survey_of(mapping_of(tmp_path, csv={"encoding": "latin-1"}))
        assert survey.catalogue.titles[0].as_py() == "Blaue Schüssel"


class TestPurchases:
    def test_good_rows_carry_what_the_source_says(self, shop: Mapping) -> None:
        survey, _ = survey_of(shop)
        rows = told(list(read_purchases(shop, survey)))
        assert [row[0] for row in rows] == GOOD_ROWS
        assert [row[1] for row in rows] == [2, 1, 1, 2, 2]
        assert [row[2] for row in rows] == ["101", "101B", "102", "102", "102"]
        assert [row[3] for row in rows] == ["A1", "B1", "B1", "A5", "A5"]
        assert [row[5] for row in rows] == [
            1_709_287_200_000,
            1_709_368_200_000,
            1_709_371_800_250,
            1_709_424_000_000,
            1_709_424_000_000,
        ]
        assert [row[6:] for row in rows] == [
            (2, False, 300),
            (1, True, 225),
            (3, False, 400),
            (1, False, 150),
            (1, False, 150),
        ]

    def test_the_lines_of_a_basket_share_the_channel_dealt_to_it(self, shop: Mapping) -> None:
        survey, _ = survey_of(shop)
        for row in told(list(read_purchases(shop, survey))):
            assert Channel(row[4]) is deal_channel("corner-shop", row[1], row[3])

    def test_without_an_order_a_persons_day_is_the_basket(self, shop: Mapping) -> None:
        purchases = {key: value for key, value in MAPPING["purchases"].items() if key != "order"}
        mapping = mapping_of(shop.files[0].parent, purchases=purchases)
        survey, _ = survey_of(mapping)
        rows = told(list(read_purchases(mapping, survey)))
        assert {row[3] for row in rows} == {""}
        days = {(row[1], row[5] // 86_400_000) for row in rows}
        assert len({(row[1], row[5] // 86_400_000, row[4]) for row in rows}) == len(days) == 4

    def test_nothing_from_the_given_instant_on_is_read(self, shop: Mapping) -> None:
        survey, _ = survey_of(shop)
        rows = told(list(read_purchases(shop, survey, until_ms=1_709_371_800_250)))
        assert [row[0] for row in rows] == [1, 15]


def source(tmp: Path, table: pa.Table, *, files: int = 1, csv: bool = False) -> Mapping:
    """A table written as one or several files, with a mapping of its columns."""
    rows = -(-table.num_rows // files) or 1
    for number in range(files):
        part = table.slice(number * rows, rows)
        name = tmp / f"part{number}.{'csv' if csv else 'parquet'}"
        if csv:
            texts = [[("" if v is None else str(v)) for v in part[c].to_pylist()] for c in part.column_names]
            lines = [",".join(part.column_names), *(",".join(row) for row in zip(*texts, strict=True))]
            name.write_text("\n".join(lines) + "\n")
        else:
            pa_parquet.write_table(part, name, row_group_size=7)
    purchases = {
        "files": ["part*"],
        "person": "who",
        "item": "what",
        "order": "basket",
        "time": "at",
        "quantity": "pieces",
        "amount": {"column": "paid", "currency": "EUR"},
    }
    if csv:
        purchases["time_format"] = "unix"
    return parse_mapping({"dataset": "drawn", "purchases": purchases}, tmp)


rows_drawn = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.one_of(st.none(), st.integers(1, 9)),
            "what": st.integers(100, 104),
            "basket": st.integers(1, 12),
            "seconds": st.integers(0, 2_000_000_000),
            "pieces": st.integers(-2, 3),
            "paid": st.integers(-500, 500),
        }
    ),
    max_size=40,
)


def table_of(rows: list[dict[str, Any]], *, stamps: bool) -> pa.Table:
    seconds = pa.array([row["seconds"] for row in rows], pa.int64())
    columns = {name: pa.array([row[name] for row in rows], pa.int64()) for name in ("who", "what", "basket")}
    return pa.table(
        {
            **columns,
            "at": seconds.cast(pa.timestamp("s")) if stamps else seconds,
            "pieces": pa.array([row["pieces"] for row in rows], pa.int64()),
            "paid": pa.array([row["paid"] / 100 for row in rows], pa.float64()),
        }
    )


class TestProperties:
    @settings(max_examples=40)
    @given(rows=rows_drawn, files=st.integers(1, 3))
    def test_csv_and_parquet_of_the_same_rows_are_the_same_purchases(
        self, rows: list[dict[str, Any]], files: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        both = []
        for csv in (False, True):
            folder = tmp_path_factory.mktemp("drawn")
            mapping = source(folder, table_of(rows, stamps=not csv), files=files, csv=csv)
            survey, written = survey_of(mapping)
            reasons = [line.replace(".csv", ".parquet") for line in written]
            both.append(
                (told(list(read_purchases(mapping, survey))), survey.refused, reasons, survey.rows_read)
            )
        assert both[0] == both[1]

    @settings(max_examples=40)
    @given(rows=rows_drawn, batch_rows=st.integers(1, 9), after=st.integers(0, 40))
    def test_reading_may_be_cut_anywhere_and_may_begin_anywhere(
        self,
        rows: list[dict[str, Any]],
        batch_rows: int,
        after: int,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> None:
        mapping = source(tmp_path_factory.mktemp("drawn"), table_of(rows, stamps=True), files=2)
        survey, written = survey_of(mapping)
        whole = told(list(read_purchases(mapping, survey)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "BATCH_ROWS", batch_rows)
            again, again_written = survey_of(mapping)
            assert (again.people, again.refused, again_written) == (survey.people, survey.refused, written)
            assert again.catalogue == survey.catalogue
            rest = list(read_purchases(mapping, survey, after_row=after))
        assert told(rest) == [row for row in whole if row[0] > after]

    @settings(max_examples=40)
    @given(rows=rows_drawn)
    def test_every_row_is_a_purchase_or_has_one_reason(
        self, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        mapping = source(tmp_path_factory.mktemp("drawn"), table_of(rows, stamps=True))
        survey, written = survey_of(mapping)
        good = [row[0] for row in told(list(read_purchases(mapping, survey)))]
        bad = [int(line.split(",")[1]) for line in written[1:]]
        assert sorted(good + bad) == list(range(1, len(rows) + 1))
        assert survey.rows_good == len(good)
        oracle = [n for n, row in enumerate(rows, start=1) if row["who"] is not None and row["pieces"]]
        assert good == oracle


class TestCsv:
    def test_malformed_records_keep_the_numbers_of_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where a record holds a line break, and where blocks end between records."""
        monkeypatch.setattr(reading, "CSV_BLOCK_BYTES", 200)
        records = [f'{n},B{n},101,"Blue\ncup",1,1.50,2024-03-01' if n % 7 else "torn" for n in range(1, 200)]
        (tmp_path / "lines1.csv").write_text("\n".join([LINES.partition("\n")[0], *records, "torn"]) + "\n")
        (tmp_path / "lines2.csv").write_text("\n".join([LINES.partition("\n")[0], *records[:3]]) + "\n")
        mapping = mapping_of(tmp_path)
        survey, written = survey_of(mapping)
        torn = [*range(7, 200, 7), 200]
        assert [line for line in written[1:] if "MALFORMED" in line] == [
            f"lines1.csv,{row},MALFORMED" for row in torn
        ]
        rows = told(list(read_purchases(mapping, survey)))
        assert [row[0] for row in rows] == [*(n for n in range(1, 200) if n % 7), 201, 202, 203]
        by_row = dict(enumerate(survey.people.to_pylist(), start=1))
        assert all(by_row[row[1]] == str(row[0]) for row in rows[:-3])
        assert survey.rows_read == 203

    def test_semicolons_and_decimal_commas_are_read_when_the_mapping_says_so(self, tmp_path: Path) -> None:
        european = (
            LINES.replace(",", ";").replace("1.50", "1,50").replace("1.333", "1,333").replace("2.25", "2,25")
        )
        (tmp_path / "lines.csv").write_text(european)
        mapping = mapping_of(tmp_path, csv={"delimiter": ";", "decimal_point": ","})
        survey, _ = survey_of(mapping)
        assert [row[8] for row in told(list(read_purchases(mapping, survey)))] == [300, 225, 400, 150, 150]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("people.csv", "anna@example.com,+491711234567\nbert@example.com,+491711234568\n"),
        ("people.jsonl", '{"anna@example.com": "+491711234567"}\n'),
    ],
)
def test_a_file_without_its_columns_is_refused_without_showing_its_first_row(
    tmp_path: Path, name: str, rows: str
) -> None:
    (tmp_path / name).write_text(rows)
    with pytest.raises(SourceError, match=r"no column 'email' among its \d$") as caught:
        list(reading.read_lines([tmp_path / name], ["email"], Csv()))
    assert "anna" not in str(caught.value)
    assert "1711" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        '{"email": "a\\ud800@example.com"}',
        '{"email": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"email": ' + "1" * 5_000 + "}",
        '{"email": "anna@exam',
        '["anna@example.com"]',
    ],
    ids=["half a character", "nested without end", "a number without end", "cut off", "no object"],
)
def test_a_line_that_can_not_be_taken_apart_is_refused_and_the_next_is_read(
    tmp_path: Path, line: str
) -> None:
    """Else one such line would end the import, and every resumption of it."""
    file = tmp_path / "people.jsonl"
    file.write_text(f'{line}\n{{"email": "bert@example.com", "note": "\\ud800"}}\n')
    (lines,) = reading.read_lines([file], ["email"], Csv())
    assert (lines.rows.tolist(), lines.malformed.tolist()) == ([2], [1])
    assert lines.columns["email"].to_pylist() == ["bert@example.com"]


class TestItems:
    def test_separate_items_are_joined_and_what_they_lack_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "lines.csv").write_text(LINES)
        (tmp_path / "items.csv").write_text(
            "code,what,size,shelf,sort,maker\n"
            "101,Cup,0.3 l,Kitchen,Cups,\n"
            f"102,,,Kitchen,,{'M' * 200}\n"
            "101b, Bowl ,,,,Acme\n"
            "999,Never sold,,,,\n"
        )
        purchases = {key: value for key, value in MAPPING["purchases"].items() if key != "title"}
        items = {
            "files": ["items.csv"],
            "item": "code",
            "title": ["what", "size"],
            "category": ["shelf", "sort"],
            "brand": "maker",
        }
        catalogue = survey_of(mapping_of(tmp_path, purchases=purchases, items=items))[0].catalogue
        columns = (catalogue.ids, catalogue.titles, catalogue.categories, catalogue.brands)
        assert list(zip(*(column.to_pylist() for column in columns), strict=True)) == [
            ("101", "Cup 0.3 l", "Kitchen / Cups", ""),
            ("101B", "Bowl", "", "Acme"),
            ("102", "Kitchen", "Kitchen", "M" * 128),
            ("104", "104", "", ""),
        ]
        assert catalogue.unnamed == 2


class TestColumns:
    def test_keys_are_the_same_text_whatever_the_column_holds_them_as(self) -> None:
        for column in (
            pa.array([17, None, 3]),
            pa.array([17.0, None, 3.0]),
            pa.array([17.0, float("nan"), 3.0]),
            pa.array([" 17", " ", "3"]),
            pa.array(["17", None, "3"]).dictionary_encode(),
            pa.array(["17", "", "3"], pa.large_string()),
        ):
            assert key_text(column).to_pylist() == ["17", None, "3"]
        assert key_text(pa.array(["NULL", "x"]), ("NULL",)).to_pylist() == [None, "x"]

    def test_a_key_column_of_fractions_or_times_is_refused(self) -> None:
        for column in (pa.array([0.5]), pa.array([1], pa.timestamp("s"))):
            with pytest.raises(SourceError, match="key column"):
                key_text(column)

    @example(["0\x1f"])  # white space to a text, though not to ``float``
    @given(st.lists(st.one_of(st.text(max_size=8), st.floats().map(str), st.integers().map(str))))
    def test_a_number_is_read_as_python_reads_it_or_not_at_all(self, texts: list[str]) -> None:
        """White space around it aside."""
        for text, value in zip(texts, numbers(pa.array(texts, pa.string()), "."), strict=True):
            assert np.isnan(value) or value == pytest.approx(float(text.strip()))

    def test_words_and_infinities_are_no_numbers(self) -> None:
        assert np.isnan(
            numbers(pa.array(["nan", "inf", "1e400", "0x10", "1_000", "1,5", "", None]), ".")
        ).all()

    @given(st.integers(0, 4_000_000_000_000))
    def test_a_time_is_the_same_instant_in_every_form(self, instant_ms: int) -> None:
        stamp = pa.array([instant_ms]).cast(pa.timestamp("ms"))
        zoned = pa.array([instant_ms]).cast(pa.timestamp("ms", "Europe/Berlin"))
        iso = np.datetime_as_string(np.datetime64(instant_ms, "ms"))
        forms = [
            (stamp, ""),
            (zoned, ""),
            (stamp.cast(pa.timestamp("ns")), ""),
            (pa.array([iso]), ""),
            (pa.array([f"{iso}+00:00"]), ""),
            (pa.array([iso]), "%Y-%m-%dT%H:%M:%S.%f"),
            (pa.array([instant_ms]), "unix_ms"),
            (pa.array([str(instant_ms)]), "unix_ms"),
        ]
        for column, time_format in forms:
            read, unreadable = times(column, time_format)
            assert (read.tolist(), unreadable.tolist()) == ([instant_ms], [False])

    def test_what_is_no_time_is_said_so(self) -> None:
        _, unreadable = times(pa.array(["2024-02-30", "soon", "", None, "2024-02-29"]), "")
        assert unreadable.tolist() == [True, True, True, True, False]
        with pytest.raises(SourceError, match="time_format"):
            times(pa.array([1]), "")

    @given(st.integers(1, 100_000), st.integers(1, 10_000_000))
    def test_a_price_per_piece_kept_as_a_32_bit_float_is_exact_in_minor_units(
        self, pieces: int, price_minor: int
    ) -> None:
        amount = Amount("price", per_piece=True, minor=False, currency="GBP")
        price = np.array([price_minor / 100], np.float32).astype(np.float64)
        if price_minor < 100_000:  # beyond, 32 bits do not hold a hundredth of a minor unit
            assert line_amount(price, np.array([float(pieces)]), amount)[0] == pieces * price_minor

    @pytest.mark.parametrize(("currency", "minor"), [("JPY", 1234), ("EUR", 123400), ("KWD", 1234000)])
    def test_minor_units_are_those_of_the_currency(self, currency: str, minor: int) -> None:
        amount = Amount("paid", per_piece=False, minor=False, currency=currency)
        assert line_amount(np.array([1234.0]), np.array([1.0]), amount).tolist() == [minor]

    def test_what_was_paid_back_is_positive_however_the_source_signs_it(self) -> None:
        line = Amount("paid", per_piece=False, minor=True, currency="GBP")
        paid = line_amount(np.array([-250.0, 250.0]), np.array([-1.0, -1.0]), line)
        assert paid.tolist() == [250, 250]


def test_rows_are_numbered_on_through_all_files(tmp_path: Path) -> None:
    rows = [{"who": 1, "what": 100, "basket": 1, "seconds": n, "pieces": 1, "paid": 1} for n in range(10)]
    mapping = source(tmp_path, table_of(rows, stamps=True), files=3)
    survey, _ = survey_of(mapping)
    numbers_read = [row[0] for row in told(list(read_purchases(mapping, survey)))]
    assert numbers_read == list(range(1, 11))
    assert all(b - a == 1 for a, b in pairwise(numbers_read))
