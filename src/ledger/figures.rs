//! Figures: what an indicator gives at an instant. Dossiers go in one by one; every figure says of
//! what it is a share and how many it rests on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::compiled::Workflow;
use crate::definition::ledger::indicator::{
    Bound, Days, Goal, Indicator, Key, Measure, Measured, Side, Tally, Target,
};
use crate::definition::ledger::{Kind, Naming, Source};
use crate::model::id::{IndicatorId, WorkflowId};
use crate::model::organization::Organization;
use crate::model::time::{Date, Timestamp};
use crate::model::value::Decimal;

use super::cell::{Language, Names};
use super::dossier::Dossier;
use super::look::Look;
use super::pick::{Filter, passes, pick};
use super::setting::Setting;
use super::tallies::{Bucket, Wording, reached};

/// Days, both included; without one it is open on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
}

impl Period {
    /// Whether a day lies in it.
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| day >= from) && self.to.is_none_or(|to| day <= to)
    }

    /// The calendar year in which it lies, where it ends today unless it says otherwise; none: it
    /// has no beginning, or lies in several.
    fn year(&self, today: Option<Date>) -> Option<i16> {
        let (from, to) = (self.from?.year(), self.to.or(today)?.year());
        (from == to).then_some(from)
    }
}

/// What a figure looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// What there is at the instant of the answer.
    Now,
    /// What happened in the period.
    Period,
    /// What began in the period, and what has become of it since.
    Cohort,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it looks at.
    pub basis: Basis,
    /// The values by which the indicator is split, as people read them.
    pub keys: Vec<String>,
    /// What it is about within the indicator: a stage, a band, a person; empty: the whole.
    pub name: String,
    /// What it is: `count`, `sum`, `ratio`, `p50`, `share`, …
    pub measure: &'static str,
    /// The figure; none: there is nothing to divide by, or nothing to look at.
    pub value: Option<Decimal>,
    /// What was divided.
    pub numerator: Option<Decimal>,
    /// By what.
    pub denominator: Option<Decimal>,
    /// On how many rows it rests.
    pub n: u64,
    /// What it is to reach.
    pub target: Option<Compared>,
}

/// What a figure is to reach, and whether it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Whether more is better, or less.
    pub bound: Bound,
    /// How much.
    pub goal: Decimal,
    /// For which year; none: whichever.
    pub year: Option<i16>,
    /// Whether it does; none: there is no figure.
    pub reached: Option<bool>,
}

/// An indicator with its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub id: IndicatorId,
    /// What people call it.
    pub title: String,
    /// The unit of its values; empty: a plain number.
    pub unit: String,
    /// What its keys are.
    pub by: Vec<String>,
    /// What is divided, in words.
    pub numerator: String,
    /// By what, in words.
    pub denominator: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// An indicator that is being counted.
#[derive(Debug)]
pub struct Counting {
    indicator: Arc<Indicator>,
    filter: Filter,
    period: Period,
    language: Language,
    splits: BTreeMap<Vec<Behind>, Split>,
}

/// What stands behind a key: a name, and the workflow that knows it where others may mean something
/// else by it.
type Behind = (String, Option<WorkflowId>);

/// One split of an indicator.
#[derive(Debug, Default)]
struct Split {
    /// Its keys, as people read them.
    shown: Vec<String>,
    bucket: Bucket,
}

impl Counting {
    /// Nothing counted yet.
    pub fn new(
        indicator: Arc<Indicator>,
        filter: Filter,
        period: Period,
        language: Language,
    ) -> Self {
        let mut splits = BTreeMap::new();
        if indicator.by.is_empty() {
            splits.insert(Vec::new(), Split::default());
        }
        Self { indicator, filter, period, language, splits }
    }

    /// The indicator.
    pub fn indicator(&self) -> &Indicator {
        &self.indicator
    }

    /// Counts a dossier. They come in order of creation, so that the last one knows the newest
    /// titles.
    pub fn take(&mut self, dossier: &Dossier, setting: &Setting<'_>) {
        let indicator = Arc::clone(&self.indicator);
        let Setting { organization, workflow, .. } = *setting;
        let names = Names { organization, workflow, language: self.language };
        for look in pick(&indicator.selection, &self.filter, dossier, setting) {
            let keys = indicator.by.iter().map(|key| {
                let (shown, name) = key_of(&names, key, &look);
                (shown, (name, knower(key, workflow)))
            });
            let (shown, behind): (Vec<String>, Vec<Behind>) = keys.unzip();
            let split = self.splits.entry(behind).or_default();
            split.shown = shown;
            count(&mut split.bucket, &indicator.measure, (&look, &names), self.period);
        }
    }

