"""Figures as people say them: parameters, bytes, durations, shares."""


def parameters_text(number: float) -> str:
    """A number of parameters: `938 M`, `8.1 B`."""
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def memory_text(number: float) -> str:
    """A number of bytes: `16.2 GB`, `2.4 MB`, in powers of ten."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


def hours_text(hours: float | None) -> str:
    """A rough duration: `seconds`, `20 min`, `3 h`, `4 days`; empty where it is unknown."""
    if hours is None:
        return ""
    if hours * 60 < 1:
        return "seconds"
    if hours < 1.5:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def duration_text(seconds: float) -> str:
    """A duration: `0.4 s`, `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def percentage(number: int, total: int) -> float:
    """A share in percent, cut to one decimal, so that what is not all is never 100; 0 of nothing."""
    return 1000 * number // total / 10 if total else 0.0
