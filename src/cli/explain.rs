//! `sanbang explain`: how each due time of an instance came about.

use clap::Args;

use crate::api::pb;

use super::Global;
use super::describe;
use super::exit::Failure;
use super::print::Output;
use super::walk;

/// How each due time of an instance came about, day by day, and what is still to happen
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang explain p-001 --actor coordinator_1")]
pub(super) struct Explain {
    /// The instance
    instance: String,
}

impl Explain {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let request = pb::InstanceServiceExplainDeadlinesRequest { instance: self.instance };
        let response = client.instances().explain_deadlines(request).await?.into_inner();
        output.message(&response, |output| {
            let texts: Vec<String> =
                response.deadlines.iter().map(|deadline| text(deadline, output)).collect();
            texts.join("\n\n")
        })
    }
}

/// One due time, its days and what is still to happen: all in the zone of its calendar, in which
/// the days are counted.
pub(super) fn text(deadline: &pb::DeadlineExplanation, output: &Output) -> String {
    let Some(clock) = &deadline.clock else { return String::new() };
    let reference = clock.reference.as_ref();
    let zone = deadline.walk.as_ref().map(|walk| walk.zone.as_str()).unwrap_or_default();
    let instant = |instant| output.instant_in(zone, instant);
    let mut lines = vec![format!(
        "clock {} ({}): {}, due {}, {zone}",
        reference.map(|it| it.number).unwrap_or_default(),
        describe::clock(reference),
        walk::limit_text(clock.limit.as_ref()),
        instant(clock.plan.as_ref().and_then(|plan| plan.due)),
    )];
    if !clock.paused.is_empty() {
        lines.push("  it stands still: the due time moves on until it runs again".to_owned());
    }
    if let Some(walk) = &deadline.walk {
        lines.extend(walk::lines(walk).into_iter().map(|line| format!("  {line}")));
    }
    let schedule = clock.plan.as_ref().map(|plan| plan.schedule.as_slice()).unwrap_or_default();
    lines.extend(schedule.iter().map(|it| scheduled(it, &instant(it.at))));
    lines.join("\n")
}

/// Something that is to happen, in a line, with the time as it is to be read.
pub(super) fn scheduled(scheduled: &pb::Scheduled, at: &str) -> String {
    let what = match scheduled.alarm() {
        pb::AlarmKind::Unspecified => "?".to_owned(),
        pb::AlarmKind::AtRisk => "at risk".to_owned(),
        pb::AlarmKind::Due => "the limit runs out".to_owned(),
        pb::AlarmKind::Step => format!("step {}", scheduled.step),
        pb::AlarmKind::Repeat => format!("step {} tells again", scheduled.step),
        pb::AlarmKind::Unacknowledged => {
            format!("step {} is to be acknowledged by then", scheduled.step)
        }
        pb::AlarmKind::Check => "the check measures".to_owned(),
    };
    format!("  next: {at}  {what}")
}
