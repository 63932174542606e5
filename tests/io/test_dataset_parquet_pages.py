"""What the pages of a column unpack to, against the sums that pyarrow writes."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genviewer.io import dataset_parquet, dataset_parquet_pages
from genviewer.io.dataset_parquet_pages import Span, read_groups, read_pages
from genviewer.io.dataset_survey import survey
from genviewer.io.dataset_values import DataError
from tests.io.data_files import encoded, picture, write_table


def varint(value: int, length: int = 0) -> bytes:
    """A whole number as Thrift's compact protocol has it, in more bytes than it needs if wished."""
    rest, result = value << 1 ^ (-1 if value < 0 else 0), bytearray()
    while rest > 127 or len(result) < length - 1:
        result.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*result, rest])


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_pages_are_counted(tmp_path, version, compression, dictionary):
    values = [bytes([i]) * 500 for i in range(50)] * 4
    table = pa.table({"a": values, "b": list(range(200))})
    path = tmp_path / "a.parquet"
    options = {"data_page_version": version, "compression": compression}
    pq.write_table(
        table,
        path,
        use_dictionary=dictionary,
        dictionary_pagesize_limit=5000,
        data_page_size=2000,
        write_batch_size=4,
        write_page_checksum=True,
        write_statistics=False,
        **options,
    )
    with path.open("rb") as file:
        (group,) = read_groups(file)
        found = [read_pages(file, span).unpacked for span in group.columns]
    told = pq.ParquetFile(path).metadata.row_group(0)
    assert (group.rows, len(found)) == (200, told.num_columns)
    for place, unpacked in enumerate(found):
        column = told.column(place)
        assert group.columns[place].length == column.total_compressed_size
        pages = 1 + column.total_uncompressed_size // 1000
        headers = column.total_uncompressed_size - unpacked  # they count in the footer's sum
        assert 0 < headers < pages * 100


def test_a_file_that_says_too_little_of_itself_is_refused(tmp_path, monkeypatch):
    images = [encoded(picture(i)) + bytes(100_000) for i in range(5)]
    path = write_table(tmp_path / "a.parquet", images, compression="zstd", use_dictionary=False)
    true = pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size
    data, told = path.read_bytes(), varint(true)
    place = data.rindex(told)
    path.write_bytes(data[:place] + varint(1000, len(told)) + data[place + len(told) :])
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 1000
    assert survey(path).count == 5
    monkeypatch.setattr(dataset_parquet, "MAX_GROUP_BYTES", 400_000)
    with pytest.raises(DataError, match=r"row 0 is among 50\d,\d{3} bytes in one row group"):
        survey(path)


def test_headers_that_another_reader_may_understand_otherwise_are_refused(monkeypatch):
    page = bytes([0x15, 0, 0x15, *varint(8), 0x15, *varint(0), 0])
    assert read_pages(io.BytesIO(page * 3), Span(0, 3 * len(page))) == (24, set())
    twice, long = bytes([0x05, *varint(2), *varint(8)]), varint(1 << 32)
    for broken in (
        b"",
        page[:-1],
        page[:-1] + twice + b"\0",  # the size once more
        bytes([0x15, 0, 0x16, *varint(8), 0x15, 0, 0]),  # of another kind
        bytes([0x15, 0, 0x15, *long, 0x15, 0, 0]),  # in 32 bits it is 0
        bytes([0x15, 0, 0x15, *varint(-8), 0x15, 0, 0]),
        bytes([0x15, 0, 0x15, *varint(8), 0]),
        bytes([0x18, 0xFF, 0xFF, 3]),
        b"\x1c" * 99,
        b"\x19\x1c" * 99,
        b"\x19\x19" * 99,
    ):
        with pytest.raises(ValueError, match=r"\w"):
            read_pages(io.BytesIO(broken + b"\xff" * 50), Span(0, len(broken) + 50))
    monkeypatch.setattr(dataset_parquet_pages, "MAX_PAGES", 2)
    with pytest.raises(ValueError, match="far too many"):
        read_pages(io.BytesIO(page * 3), Span(0, 3 * len(page)))
