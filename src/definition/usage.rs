//! What can be seen only across files: names that two files give themselves, unused ladders.

use super::authored;
use super::authored::work::{Objections, Supplements};
use super::authored::workflow::{Clock, Workflow};
use super::code::Code;
use super::diagnostic::{Diagnostic, Findings};
use super::load::Located;
use super::span::{KeyPath, SpanIndex};

/// Two files give themselves the same name. `what` is also the key under which it stands.
pub(super) fn report_taken(
    again: &SpanIndex,
    first: &SpanIndex,
    what: &str,
    name: &str,
    findings: &mut Findings,
) {
    let path = KeyPath::root().key(what);
    let message = format!("the {what} `{name}` exists already");
    let diagnostic = Diagnostic::new(Code::DuplicateName, again.value(&path), message);
    let first = first.value(&path);
    findings.push(diagnostic.label("this name is taken").also(first, "it is taken here"));
}

/// Ladders that no clock names. Without any workflow there is nothing to say.
pub(super) fn unused_policies<'a>(
    ladders: &Located<authored::Escalation>,
    workflows: impl Iterator<Item = &'a Workflow>,
    findings: &mut Findings,
) {
    let mut any = false;
    let of_special = ladders.value.tasks.iter().filter_map(|(_, task)| task.sla.as_ref());
    let of_special = of_special.filter_map(|limit| limit.escalation.as_ref());
    let mut named: Vec<&str> = of_special.map(authored::shapes::Scalar::as_str).collect();
    for workflow in workflows {
        any = true;
        named.extend(policies_of(workflow));
    }
    if !any {
        return;
    }
    for policy in ladders.value.policies.names().filter(|policy| !named.contains(policy)) {
        let path = KeyPath::root().key("policies").key(policy);
        let message = format!("the escalation policy `{policy}` is never used");
        let diagnostic = Diagnostic::new(Code::UnusedPolicy, ladders.at.key(&path), message);
        findings.push(diagnostic.label("no clock of any workflow names it"));
    }
}

fn policies_of(workflow: &Workflow) -> impl Iterator<Item = &str> {
    let of_stages = workflow.stages.iter().flat_map(|stage| {
        let tasks = stage.tasks.iter().filter_map(|task| task.sla.as_ref());
        let named = stage.clocks.iter().map(|(_, clock)| clock);
        stage.sla.iter().chain(named).chain(tasks)
    });
    let named = workflow.clocks.iter().map(|(_, clock)| clock);
    let of_clocks = named.chain(of_stages).filter_map(|clock: &Clock| clock.escalation.as_ref());
    let suspension = workflow.suspension.iter();
    let of_suspension = suspension.filter_map(|suspension| suspension.escalation.as_ref());
    let of_turns = turns_of(workflow).into_iter();
    of_clocks.chain(of_suspension).chain(of_turns).map(authored::shapes::Scalar::as_str)
}

/// The ladders of objections and supplements, wherever they stand.
fn turns_of(workflow: &Workflow) -> Vec<&authored::shapes::Scalar> {
    fn objections(own: Option<&Objections>) -> Option<&authored::shapes::Scalar> {
        own?.escalation.as_ref()
    }
    fn supplements(own: Option<&Supplements>) -> Option<&authored::shapes::Scalar> {
        own?.escalation.as_ref()
    }
    let mut all =
        vec![objections(workflow.objections.as_ref()), supplements(workflow.supplements.as_ref())];
    for stage in &workflow.stages {
        all.extend([
            objections(stage.objections.as_ref()),
            supplements(stage.supplements.as_ref()),
        ]);
        for task in &stage.tasks {
            all.extend([
                objections(task.objections.as_ref()),
                supplements(task.supplements.as_ref()),
            ]);
        }
    }
    all.into_iter().flatten().collect()
}
