"""QMMScore: how much of each attribute pictures show, and how far an edit is from reference and source."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.domains import Domain, domain_names, load_domain
from ..sat3d.errors import ConfigError, ShapeError
from ..sat3d.qmm import Measurement, score_chart
from . import clips, host, images, newer_hosts
from .domains import HEADS

ALL = "all"

MOST_CHARTS = 16
_PAIRS = (("edit", "reference"), ("edit", "source"), ("source", "reference"))
_DIGITS = 5
_UNKNOWN = float("nan")

Scores = dict[str, Measurement]  # source, reference, edit -> D of its pictures


class QMMScore(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="QMMScore",
            display_name="QMM Score",
            category="SAT3D/score",
            description="Measures with an image-text model how much of each attribute pictures show: has the beard "
            "arrived in the edit, has the rest stayed?",
            **newer_hosts.found_by("clip score", "metric", "beard", "glasses", "evaluate"),
            inputs=_inputs(),
            outputs=[
                io.Image.Output(
                    "chart",
                    display_name="chart",
                    tooltip="Scores of source, reference and edit side by side, attribute by attribute.",
                ),
                io.String.Output("json", display_name="json", tooltip="All scores and distances as JSON text."),
                io.Float.Output(
                    "to_reference",
                    display_name="to_reference",
                    tooltip="How far the edit is from the reference in the chosen attribute: 0 is alike, 2 "
                    "the most for each group of phrases. Without an edit, how far the source is; "
                    "without a reference, nan.",
                ),
                io.Float.Output(
                    "to_source",
                    display_name="to_source",
                    tooltip="How far the edit is from the source in all other attributes (with 'all': in "
                    "all): 0 is alike. Without an edit, 0.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, clip: str = "", domain: str = "", attribute: str = "") -> bool | str:
        """Say in words what does not fit, and before anything runs."""
        if domain and attribute:
            try:
                choose_targets(read_domain(domain), attribute)
            except ConfigError as error:
                return str(error)
        return clips.LIBRARY.check(clip)

    @classmethod
    def fingerprint_inputs(cls, clip: str = "", **rest) -> str:
        return clips.LIBRARY.stamp(clip)

    @classmethod
    def execute(
        cls,
        source: Tensor,
        domain: str,
        clip: str,
        attribute: str = ALL,
        reference: Tensor | None = None,
        edit: Tensor | None = None,
        architecture: str = "",
    ) -> io.NodeOutput:
        pictures = collect_pictures(source, reference, edit)
        chosen = read_domain(domain)
        targets = choose_targets(chosen, attribute)
        model = clips.load(clip, architecture)
        scores = measure_all(model, chosen, pictures, host.Report(cls))
        text = json.dumps(round_numbers(to_data(chosen, model.name, scores)), indent=1)
        return io.NodeOutput(draw_charts(scores, pictures, targets), text, *measure_distances(scores, targets))


@cache
def _domains_and_attributes() -> tuple[list[str], list[str]]:
    """What the combos list, the built-in heads first; once, since the host asks for combos all the time."""
    domains = sorted(domain_names(), key=lambda name: (name != HEADS, name))
    return domains, list(dict.fromkeys(t for name in domains for t in load_domain(name).attributes))


def _inputs() -> list[io.Input]:
    domains, attributes = _domains_and_attributes()
    return [
        io.Image.Input("source", tooltip="The face before the edit; or simply the picture to be measured."),
        io.Combo.Input(
            "domain",
            options=domains,
            default=HEADS,
            tooltip="The kind of picture: which attributes it has, and the phrases that they are measured by.",
        ),
        io.Combo.Input(
            "clip",
            options=clips.LIBRARY.entries(),
            default=clips.ENTRY,
            **newer_hosts.advanced(),
            tooltip="The image-text model: the built-in one, which knows SynthHeads alone, or a file in "
            "models/open_clip, as for cars, cats and photographs. Nothing is downloaded. Press R after adding files.",
        ),
        io.Combo.Input(
            "attribute",
            options=[ALL, *attributes],
            default=ALL,
            tooltip="The attribute that the edit should move: drawn alone, and the distances are of it. "
            "all: every one.",
        ),
        io.Image.Input("reference", optional=True, tooltip="The face whose attribute was wanted."),
        io.Image.Input("edit", optional=True, tooltip="The face after the edit."),
        clips.architecture_input(),
    ]


def read_domain(name: str) -> Domain:
    """
    Raises:
        ConfigError: not a domain of the pack; a path is none.
    """
    if name not in domain_names():
        raise ConfigError("There is no such domain", name, f"one of {domain_names()}", "choose another")
    return load_domain(name)


def choose_targets(domain: Domain, attribute: str) -> list[str]:
    """
    Raises:
        ConfigError: the domain has no such attribute.
    """
    if attribute == ALL:
        return list(domain.attributes)
    domain.groups(attribute)
    return [attribute]


def collect_pictures(source: Tensor, reference: Tensor | None, edit: Tensor | None) -> dict[str, Tensor]:
    """The IMAGEs that are connected, by their part in the edit.

    Raises:
        ShapeError: no pictures, or batches that do not pair.
    """
    pictures = {"source": source, "reference": reference, "edit": edit}
    pictures = {part: images.as_image(image) for part, image in pictures.items() if image is not None}
    sizes = {part: len(image) for part, image in pictures.items()}
    if any(size not in (1, max(sizes.values())) for size in sizes.values()):
        raise ShapeError(
            "The pictures do not pair",
            ", ".join(f"{part}: {size}" for part, size in sizes.items()),
            "one picture, or as many as the others have",
            "match the batches",
        )
    return pictures


def measure_all(model: clips.HostClip, domain: Domain, pictures: dict[str, Tensor], report: host.Report) -> Scores:
    """Every picture's scores, some at a time so that cancel is noticed and memory suffices."""
    total, scores, before, qmm = sum(map(len, pictures.values())), {}, 0, model.qmm(domain)
    with host.cancellable(model.hosted.network):
        for part, image in pictures.items():
            scores[part] = clips.measure(qmm, images.from_host(image), lambda done, b=before: report(b + done, total))
            before += len(image)
    report(total, total)
    return scores