    /// The figures. `today` is the day of the answer.
    pub fn finish(self, organization: &Organization, today: Option<Date>) -> Report {
        let Self { indicator, language, splits, period, .. } = self;
        let wording = Wording { language, organization };
        let mut figures = Vec::new();
        for (keys, bucket) in read(splits) {
            let keys: Vec<String> = keys.into_iter().map(|(shown, _)| shown).collect();
            for figure in bucket.figures(&indicator.measure, wording) {
                let year = match figure.basis {
                    Basis::Now => today.map(Date::year),
                    Basis::Period | Basis::Cohort => period.year(today),
                };
                let wanted = indicator.target.as_ref();
                let target = wanted.and_then(|target| compared(target, &figure, year));
                figures.push(Figure { keys: keys.clone(), target, ..figure });
            }
        }
        let (numerator, denominator) = wording.sides(&indicator.measure);
        let text = |title| language.of(title).to_owned();
        Report {
            id: indicator.id.clone(),
            title: text(&indicator.title),
            unit: text(&indicator.unit),
            by: indicator.by.iter().map(|key| text(&key.title)).collect(),
            numerator,
            denominator,
            figures,
        }
    }
}

/// Splits by what people read and the names behind it: two people of one name are two, and what two
/// workflows call alike is one.
fn read(splits: BTreeMap<Vec<Behind>, Split>) -> BTreeMap<Vec<(String, String)>, Bucket> {
    let mut buckets: BTreeMap<_, Bucket> = BTreeMap::new();
    for (behind, Split { shown, bucket }) in splits {
        let names = behind.into_iter().map(|(name, _)| name);
        let keys = shown.into_iter().zip(names).collect();
        buckets.entry(keys).or_default().join(bucket);
    }
    buckets
}

/// The workflow that knows what a key gives: each has stages, tasks and activities of its own.
fn knower(key: &Key, workflow: &Workflow) -> Option<WorkflowId> {
    let own = matches!(
        key.kind,
        Kind::Name(Naming::Stage | Naming::Task | Naming::Activity | Naming::Limit)
    );
    own.then(|| workflow.id.clone())
}

/// What a target says of a figure that tells of a year.
fn compared(target: &Target, figure: &Figure, year: Option<i16>) -> Option<Compared> {
    if figure.measure != target.figure || !figure.name.is_empty() {
        return None;
    }
    let (goal, year) = match &target.goal {
        Goal::Always(goal) => (*goal, None),
        Goal::Years(years) => (*years.get(&year?)?, year),
    };
    let reached = figure.value.map(|value| target.bound.holds(value, goal));
    Some(Compared { bound: target.bound, goal, year, reached })
}

/// What a key gives: as people read it, and as it stands.
fn key_of(names: &Names<'_>, key: &Key, look: &Look<'_>) -> (String, String) {
    let naming = match key.kind {
        Kind::Name(naming) => Some(naming),
        _ => None,
    };
    let cell = look.at(&key.source);
    let as_it_stands = cell.to_string();
    (names.shown(naming, cell).to_string(), as_it_stands)
}

fn day_of(look: &Look<'_>, source: &Source) -> Option<Date> {
    look.at(source).day()
}

fn number_of(look: &Look<'_>, source: &Source) -> Decimal {
    look.at(source).number().unwrap_or_default()
}

