"""Names and sentences as LaTeX and BibTeX print them."""

from orchestrator.report.visible import visible

_LATEX = str.maketrans(
    {
        **{mark: f"\\{mark}" for mark in "&%$#_{}"},
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
        "<": "\\textless{}",
        ">": "\\textgreater{}",
        "|": "\\textbar{}",
        '"': "\\textquotedbl{}",
        "[": "{[}",
        "]": "{]}",
        "∞": "$\\infty$",
        "\u2013": "--",
        "\u00d7": "$\\times$",
        "\n": " ",
        "\r": " ",
    }
)


def latex_text(text: str) -> str:
    """Return a text with all that means something to LaTeX written out, and what cannot be seen made visible."""
    return visible(text.translate(_LATEX))
