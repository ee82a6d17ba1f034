//! Compiled workflows as messages: conditions as written, indices as names.

use crate::api::pb;
use crate::definition::compiled::{
    ActivityKind, AdvanceMode, Beside, ClockRule, ClockSpec, ExtensionApprover, ExtensionRules,
    Field, FieldKind, Join, LimitChoice, Stage, TaskSpec, TerminationRule, Workflow,
};
use crate::model::id::WorkflowId;
use crate::runtime::Versions;
use crate::script::Condition;

use super::{escalation, instant, task, text, texts, title};

/// A version of a workflow as a whole.
pub(in crate::api) fn workflow(workflow: &Workflow) -> pb::Workflow {
    let suspension = workflow.suspension.as_ref();
    let may_terminate = workflow.may_terminate.iter();
    pb::Workflow {
        id: workflow.id.to_string(),
        version: workflow.version,
        digest: workflow.digest.clone(),
        title: Some(title(&workflow.title)),
        calendar: workflow.calendar.to_string(),
        fields: workflow.fields.iter().map(field).collect(),
        activities: workflow.activities.iter().map(activity).collect(),
        clocks: workflow.clocks.iter().map(clock).collect(),
        suspension: suspension.map(|rule| clock(&rule.clock)),
        suspension_approver: text(suspension.and_then(|rule| rule.approver.as_ref())),
        may_terminate: may_terminate.map(|rule| termination(rule, workflow)).collect(),
        stages: workflow.stages.iter().map(|each| stage(each, workflow)).collect(),
        policies: workflow.policies.iter().map(escalation::policy).collect(),
        levels: texts(&workflow.levels),
        special_tasks: workflow.special_tasks.iter().map(|spec| special_task(spec)).collect(),
        extensions: Some(extensions(&workflow.extensions)),
        suspension_extensions: suspension.map(|rule| extensions(&rule.extensions)),
    }
}

/// A workflow as lists show it.
pub(in crate::api) fn summary(id: &WorkflowId, versions: &Versions) -> pb::WorkflowSummary {
    let active = versions.active.and_then(|active| versions.versions.get(&active));
    let every = versions.versions.iter().map(|(version, published)| pb::WorkflowVersion {
        version: *version,
        digest: published.workflow.digest.clone(),
        published_at: Some(instant(published.published_at)),
    });
    pb::WorkflowSummary {
        id: id.to_string(),
        title: active.map(|published| title(&published.workflow.title)),
        active_version: versions.active,
        versions: every.collect(),
    }
}

/// A task that a ladder opens.
pub(in crate::api) fn special_task(spec: &TaskSpec) -> pb::TaskDefinition {
    definition(spec, Vec::new())
}

/// What the workflow says of a task of a stage.
pub(in crate::api) fn task_definition(spec: &TaskSpec, stage: &Stage) -> pb::TaskDefinition {
    let after = spec.after.iter().map(|index| stage.tasks[index.0].id.to_string());
    definition(spec, after.collect())
}

fn definition(spec: &TaskSpec, after: Vec<String>) -> pb::TaskDefinition {
    let join = match spec.join {
        Join::All => "all".to_owned(),
        Join::Any => "any".to_owned(),
        Join::AtLeast(count) => count.to_string(),
    };
    let objections = spec.objections.as_ref().map(|rules| pb::ObjectionDefinition {
        within: rules.within.to_string(),
        by: rules.by.to_string(),
        clock: Some(clock(&rules.clock)),
    });
    let supplements = spec.supplements.as_ref().map(|rules| pb::SupplementDefinition {
        times: rules.times,
        clock: Some(clock(&rules.clock)),
    });
    pb::TaskDefinition {
        id: spec.id.to_string(),
        title: Some(title(&spec.title)),
        guide: Some(title(&spec.guide)),
        kind: task::kind(spec.kind).into(),
        for_each: texts(&spec.for_each),
        roles: texts(&spec.roles),
        when: written(spec.when.as_ref()),
        after,
        optional: spec.optional,
        outcomes: texts(&spec.outcomes),
        join,
        four_eyes: spec.four_eyes,
        form: spec.form.iter().map(field).collect(),
        checklist: task::checklist(spec),
        clock: spec.clock.as_ref().map(clock),
        extensions: Some(extensions(&spec.extensions)),
        objections,
        supplements,
        silence: text(spec.silence.as_ref()),
        delegate: texts(&spec.delegate),
    }
}

