"""The workshop of the notebooks: predict, measure, compare; exercises that check themselves; the notebook build."""
