"""The workshop of the notebooks: predict, measure, compare; exercises that check themselves; the notebook build."""

from mlsd_lab.course.arrivals import arrivals
from mlsd_lab.course.card import card
from mlsd_lab.course.check import check
from mlsd_lab.course.checkpoint import checkpoint
from mlsd_lab.course.claim import claim
from mlsd_lab.course.compare import compare
from mlsd_lab.course.diagram import diagram, times_of
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.fading import fading
from mlsd_lab.course.intervals import intervals
from mlsd_lab.course.killed import killed
from mlsd_lab.course.live import Live
from mlsd_lab.course.measure import measure
from mlsd_lab.course.my_design import my_design
from mlsd_lab.course.note import note
from mlsd_lab.course.peeking import peeking
from mlsd_lab.course.picture import picture
from mlsd_lab.course.pin import pin
from mlsd_lab.course.predict import predict
from mlsd_lab.course.progress_line import progress_line
from mlsd_lab.course.real_log import on_the_real_log
from mlsd_lab.course.rehearse import rehearse
from mlsd_lab.course.say_it import say_it
from mlsd_lab.course.shelf import shelf
from mlsd_lab.course.slate import slate
from mlsd_lab.course.stored import stored
from mlsd_lab.course.transfer import transfer

__all__ = [
    "Live",
    "arrivals",
    "card",
    "check",
    "checkpoint",
    "claim",
    "compare",
    "diagram",
    "exercise",
    "fading",
    "intervals",
    "killed",
    "measure",
    "my_design",
    "note",
    "on_the_real_log",
    "peeking",
    "picture",
    "pin",
    "predict",
    "progress_line",
    "rehearse",
    "say_it",
    "shelf",
    "slate",
    "stored",
    "times_of",
    "transfer",
]