fn stage(stage: &Stage, workflow: &Workflow) -> pb::StageDefinition {
    let name = |index: usize| workflow.stages[index].id.to_string();
    let next = stage
        .next
        .iter()
        .map(|rule| pb::NextDefinition { to: name(rule.to.0), when: written(rule.when.as_ref()) });
    let return_to = stage.return_to.iter().map(|rule| pb::ReturnDefinition {
        to: name(rule.to.0),
        approver: text(rule.approver.as_ref()),
    });
    let may_terminate = stage.may_terminate.iter();
    pb::StageDefinition {
        id: stage.id.to_string(),
        title: Some(title(&stage.title)),
        guide: Some(title(&stage.guide)),
        role: stage.role.to_string(),
        beside: stage.beside.as_ref().map(|rule| beside(rule, workflow)),
        skip_when: written(stage.skip_when.as_ref()),
        requires: texts(&stage.requires),
        advances_by_itself: stage.advance == AdvanceMode::Automatic,
        clocks: stage.clocks.iter().map(clock).collect(),
        tasks: stage.tasks.iter().map(|spec| task_definition(spec, stage)).collect(),
        next: next.collect(),
        return_to: return_to.collect(),
        may_terminate: may_terminate.map(|rule| termination(rule, workflow)).collect(),
        extensions: Some(extensions(&stage.extensions)),
    }
}

fn extensions(rules: &ExtensionRules) -> pb::ExtensionDefinition {
    let approver = |approver: &ExtensionApprover| pb::ApproverDefinition {
        role: approver.role.to_string(),
        at_most_percent: approver.at_most.unwrap_or_default(),
    };
    pb::ExtensionDefinition {
        ask_before: text(rules.ask_before.as_ref()),
        approvers: rules.approvers.iter().map(approver).collect(),
    }
}

fn beside(beside: &Beside, workflow: &Workflow) -> pb::BesideDefinition {
    pb::BesideDefinition {
        opens_from: workflow.stages[beside.opens_from.0].id.to_string(),
        when: written(beside.when.as_ref()),
        recurring: beside.recurring,
        enough_when: written(beside.enough_when.as_ref()),
        close_on_return: beside.close_on_return,
    }
}

fn termination(rule: &TerminationRule, workflow: &Workflow) -> pb::TerminationDefinition {
    pb::TerminationDefinition {
        code: rule.code.to_string(),
        approver: text(rule.approver.as_ref()),
        title: workflow.reasons.get(&rule.code).map(title),
    }
}

fn activity(activity: &ActivityKind) -> pb::ActivityDefinition {
    pb::ActivityDefinition {
        id: activity.id.to_string(),
        title: Some(title(&activity.title)),
        fields: activity.fields.iter().map(field).collect(),
    }
}

fn field(field: &Field) -> pb::FieldDefinition {
    let (kind, choices) = match &field.kind {
        FieldKind::Text => (pb::FieldKind::Text, Vec::new()),
        FieldKind::Integer => (pb::FieldKind::Integer, Vec::new()),
        FieldKind::Decimal => (pb::FieldKind::Decimal, Vec::new()),
        FieldKind::Boolean => (pb::FieldKind::Boolean, Vec::new()),
        FieldKind::Date => (pb::FieldKind::Date, Vec::new()),
        FieldKind::Choice(words) => (pb::FieldKind::Choice, texts(words)),
    };
    pb::FieldDefinition {
        id: field.id.to_string(),
        title: Some(title(&field.title)),
        kind: kind.into(),
        choices,
        required: field.required,
        required_when: written(field.required_when.as_ref()),
        indexed: field.indexed,
        unit: text(field.unit.as_ref()),
        at_least: text(field.at_least.as_ref()),
        at_most: text(field.at_most.as_ref()),
        sets: text(field.sets.as_ref()),
    }
}

fn clock(spec: &ClockSpec) -> pb::ClockDefinition {
    let plain = pb::ClockDefinition {
        id: spec.id.to_string(),
        excluded_while: written(spec.excluded_while.as_ref()),
        policy: text(spec.policy.as_ref()),
        always_on: spec.always_on,
        ..Default::default()
    };
    match &spec.kind {
        ClockRule::Within(limits) => {
            pb::ClockDefinition { kind: "within".to_owned(), limits: choices(limits), ..plain }
        }
        ClockRule::By(field) => {
            pb::ClockDefinition { kind: "by".to_owned(), date_field: field.to_string(), ..plain }
        }
        ClockRule::Every { limits, reset_by } => pb::ClockDefinition {
            kind: "every".to_owned(),
            limits: choices(limits),
            reset_by: texts(reset_by),
            ..plain
        },
        ClockRule::Wait(limits) => {
            pb::ClockDefinition { kind: "wait".to_owned(), limits: choices(limits), ..plain }
        }
        ClockRule::Check { function, runs } => pb::ClockDefinition {
            kind: "check".to_owned(),
            check: function.0.to_string(),
            runs: runs.to_string(),
            ..plain
        },
        ClockRule::Raise { when, .. } => pb::ClockDefinition {
            kind: "raise".to_owned(),
            when: when.source().to_string(),
            ..plain
        },
    }
}

fn choices(limits: &[LimitChoice]) -> Vec<pb::LimitChoice> {
    let choice = |limit: &LimitChoice| pb::LimitChoice {
        when: written(limit.when.as_ref()),
        take: limit.take.to_string(),
    };
    limits.iter().map(choice).collect()
}

/// A condition as written; empty where there is none.
fn written(condition: Option<&Condition>) -> String {
    condition.map(|condition| condition.source().to_string()).unwrap_or_default()
}
