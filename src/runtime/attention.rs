//! Attention: what an operator should look at, told in sentences. Knows no edge: it only looks.

use crate::model::time::Timestamp;

use super::catalog::Catalog;
use super::shared::Shared;
use super::stats::Stats;

/// A calendar is asked for so long before its last published day: the next year's is published in
/// the autumn, and long limits reach beyond it first.
const HORIZON_MS_MIN: i64 = 60 * 24 * 60 * 60 * 1000;

/// Everything that needs somebody's attention now.
pub(super) fn warnings(shared: &Shared) -> Vec<String> {
    let mut warnings = Vec::new();
    if shared.clock_jump.is_some() {
        warnings
            .push("the clock jumped: commands are refused until a start with --catch-up".into());
    }
    warnings.extend(short_calendars(&shared.catalog.snapshot(), shared.clock.now()));
    warnings.extend(shared.effects.refusals().told());
    warnings.extend(counted(&shared.counters.read()));
    warnings
}

/// Calendars whose last published day is near or past: due times beyond it may still move.
fn short_calendars(catalog: &Catalog, now: Timestamp) -> Vec<String> {
    let calendars = catalog.calendars().map(|(id, live)| (id, &live.calendar));
    let short = calendars.filter_map(|(id, calendar)| {
        let horizon = calendar.horizon()?;
        let ends = calendar.due_on(horizon, crate::calendar::DayEnd::Midnight).at;
        (ends.ms_since(now) < HORIZON_MS_MIN).then(|| {
            format!(
                "calendar `{id}` is published until {horizon}: due times beyond are provisional, \
                 add the next year to its file"
            )
        })
    });
    short.collect()
}

/// What was counted since the start and should never happen.
fn counted(stats: &Stats) -> Vec<String> {
    let told = [
        (stats.escalations_unheard, "escalations had nobody to tell in a role nor above it"),
        (stats.escalations_exhausted, "escalations were acknowledged by nobody, up to the top"),
        (stats.scripts_failed, "scripts failed, and their last answer was kept"),
        (
            stats.effects_refused,
            "things that an instance asked of another were refused for good: see `effect.refused`",
        ),
        (stats.settlings_failed, "settlings failed and were put off"),
    ];
    let told = told.into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!("since the start {count} {what}")).collect()
}
