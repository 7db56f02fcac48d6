"""BibTeX entries of the publications that the figures rest on."""

from collections.abc import Mapping

POPE = """\
@inproceedings{li2023pope,
  title     = {Evaluating Object Hallucination in Large Vision-Language Models},
  author    = {Li, Yifan and Du, Yifan and Zhou, Kun and Wang, Jinpeng and Zhao, Wayne Xin and Wen, Ji-Rong},
  booktitle = {Proceedings of the 2023 Conference on Empirical Methods in Natural Language Processing},
  year      = {2023},
  note      = {arXiv:2305.10355}
}"""

REPOPE = """\
@article{neuhaus2025repope,
  title   = {{RePOPE}: Impact of Annotation Errors on the {POPE} Benchmark},
  author  = {Neuhaus, Yannic and Hein, Matthias},
  journal = {arXiv preprint arXiv:2504.15707},
  year    = {2025}
}"""

DASH = """\
@article{augustin2025dash,
  title   = {{DASH}: Detection and Assessment of Systematic Hallucinations of {VLMs}},
  author  = {Augustin, Maximilian and Neuhaus, Yannic and Hein, Matthias},
  journal = {arXiv preprint arXiv:2503.23573},
  year    = {2025}
}"""


AMBER = """\
@article{wang2023amber,
  title   = {{AMBER}: An {LLM}-free Multi-dimensional Benchmark for {MLLMs} Hallucination Evaluation},
  author  = {Wang, Junyang and Wang, Yuhang and Xu, Guohai and Zhang, Jing and Gu, Yukai and Jia, Haitao and
             Wang, Jiaqi and Xu, Haiyang and Yan, Ming and Zhang, Ji and Sang, Jitao},
  journal = {arXiv preprint arXiv:2311.07397},
  year    = {2023}
}"""

CITED: Mapping[str, tuple[str, ...]] = {
    "demo": (POPE, REPOPE),
    "coco": (POPE, REPOPE),
    "pope_aokvqa": (POPE,),
    "pope_gqa": (POPE,),
    "amber": (AMBER,),
    "dash_b": (DASH,),
}
"""What questions and labels rest on, by `bench.source`; the demo is made as POPE and RePOPE were."""


def citations(source: str) -> str:
    """The entries that a run on a benchmark of that `bench.source` should cite; empty where none is known."""
    return "\n\n".join(CITED.get(source, ()))
