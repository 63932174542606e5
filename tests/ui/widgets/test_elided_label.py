from genviewer.ui.widgets.elided_label import ElidedLabel


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