fn count(
    bucket: &mut Bucket,
    measure: &Measure,
    (look, names): (&Look<'_>, &Names<'_>),
    period: Period,
) {
    let in_period = |at: Option<&Source>| {
        at.is_none_or(|at| day_of(look, at).is_some_and(|day| period.holds(day)))
    };
    match measure {
        Measure::Count { at, tally } => {
            if in_period(at.as_ref()) {
                bucket.n += 1;
                match tally {
                    Tally::Rows => {}
                    Tally::Sum(source) => bucket.sum.add(number_of(look, source)),
                    Tally::Distinct(source) => {
                        let cell = look.at(source);
                        if !cell.is_empty() {
                            bucket.distinct.insert(cell);
                        }
                    }
                }
            }
        }
        Measure::Ratio { denominator, numerator } => {
            count_ratio(bucket, (denominator, numerator), look, period);
        }
        Measure::Distribution { value, at } => {
            if in_period(at.as_ref()) {
                bucket.values.extend(measured(look, value));
            }
        }
        Measure::Bands { value, up_to } => {
            if let Some(value) = look.at(value).number() {
                let above = |bound: &&i64| value > Decimal::from(**bound);
                let band = up_to.iter().take_while(above).count();
                bucket.add(&band.to_string(), Decimal::ONE);
                bucket.n += 1;
            }
        }
        Measure::Funnel { stages, amount } => {
            let amount = amount.as_ref().map(|source| number_of(look, source));
            bucket.pour(reached(look, stages), amount.unwrap_or_default(), period);
        }
        Measure::Spread { per, .. } => {
            if !look.at(&per.source).is_empty() {
                let (shown, key) = key_of(names, per, look);
                bucket.add(&key, Decimal::ONE);
                bucket.called(&key, shown);
                bucket.n += 1;
            }
        }
        Measure::Repeats { per, at, within, .. } => {
            let day = day_of(look, at).filter(|day| period.holds(*day));
            if let Some(day) = day {
                let (shown, who) = key_of(names, per, look);
                bucket.repeated(&shown, &who, day, *within);
            }
        }
        Measure::Held { per } => {
            let clip = clip(look.setting, period);
            for (key, ms) in super::held::held(look.dossier, look.setting, *per, clip) {
                let name = super::held::called(&key, *per, names);
                let key = format!("{key:?}");
                bucket.add(&key, Decimal::from(ms));
                bucket.called(&key, name);
            }
            bucket.n += 1;
        }
    }
}

/// The instants between which time counts.
fn clip(setting: &Setting<'_>, period: Period) -> (Timestamp, Timestamp) {
    let start = |day: Date| {
        let zoned = day.to_zoned(setting.calendar.zone().clone());
        zoned.map_or(Timestamp(0), |zoned| Timestamp(zoned.timestamp().as_millisecond()))
    };
    let from = period.from.map_or(Timestamp(i64::MIN), start);
    let after = period.to.and_then(|to| to.tomorrow().ok()).map_or(setting.now, start);
    (from, after.min(setting.now))
}

fn count_ratio(
    bucket: &mut Bucket,
    (denominator, numerator): (&Side, &Side),
    look: &Look<'_>,
    period: Period,
) {
    if !passes(&denominator.tests, look) {
        return;
    }
    let day = |side: &Side| side.at.as_ref().map(|at| day_of(look, at));
    let today = look.setting.calendar.date_of(look.setting.now);
    // A row counts for a side once its day is there and has come; without one it always does.
    let came =
        |day: Option<Option<Date>>| day.is_none_or(|day| day.is_some_and(|day| day <= today));
    let amount =
        |side: &Side| side.sum.as_ref().map_or(Decimal::ONE, |source| number_of(look, source));
    let (entered, reached) = (day(denominator), day(numerator));
    if !came(entered) {
        return;
    }
    let counts = came(reached) && passes(&numerator.tests, look);
    let within =
        |day: Option<Option<Date>>| day.is_none_or(|day| day.is_some_and(|day| period.holds(day)));
    let in_cohort = within(entered);
    if in_cohort {
        bucket.n += 1;
        bucket.denominator.add(amount(denominator));
        if counts {
            bucket.numerator.add(amount(numerator));
        }
    }
    // The numerator's own instant; without one it counts when the denominator does.
    if counts && within(reached.or(entered)) {
        bucket.numerator_of_period.add(amount(numerator));
    }
}

fn measured(look: &Look<'_>, value: &Measured) -> Option<Decimal> {
    match value {
        Measured::Source(source) => look.at(source).number(),
        Measured::Between { from, to, days } => {
            let (from, to) = (day_of(look, from)?, day_of(look, to)?);
            let calendar = look.setting.calendar;
            let days = match days {
                Days::Calendar => i64::from((to - from).get_days()),
                Days::Working => {
                    let noon = |day: Date| {
                        let zoned = day.at(12, 0, 0, 0).to_zoned(calendar.zone().clone()).ok()?;
                        Some(Timestamp(zoned.timestamp().as_millisecond()))
                    };
                    calendar.working_days_between(noon(from)?, noon(to)?)
                }
            };
            Some(Decimal::from(days))
        }
    }
}
