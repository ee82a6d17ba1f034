//! Stages: which can be entered, which can be left, and which entries under `next` are looked at.

use std::collections::BTreeSet;

use crate::definition::code::Code;
use crate::definition::compiled::{Stage, StageIndex, Workflow};
use crate::definition::diagnostic::{Diagnostic, Findings};
use crate::definition::span::KeyPath;

use super::Checked;
use super::asked::Asked;

/// Reports stages and ways that lead nowhere or that nothing leads to.
pub(super) fn check(
    checked: &Checked<'_>,
    judged: &[Asked],
    dead: &BTreeSet<StageIndex>,
    findings: &mut Findings,
) {
    for (at, stage) in checked.workflow.path() {
        unreachable_next(checked, at, stage, findings);
    }
    for at in dead {
        report_dead_end(checked, *at, findings);
    }
    unreachable_stages(checked, &Graph { workflow: checked.workflow, judged }, dead, findings);
}

struct Graph<'a> {
    workflow: &'a Workflow,
    judged: &'a [Asked],
}

fn place(stage: StageIndex) -> KeyPath {
    KeyPath::root().key("stages").index(stage.0)
}

impl Graph<'_> {
    fn asked(&self, path: &KeyPath) -> Option<&Asked> {
        self.judged.iter().find(|asked| asked.path == *path)
    }

    /// Whether a way is closed. One whose condition excludes itself is reported for that alone.
    fn is_closed(&self, path: &KeyPath) -> bool {
        self.asked(path).is_some_and(|asked| {
            asked.judgement.never_holds && asked.judgement.contradictions.is_empty()
        })
    }

    fn following(&self, stage: StageIndex) -> Option<StageIndex> {
        self.workflow.path().map(|(at, _)| at).find(|at| *at > stage)
    }

    /// Where a stage can lead: forward, and back by a return.
    fn leads_to(
        &self,
        at: StageIndex,
        stage: &Stage,
        dead: &BTreeSet<StageIndex>,
    ) -> Vec<StageIndex> {
        let mut targets: Vec<StageIndex> = stage.return_to.iter().map(|rule| rule.to).collect();
        if stage.next.is_empty() {
            targets.extend(self.following(at));
        }
        for (index, next) in stage.next.iter().enumerate() {
            let when = place(at).key("next").index(index).key("when");
            if dead.contains(&at) || !self.is_closed(&when) {
                targets.push(next.to);
            }
            if next.when.is_none() {
                break;
            }
        }
        targets
    }

    /// The stages of the path that some way enters or passes over.
    fn reached(&self, dead: &BTreeSet<StageIndex>) -> BTreeSet<StageIndex> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<StageIndex> = self.workflow.path().map(|(at, _)| at).take(1).collect();
        while let Some(at) = waiting.pop() {
            if !reached.insert(at) {
                continue;
            }
            let stage = &self.workflow.stages[at.0];
            waiting.extend(self.leads_to(at, stage, dead));
            if stage.skip_when.is_some() {
                waiting.extend(self.following(at));
            }
        }
        reached
    }
}

/// Behind a dead end everything is unreachable, and that goes without saying.
fn unreachable_stages(
    checked: &Checked<'_>,
    graph: &Graph<'_>,
    dead: &BTreeSet<StageIndex>,
    findings: &mut Findings,
) {
    let reached = graph.reached(dead);
    for (at, stage) in checked.workflow.path().filter(|(at, _)| !reached.contains(at)) {
        let message = format!("the stage `{}` can never be entered", stage.id);
        let span = checked.at.value(&place(at).key("id"));
        let diagnostic = Diagnostic::new(Code::UnreachableStage, span, message)
            .label("every way passes over it")
            .hint("add a `next` that leads to it, or delete it");
        findings.push(diagnostic);
    }
}

fn unreachable_next(checked: &Checked<'_>, at: StageIndex, stage: &Stage, findings: &mut Findings) {
    let Some(last) = stage.next.iter().position(|next| next.when.is_none()) else { return };
    for index in last + 1..stage.next.len() {
        let next = place(at).key("next");
        let message = "this entry of `next` is never looked at";
        let span = checked.at.value(&next.index(index));
        let diagnostic = Diagnostic::new(Code::UnreachableNext, span, message)
            .label("the first entry that holds counts")
            .also(checked.at.value(&next.index(last)), "this one always holds");
        findings.push(diagnostic);
    }
}

/// The stages that are left only by conditions of which none can ever hold. One whose conditions
/// all exclude themselves is reported for that alone.
pub(super) fn dead_ends(checked: &Checked<'_>, judged: &[Asked]) -> BTreeSet<StageIndex> {
    let graph = Graph { workflow: checked.workflow, judged };
    let is_dead = |(at, stage): &(StageIndex, &Stage)| {
        let place = place(*at).key("next");
        let whens: Option<Vec<&Asked>> = (0..stage.next.len())
            .map(|index| graph.asked(&place.index(index).key("when")))
            .collect();
        // An entry without `when` can always be taken.
        whens.is_some_and(|whens| {
            !whens.is_empty()
                && whens.iter().all(|asked| asked.judgement.never_holds)
                && whens.iter().any(|asked| asked.judgement.contradictions.is_empty())
        })
    };
    checked.workflow.path().filter(is_dead).map(|(at, _)| at).collect()
}

fn report_dead_end(checked: &Checked<'_>, at: StageIndex, findings: &mut Findings) {
    let message = format!("the stage `{}` can never be left", checked.workflow.stages[at.0].id);
    let diagnostic =
        Diagnostic::new(Code::DeadEnd, checked.at.key(&place(at).key("next")), message)
            .label("none of its conditions can hold while the stage is open")
            .hint("add an entry that can hold, or one without `when` at the end");
    findings.push(diagnostic);
}
