"""One file an exercise; `mlsd_lab.course.exercise.exercise` finds it by its number."""
