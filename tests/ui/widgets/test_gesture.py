from genviewer.ui.widgets.gesture import BURST_S, Gesture


def test_a_drag_has_one_key_and_the_next_another():
    gesture = Gesture("x")
    gesture.begin()
    first = {gesture.key(), gesture.key()}
    gesture.end()
    gesture.begin()
    assert len(first) == 1
    assert gesture.key() not in first


def test_a_burst_of_presses_is_one_and_a_pause_ends_it():
    now = [0.0]
    gesture = Gesture("x", lambda: now[0])
    keys = []
    for pause in (0.0, BURST_S / 2, BURST_S / 2, BURST_S * 2):
        now[0] += pause
        keys.append(gesture.key())
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_clicks_share_nothing_across_controls():
    a, b = Gesture("x"), Gesture("x")
    assert len({a.click(), a.click(), b.click(), a.key(), b.key()}) == 5
