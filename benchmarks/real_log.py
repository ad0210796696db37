"""What does KuaiRand say to the notebooks' questions? Written to mlsd_lab/course/real_log.json.

MLSD_LAB_KUAIRAND=FOLDER python -m benchmarks.real_log
"""

import json
import sys
from pathlib import Path

import mlsd_lab.course
from mlsd_lab import clock
from mlsd_lab.course.real_log import QUESTIONS, on_the_real_log


def main() -> int:
    """Ask every question of the files that are here, and store the answers with today's date."""
    answers = {question: on_the_real_log(question) for question in QUESTIONS}
    if any(answer.date for answer in answers.values()):
        print("KuaiRand is not here: mlsd-lab data fetch kuairand, or set MLSD_LAB_KUAIRAND to its folder")
        return 2
    date = clock.now().date().isoformat()
    stored = {question: {"date": date, "sentences": answer.sentences} for question, answer in answers.items()}
    path = Path(mlsd_lab.course.__file__).with_name("real_log.json")
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(path.read_text("utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
