"""How a training stands, in words: what is advised after trouble."""

import pytest

from genviewer.engine.training_news import News
from genviewer.ui.training_standing import advice_on


@pytest.mark.parametrize("sentence", ["The loss is not finite at step 4.", "It came to nothing."])
@pytest.mark.parametrize("diverged", [True, False])
def test_a_lower_rate_is_advised_for_what_diverged_whatever_the_words(sentence, diverged):
    advice = advice_on(News("failed", sentence=sentence, diverged=diverged), asked=False)
    assert ("tenth of the learning rate" in advice) == diverged
    assert "discard" in advice
