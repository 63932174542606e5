import pytest
from PySide6.QtWidgets import QLabel

from genviewer.ui import theme
from genviewer.ui.widgets.figure_rows import Figure
from genviewer.ui.widgets.inspect_panel import InspectPanel

NAMES = ("log p(x)", "by log p(x)", "for outline", "ELBO", "bits/dim")


@pytest.fixture
def own_font(qapp):
    before = qapp.font()
    theme.load_font(qapp)
    theme.apply(qapp, "dark")
    yield
    qapp.setFont(before)


@pytest.mark.usefixtures("own_font")
@pytest.mark.parametrize("notice", ["", "What is usual for this model is being measured."])
def test_figures_are_not_clipped_where_the_panel_is_as_low_as_it_may_be(qtbot, notice):
    panel = InspectPanel()
    qtbot.addWidget(panel)
    panel.set_density_shown(True)
    panel.figures.set_figures([Figure(name, "6,107.34 ± 0.99 nats") for name in NAMES])
    panel.likeness.setText("PSNR 17.5 dB · SSIM 0.02")
    panel.set_notice(notice)
    panel.show()
    panel.resize(700, panel.minimumHeight())
    panel.layout().activate()
    labels = [label for label in panel.figures.findChildren(QLabel) if label.isVisible()]
    assert len(labels) == 2 * len(NAMES)
    assert min(label.height() - label.fontMetrics().height() for label in labels) >= 0
