from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.figure_rows import Figure, FigureRows


def test_gives_way_and_keeps_the_whole_text_in_the_tooltip(qtbot):
    label = ElidedLabel("German short-haired pointer")
    qtbot.addWidget(label)
    label.resize(60, 20)
    label.show()
    assert label.toolTip() == "German short-haired pointer"
    label.resize(400, 20)
    assert label.toolTip() == ""
    assert label.minimumSizeHint().width() < 60
    assert not label.grab().isNull()


def test_a_figure_tells_its_meaning_once_and_all_of_its_value_where_it_is_cut(qtbot):
    rows = FigureRows()
    qtbot.addWidget(rows)
    rows.set_figures([Figure("ELBO", "5,614.8 = 5,621.4 - 6.6 nats", "a lower bound")])
    value = rows.findChild(ElidedLabel)
    rows.resize(500, 40)
    rows.show()
    assert value.toolTip() == "a lower bound"
    rows.resize(120, 40)
    assert value.toolTip() == "5,614.8 = 5,621.4 - 6.6 nats\na lower bound"
