"""The second edition replaces rows, carries the others over, and shows each in two lines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from made_up.claims import place_fresh
from made_up.runs import made_up_export
from made_up.sweeps import made_up
from modlib.claims import fresh
from modlib.claims.ledger import (
    CARRIED,
    IDENTITIES,
    Row,
    as_json,
    as_text,
    count_verdicts,
    ledger,
    would_decide,
)
from modlib.claims.measure import measure
from modlib.claims.pages import as_folded
from modlib.claims.register import load_claims
from modlib.claims.verdict import MARKS, VERDICTS, Measurement, MissingExport
from modlib.errors import InputError

SECOND = load_claims(edition=2)
FIRST = load_claims(edition=1)

ENTRY = {
    "id": "A2.x",
    "paper": "A",
    "place": "figure 1",
    "says": "s",
    "reported": "r",
    "measured": "m",
    "rule": "above 0",
    "chapter": "01_training",
    "edition": 2,
    "replaces": [],
    "fails_if": "f",
    "setting": "ours",
    "says_plainly": "p",
}
OLD = {name: ENTRY[name] for name in list(ENTRY)[:8]} | {"id": "A.x"}


def write(path, *entries):
    blocks = []
    for entry in entries:
        lines = [f"{name} = {json.dumps(value)}" for name, value in entry.items()]
        blocks.append("\n".join(["[[claim]]", *lines]))
    path.write_text("\n".join(blocks) + "\n")
    return path


def results(verdict="agrees", **more):
    """A measurement of every claim, with the verdict in the words of its edition."""
    found = {i: Measurement(value=1.0, verdict="agrees") for i in FIRST}
    return found | {i: Measurement(value=1.0, verdict=verdict, **more) for i in SECOND}


# ------------------------------------------------------------------ claims.toml


def test_the_first_edition_is_without_the_fields_of_the_second():
    for claim in FIRST.values():
        assert (claim.edition, claim.replaces, claim.changed) == (1, (), "")
        assert claim.plainly == claim.says


def test_every_row_of_the_second_says_what_would_make_it_fail_and_where():
    for claim in SECOND.values():
        assert claim.fails_if
        assert claim.setting
        assert claim.plainly == claim.says_plainly
        assert claim.says_plainly.endswith(".")
        assert bool(claim.changed) == bool(claim.replaces)
        assert set(claim.replaces) <= set(FIRST)


def test_identities_are_rows_of_the_first_edition_that_nothing_replaces():
    replaced = {old for claim in SECOND.values() for old in claim.replaces}
    assert set(IDENTITIES) <= set(FIRST)
    assert not replaced & set(IDENTITIES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edition": 3}, "edition of claim A2.x must be one of"),
        ({"id": "A.x"}, r"id of claim A\.x must start with its paper"),
        ({"fails_if": " "}, "fails_if of claim A2.x must be a non-empty text"),
        ({"replaces": "A.x", "changed": "c"}, "replaces of claim A2.x must be a list of ids"),
        (
            {"replaces": ["A.y"], "changed": "c"},
            "replaces of claim A2.x must name rows of the first",
        ),
        ({"replaces": ["A.x"]}, "claim A2.x must have the fields"),
        ({"changed": "c"}, "claim A2.x must have the fields"),
    ],
)
def test_a_malformed_row_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_claims(write(tmp_path / "claims.toml", OLD, ENTRY | change))
    good = write(tmp_path / "good.toml", OLD, ENTRY | {"replaces": ["A.x"], "changed": "c"})
    assert list(load_claims(good, edition=2)) == ["A2.x"]


# ------------------------------------------------------------------ the ledger


def test_rows_stand_where_those_stood_that_they_replace_and_each_once():
    rows = ledger(2, {})
    ids = [row.claim.id for row in rows]
    assert len(ids) == len(set(ids))
    assert set(SECOND) <= set(ids)
    replaced = {old for claim in SECOND.values() for old in claim.replaces}
    assert not replaced & set(ids)
    assert set(FIRST) - replaced == set(ids) - set(SECOND)
    assert ids[0] == "A2.accuracy"
    papers = [row.claim.paper for row in rows]
    assert papers == sorted(papers)
    with pytest.raises(InputError, match="edition must be one of"):
        ledger(3, {})


def test_rows_that_nothing_replaces_are_carried_over_in_the_new_words():
    old = results()
    old["A.sec54.gamma"] = Measurement(value=0.2, verdict="differs")
    old["A.fig25.bound"] = Measurement(
        value=0.2, verdict="not testable at this size", note="1,000 seeds are needed"
    )
    rows = {row.claim.id: row for row in ledger(2, old)}
    assert rows["A.secA1.radius"].verdict == "agrees"
    assert rows["A.sec54.gamma"].verdict == "differs"
    assert rows["A.fig25.bound"].verdict == "undecided"
    assert "as the note says" in would_decide(rows["A.fig25.bound"])
    for claim_id in IDENTITIES:
        assert rows[claim_id].verdict == "identity"
        assert rows[claim_id].before[0].verdict == "agrees"
    assert set(CARRIED) == set(VERDICTS[1]) - {"pending"}


def test_the_verdicts_before_stay_those_of_the_first_edition():
    old = results("undecided", needs="more")
    old["A.fig6.intersection"] = Measurement(value=97.0, verdict="differs")
    row = next(r for r in ledger(2, old) if r.claim.id == "A2.fig6.intersection")
    assert row.verdict == "undecided"
    assert [(b.claim.id, b.verdict) for b in row.before] == [("A.fig6.intersection", "differs")]
    assert (
        next(r for r in ledger(1, old) if r.claim.id == "A.fig6.intersection").verdict == "differs"
    )


def test_identities_are_counted_apart():
    rows = ledger(2, results())
    last = as_text(rows, edition=2).splitlines()[-1]
    assert last.startswith(f"{len(rows) - 5} claims: {len(rows) - 5} agrees, 0 differs")
    assert last.endswith("apart from them 5 identities")
    counts = count_verdicts(rows, edition=2)
    assert counts.identity.tolist()[0] == 5
    assert counts.to_numpy().sum() == len(rows)


def test_a_row_is_two_lines_for_a_terminal_and_says_what_it_waits_for():
    rows = ledger(2, results() | {"A2.double": MissingExport("0 of the 4,000 networks")})
    lines = as_text(rows, edition=2).splitlines()
    assert len(lines) == 2 * len(rows) + 1
    at = next(i for i, line in enumerate(lines) if "A2.double" in line)
    assert lines[at].startswith(f"{MARKS['pending']} pending  A2.double  ")
    assert "0 of the 4,000 networks; rule: the interval lies below 1" in lines[at + 1]


def test_json_of_the_second_edition_has_what_the_first_has_and_more():
    rows = ledger(2, results("undecided", needs="100 networks", controls="c"))
    entries = json.loads(as_json(rows, edition=2))
    first = json.loads(as_json(ledger(1, results()), edition=1))
    assert set(first[0]) == {"id", "place", "reported", "measured", "verdict"}
    assert set(first[0]["measured"]) == {
        *("value", "low", "high", "num_seeds", "unit", "text", "note"),
    }
    entry = next(e for e in entries if e["id"] == "A2.double")
    assert set(first[0]) < set(entry)
    assert entry["measured"]["needs"] == "100 networks"
    assert entry["before"] == [{"id": "A.fig4b.double", "verdict": "agrees"}]
    assert entry["replaces"] == ["A.fig4b.double"]
    assert entry["verdict"] in VERDICTS[2]


# ------------------------------------------------------------------ pages


def row_of(claim_id, **found):
    claim = load_claims()[claim_id]
    before = tuple(
        Row(claim=FIRST[old], measurement=Measurement(value=0.76, verdict="agrees"))
        for old in claim.replaces
    )
    return Row(claim=claim, measurement=Measurement(**found), before=before)


def test_a_page_shows_verdict_and_sentence_then_the_number_against_its_rule():
    row = row_of(
        *("A2.double",),
        value=0.6,
        verdict="agrees",
        text="lift: 0.6 (0.5 to 0.7)",
        note="n",
        controls="chance 1",
        sensitivity="below 1: agrees",
    )
    lines = as_folded([row]).splitlines()
    assert lines[0] == (
        "**✓\u00a0agrees** · A network without fine-tuning neurons avoids having both f and 2f.<br>"
    )
    assert lines[1].startswith("Lift: 0.6 (0.5 to 0.7); rule: the interval lies below 1")
    assert lines[3] == (
        "<details><summary>Details of <code>A2.double</code>; first edition: agrees</summary>"
    )
    text = "\n".join(lines[4:])
    for name in ("The paper says", "Reported", "Setting", "It fails if", "Controls", "Thresholds"):
        assert f"- *{name}*: " in text
    assert "- *First edition*: A.fig4b.double agrees. Two populations that go opposite" in text
    assert lines[-1] == "</details>"


def test_what_only_we_say_is_not_put_into_the_papers_mouth():
    text = as_folded([row_of("A2.selection", value=0.0, verdict="agrees")])
    assert "- *We say*: " in text
    assert "*Where*" not in text
    assert "It had no such row." in text


def test_undecided_says_what_would_decide_and_texts_are_escaped():
    row = row_of("A2.double", value=1.0, verdict="undecided", needs="about 9 networks", text="a|b*")
    _, line, *folded = as_folded([row]).splitlines()
    assert r"A\|b\*" in line
    assert "- *To decide it*: it would take about 9 networks" in folded
    assert as_text([row], edition=2).splitlines()[2] == "    it would take about 9 networks"
    sure = row_of("A2.double", value=1.0, verdict="agrees", text="x")
    assert "would take" not in as_folded([sure]) + as_text([sure], edition=2)


# ------------------------------------------------------------------ tables by job


def test_a_table_that_is_not_complete_is_not_looked_at(monkeypatch):
    held = made_up(num_seeds=40)
    place_fresh(monkeypatch, sweep={"A91": held})
    assert len(fresh.sweep("A91", learned_only=False).networks) == 40
    fewer = held._replace(networks=held.networks[held.networks.seed != 1007])
    monkeypatch.setattr("modlib.claims.committed._sweep", lambda name, root: fewer)
    with pytest.raises(MissingExport, match=r"^39 of 40 networks A91 committed$"):
        fresh.sweep("A91")


def test_networks_that_failed_are_left_out_and_more_are_taken_where_they_are_there(monkeypatch):
    place_fresh(monkeypatch, sweep={"A91": made_up(num_seeds=40, failed=4)})
    assert len(fresh.sweep("A91").networks) == 36
    jobs = [job for job in fresh.JOBS if job.name == "A91"]
    monkeypatch.setattr(
        *(fresh, "JOBS"),
        (
            *[job.__class__(**vars(job) | {"seeds": range(1000, 1020)}) for job in jobs],
            *[
                job.__class__(**vars(job) | {"name": "more", "seeds": range(1020, 1040)})
                for job in jobs
            ],
            *[
                job.__class__(**vars(job) | {"name": "many", "seeds": range(1040, 1060)})
                for job in jobs
            ],
        ),
    )
    assert len(fresh.sweep("A91", learned_only=False).networks) == 20
    assert len(fresh.sweep("A91", also=("more", "many"), learned_only=False).networks) == 40
    with pytest.raises(MissingExport, match=r"^20 of 40 networks A91 \(job many\) committed$"):
        fresh.sweep("A91", "many")
    with pytest.raises(InputError, match="job must be one of"):
        fresh.sweep("A92")


def remainders(firsts):
    """Paper B's networks, whose every table has rows of each."""
    made = made_up_export("B113-code", firsts)
    return replace(made, spectra=made.networks[["seed"]], tasks=made.networks[["seed"]])


def test_networks_of_a_later_job_are_no_part_of_an_earlier_one(monkeypatch):
    place_fresh(monkeypatch, remainders={"B113-code": remainders([{}] * 3)})
    seeds = {"B113-code": range(1000, 1002), "B113-code-third": range(1002, 1003)}
    jobs = [replace(job, seeds=seeds.get(job.name, job.seeds)) for job in fresh.JOBS]
    monkeypatch.setattr(fresh, "JOBS", tuple(jobs))
    for names, wanted in (
        (("B113-code",), [1000, 1001]),
        (("B113-code-third",), [1002]),
        (fresh.PAPER, [1000, 1001, 1002]),
    ):
        found = fresh.remainders(*names)
        assert found.seeds == wanted
        for table in ("history", "norms", "spectra", "networks", "tasks"):
            assert sorted(set(getattr(found, table).seed)) == wanted


def test_a_claim_without_a_measure_is_pending_and_says_so(monkeypatch):
    monkeypatch.setattr("modlib.claims.measures.REGISTERED", {})
    monkeypatch.setattr("modlib.claims.measure.registered", lambda chapters=None: {})
    assert str(measure(["A2.double"])["A2.double"]) == "it is not measured yet"
