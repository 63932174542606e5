"""What the pages of a column unpack to, against the sums that pyarrow writes."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genviewer.io import dataset_parquet, dataset_parquet_pages
from genviewer.io.dataset_parquet_pages import unpacked_size
from genviewer.io.dataset_survey import survey
from genviewer.io.dataset_values import DataError
from tests.io.data_files import encoded, picture, write_table

LONGEST_HEADER = 4096


def varint(value: int, length: int = 0) -> bytes:
    """A whole number as Thrift's compact protocol has it, in more bytes than it needs if wished."""
    rest, result = value << 1, bytearray()
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
        **options,
    )
    for place in range(2):
        column = pq.ParquetFile(path).metadata.row_group(0).column(place)
        start = column.dictionary_page_offset or column.data_page_offset
        with path.open("rb") as file:
            found = unpacked_size(file, start, column.total_compressed_size)
        pages = 1 + column.total_uncompressed_size // 1000
        assert 0 < column.total_uncompressed_size - found < pages * LONGEST_HEADER
        assert found > column.total_uncompressed_size * 0.5


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


def test_headers_without_end_are_refused(monkeypatch):
    page = bytes([0x15, 0, 0x15, *varint(8), 0x15, *varint(0), 0])
    assert unpacked_size(io.BytesIO(page * 3), 0, 3 * len(page)) == 24
    for broken in (b"", b"\x00", page[:-1], bytes([0x18, 0xFF, 0xFF, 3]), b"\x1c" * 99):
        with pytest.raises(ValueError, match="page"):
            unpacked_size(io.BytesIO(broken + b"\xff" * 50), 0, len(broken) + 50)
    monkeypatch.setattr(dataset_parquet_pages, "MAX_PAGES", 2)
    with pytest.raises(ValueError, match="far too many"):
        unpacked_size(io.BytesIO(page * 3), 0, 3 * len(page))
