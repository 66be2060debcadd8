"""A proof as one HTML page: no script, nothing fetched, light or dark as the reader's system is, narrow as a phone."""

from __future__ import annotations

from html import escape

from app.proof_show import FIGURES, axes, cells, events, kinds, outcome, story
from app.proof_tally import Line, Proof

STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #626a73; --paper: #fff; --rule: #dfe3e8; --good: #1a7f45;
  --bad: #c22d2d; --bar: #cfd8e3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ad; --paper: #15181c; --rule: #2c3239;
  --good: #56c98a; --bad: #ff7b72; --bar: #34404d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p.outcome { font-size: 1.15rem; font-weight: 600; border-left: .3rem solid; padding: .3rem .8rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .82rem; margin: .5rem 0; }
summary { cursor: pointer; color: var(--bad); overflow-wrap: anywhere; }
details details { margin-left: 1rem; } details details summary { color: var(--soft); }
th { white-space: nowrap; } td:first-child, th:first-child { position: sticky; left: 0; background: var(--paper); }
ul.states { list-style: none; padding: 0; columns: 22rem; font-size: .92rem; }
ul.states li { display: flex; justify-content: space-between; gap: 1rem; break-inside: avoid;
  border-bottom: 1px solid var(--rule); padding: .1rem 0; overflow-wrap: anywhere; }
"""

HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


def page(proof: Proof) -> str:
    """The whole page. Whatever came from a case is escaped."""
    good = "good" if proof.holds else "bad"
    parts = [
        f"{HEAD}<title>Hedgerow: the proof</title><style>{STYLE}</style></head><body>",
        f'<h1>The proof</h1><p class="outcome {good}">{escape(outcome(proof))}</p>',
        *_figures(proof), *_crash_cases(proof), *_failures(proof), *_states(proof), *_made(proof), "</body></html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _figures(proof: Proof) -> list[str]:
    """A column for each kind of case, so that a phone shows both."""
    found = dict(kinds(proof))
    rows = [_row(*row) for row in zip(FIGURES, *(cells(line) for line in found.values()), strict=True)]
    return ["<h2>Figures</h2>", *_table(("", *found), rows)]


def _crash_cases(proof: Proof) -> list[str]:
    scenarios, fates = axes(proof)
    if not scenarios:
        return []
    names = ("scenario", *(escape(fate.replace("_", " ")) for fate in fates))
    rows = [
        _row(escape(scenario), *(_cell(proof.lines.get(f"{scenario} {fate}")) for fate in fates))
        for scenario in scenarios
    ]
    text = "<p class=soft>What the engine was doing when it died, by what the venue did meanwhile.</p>"
    return ["<h2>Crash cases by scenario and fate</h2>", text, *_table(names, rows)]


def _cell(line: Line | None) -> str:
    if line is None:
        return '<span class="soft">–</span>'
    return f"{line.cases:,}" if not line.violated else f'<b class="bad">{line.violated:,} of {line.cases:,}</b>'


def _failures(proof: Proof) -> list[str]:
    if not proof.failed:
        return []
    said = [f'<h2 class="bad">Violated: {len(proof.failed):,}</h2>']
    for place, failure in enumerate(proof.failed):
        oracles = ", ".join(dict.fromkeys(violation.oracle for violation in failure.verdict.violations))
        head = f"<summary>{escape(failure.case)}: {escape(oracles)}</summary>"
        said += [f"<details{'' if place else ' open'}>{head}<pre>{_lines(story(failure.verdict))}</pre>"]
        said += [f"<details><summary>last events</summary><pre>{_lines(events(failure.verdict))}</pre></details>"]
        said += [f"<pre>{escape(failure.again)}</pre></details>"]
    return said


def _lines(text: list[str]) -> str:
    return escape("\n".join(text))


def _states(proof: Proof) -> list[str]:
    never = proof.never
    if not proof.reached:
        return []
    count = f"{len(proof.reached) - len(never)} of {len(proof.reached)}"
    items = [
        f'<li><span class="{"" if times else "bad"}">{escape(name)}</span><span>{times:,}</span></li>'
        for name, times in sorted(proof.reached.items(), key=lambda each: (each[1] > 0, each[0]))
    ]
    small = "" if proof.enough else " This run is too small for a missing one to count as a failure."
    text = f"<p class=soft>How often each state of interest was seen: {count} were reached.{small}</p>"
    return ["<h2>States reached</h2>", text, '<ul class="states">', *items, "</ul>"]


def _made(proof: Proof) -> list[str]:
    made = proof.maker
    facts = {
        "command": made.command,
        "version": f"{made.version} {made.commit}",
        "Python": made.python,
        "machine": made.machine,
        "started": made.started,
        "took": f"{proof.seconds:,.1f} s with {made.jobs} processes",
        "journals": proof.fingerprint,
    }
    rows = [f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items()]
    note = "<p class=soft>Two runs of the same cases have the same fingerprint of all journals.</p>"
    return ["<h2>Made by</h2>", "<dl>", *rows, "</dl>", note]


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(names: tuple[str, ...], rows: list[str]) -> list[str]:
    head = "<tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    return ['<div class="scroll"><table>', f"<thead>{head}</thead><tbody>", *rows, "</tbody></table></div>"]
