from edit_history import lines_after


def test_undo_and_redo():
    assert lines_after(["a", "b", "undo"]) == ["a"]
    assert lines_after(["a", "b", "undo", "redo"]) == ["a", "b"]


def test_nothing_to_do():
    assert lines_after(["undo", "redo", "a"]) == ["a"]
