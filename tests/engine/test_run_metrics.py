import os

from genviewer.engine.run_metrics import MetricsReader
from genviewer.engine.train_run import MetricsFile


def test_it_reads_what_a_run_writes_bit_by_bit(tmp_path):
    path = tmp_path / "metrics.csv"
    reader = MetricsReader(path)
    assert reader.new_rows() == ([], False)
    written = MetricsFile(path, 0)
    written.write(10, 0.5, {"nll": 100.25, "kl": 2.0})
    rows, _ = reader.new_rows()
    assert rows == [{"step": 10, "seconds": 0.5, "nll": 100.25, "kl": 2.0}]
    written.write(20, 1.0, {"nll": 90.0, "kl": 3.0})
    assert reader.new_rows() == ([{"step": 20, "seconds": 1.0, "nll": 90.0, "kl": 3.0}], False)
    assert reader.new_rows() == ([], False)


def test_half_a_row_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,nll\n1,5.0\n2,4")
    reader = MetricsReader(path)
    assert [row["step"] for row in reader.new_rows().rows] == [1]
    with path.open("a") as file:
        file.write(".5\n")
    assert reader.new_rows().rows == [{"step": 2, "nll": 4.5}]


def test_a_file_that_is_written_anew_is_read_again(tmp_path):
    path, other = tmp_path / "metrics.csv", tmp_path / "other.csv"
    path.write_text("step,nll\n1,5.0\n2,4.0\n")
    reader = MetricsReader(path)
    assert len(reader.new_rows().rows) == 2
    other.write_text("step,nll,validation_elbo\n1,5.0,\n2,4.0,-80.5\n3,3.5,\n")
    os.replace(other, path)
    rows, again = reader.new_rows()
    assert again
    assert rows[1] == {"step": 2, "nll": 4.0, "validation_elbo": -80.5}
    assert rows[2] == {"step": 3, "nll": 3.5}


def test_what_is_no_table_gives_nothing(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"\x00\xff\x80\nabc\n,,,\nstep\n")
    assert MetricsReader(path).new_rows().rows == []
