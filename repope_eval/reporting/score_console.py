"""The scores of a run on the console."""

from repope_eval.reporting.benchmark_tables import DETECTION_TITLES, amber_table, groups_table
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.reporting.figure_texts import interval_text, ratio_text
from repope_eval.reporting.remarks import f1_parts_remark
from repope_eval.reporting.score_table import narrow_score_tables, partial_note
from repope_eval.reporting.tables import number_field, table, text_field
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.scores import Scores


def print_scores(scores: Scores) -> None:
    """Prints the figures under each label set, how certain F1 is, what the relabelling changed, and own figures."""
    for shown in narrow_score_tables(f"{scores.model} on {scores.bench}, protocol {scores.protocol}", scores):
        print_table(shown)
    for remark in (partial_note(scores), f1_parts_remark(scores)):
        if remark:
            print_sentences(remark)
    if scores.own.detections:
        print_detection(scores.own.detections[ALL_OBJECTS])
    if scores.groups:
        print_table(groups_table(scores.groups))
    if scores.own.amber:
        print_table(amber_table(scores.own.amber))


def print_detection(detection: Detection) -> None:
    """Prints DASH-B's figures of all questions with their intervals for other images, and for other objects."""
    rows = [
        (DETECTION_TITLES[name], found, detection.over_objects[name])
        for name, found in detection.estimates.items()
    ]
    print_table(
        table(
            "",
            [
                text_field("DASH-B", lambda row: row[0]),
                number_field("", lambda row: ratio_text(row[1].value)),
                number_field("other images, 95 %", lambda row: interval_text(row[1].interval)),
                number_field("other objects, 95 %", lambda row: interval_text(row[2].interval)),
            ],
            rows,
        )
    )
