"""The report on a generator, in lines for people."""

from __future__ import annotations


def summary(report: dict) -> str:
    """A few lines for people."""
    after = f" ({report['psnr_w_plus']:.2f} dB in W+)" if "psnr_w_plus" in report else ""
    lines = [
        f"{report['count']} pictures, seed {report['seed']}: {report['psnr']:.2f} dB{after}, from elsewhere"
        f" {report['novel_psnr']:.2f} dB, depth off by {report['depth']:.2%} of the head,"
        f" silhouettes {report['silhouette']:.1%}"
    ]
    if "agree" in report:
        lines += [
            f"  {name:16} read right {share:.1%} (in true pictures {report['agree_true'][name]:.1%})"
            for name, share in report["agree"].items()
            if share is not None
        ]
        lines += _table("facial actions, share explained (in true pictures)", report["actions"], report["actions_true"])
        lines.append(f"  the right person of two: {report['identity']:.1%}")
    lines += _table("true changes that it can draw, of 1", report.get("change", {}))
    lines += _table("samples", report.get("samples", {}))
    if "flicker" in report:
        lines.append(f"  unsteady along an orbit: {report['flicker']:.2f} of what the true head is")
    for name, scores in report.get("dci", {}).items():
        lines.append(f"  DCI of {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in scores.items()))
    return "\n".join(lines)


def _table(title: str, values: dict[str, float | None], beside: dict[str, float | None] | None = None) -> list[str]:
    """A line, if there is anything to say."""

    def said(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    parts = [f"{name} {said(value)}" + (f" ({said(beside[name])})" if beside else "") for name, value in values.items()]
    return [f"  {title}: {', '.join(parts)}"] if parts else []