def to_data(domain: Domain, clip: str, scores: Scores) -> dict:
    """Plain data: of every picture D(I, φ) by attribute, group and phrase; of every pair the distance by attribute."""
    pairs = {f"{a}_to_{b}": scores[a].differences(scores[b]) for a, b in _PAIRS if a in scores and b in scores}
    rows = [
        {
            "scores": {part: measured.as_table(i if len(measured) > 1 else 0) for part, measured in scores.items()},
            "distances": {
                pair: {t: float(images.nth(d, i)) for t, d in table.items()} for pair, table in pairs.items()
            },
        }
        for i in range(_count(scores))
    ]
    return {"domain": domain.name, "clip": clip, "pictures": rows}


def round_numbers(data: Any) -> Any:
    """The same data with numbers that people can read."""
    if isinstance(data, dict):
        return {key: round_numbers(value) for key, value in data.items()}
    if isinstance(data, list):
        return [round_numbers(value) for value in data]
    return round(data, _DIGITS) if isinstance(data, float) else data


def measure_distances(scores: Scores, targets: Sequence[str]) -> tuple[float, float]:
    """Mean over the batch of Σ_{t∈Ω} |D_edit − D_ref| and Σ_{t∉Ω} |D_edit − D_src| (equations 1 and 2).

    Where every attribute is a target, the second sums over all too: what moved at all.
    """
    source = scores["source"]
    edit = scores.get("edit", source)
    others = [t for t in source.domain.attributes if t not in targets] or list(targets)
    moved = _sum(edit.differences(source), others)
    return (_sum(edit.differences(scores["reference"]), targets) if "reference" in scores else _UNKNOWN), moved


def draw_charts(scores: Scores, pictures: dict[str, Tensor], targets: Sequence[str]) -> Tensor:
    """IMAGE ``[N, H, W, 3]``: one chart for each picture of the batch, the first 16."""
    count, names = _count(scores), list(scores)
    if count > MOST_CHARTS:
        host.warn(f"only the first {MOST_CHARTS} of {count} charts are drawn; the JSON text has all scores.")
    drawn = []
    for i in range(min(count, MOST_CHARTS)):
        rows = torch.cat([images.nth(measured.probabilities, i)[None] for measured in scores.values()])
        faces = [images.to_pictures(images.nth(image, i)[None])[0] for image in pictures.values()]
        drawn.append(score_chart(Measurement(rows, scores["source"].domain), names, faces, targets))
    return images.from_pictures(drawn)


def _sum(table: dict[str, Tensor], attributes: Sequence[str]) -> float:
    return float(sum(table[t].mean() for t in attributes))


def _count(scores: Scores) -> int:
    return max(map(len, scores.values()))
