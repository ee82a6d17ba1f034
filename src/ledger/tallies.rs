//! Tallies: what is counted on the way, and the figures that are made of it.

use std::collections::{BTreeMap, HashSet};

use crate::definition::ledger::indicator::{Measure, Within};
use crate::model::id::StageId;
use crate::model::organization::{Organization, Title};
use crate::model::time::Date;
use crate::model::value::Decimal;

use super::cell::{Cell, Language};
use super::figures::{Basis, Figure, Period};
use super::look::Look;
use super::sum::Sum;

/// Digits after the point of a share.
const PLACES: u32 = 4;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// What is counted of one split of an indicator; each measure uses what it needs.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) n: u64,
    pub(super) sum: Sum,
    pub(super) distinct: HashSet<Cell>,
    pub(super) denominator: Sum,
    pub(super) numerator: Sum,
    pub(super) numerator_of_period: Sum,
    pub(super) values: Vec<Decimal>,
    /// By whatever the measure goes by.
    named: BTreeMap<String, Decimal>,
    /// What people call the names.
    called: BTreeMap<String, String>,
    /// By stage of a funnel, and at last the end of the path.
    funnel: Vec<Level>,
}

/// What came to a stage of a funnel.
#[derive(Debug, Default)]
struct Level {
    /// Of those that began in the period: how many, how much, and the dwell of each.
    count: u64,
    amount: Sum,
    dwell: Vec<Decimal>,
    /// Whenever they began, those that came in the period: how many and how much.
    came: u64,
    amount_that_came: Sum,
}

/// How far an instance came on its path, how long it was in each stage, and on which day it first
/// came to the stage or a later one, or to the end.
pub(super) struct Reached {
    created: Date,
    furthest: usize,
    dwell: Vec<Option<Decimal>>,
    days: Vec<Option<Date>>,
}

/// How far an instance came: to a stage that it entered, or to the end of the path.
pub(super) fn reached(look: &Look<'_>, stages: &[(StageId, Title)]) -> Reached {
    let stays = &look.dossier.stays;
    let dwell: Vec<Option<Decimal>> = stages
        .iter()
        .map(|(id, _)| {
            let own = stays.iter().filter(|stay| stay.stage == *id);
            let lengths: Vec<_> = own.map(|stay| look.setting.dwell(look.dossier, stay)).collect();
            (!lengths.is_empty()).then(|| lengths.into_iter().sum())
        })
        .collect();
    let end = look.dossier.path_ended_at;
    let entered = dwell.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
    let furthest = if end.is_some() { stages.len() + 1 } else { entered };
    let calendar = look.setting.calendar;
    let entry = |id: &StageId| {
        stays.iter().filter(|stay| stay.stage == *id).map(|stay| stay.span.from).min()
    };
    let entries = stages.iter().map(|(id, _)| entry(id)).chain([end]);
    let mut days: Vec<Option<Date>> = entries.map(|at| at.map(|at| calendar.date_of(at))).collect();
    for at in (1..days.len()).rev() {
        days[at - 1] = [days[at - 1], days[at]].into_iter().flatten().min();
    }
    let created = calendar.date_of(look.dossier.instance.created_at);
    Reached { created, furthest, dwell, days }
}

impl Bucket {
    pub(super) fn add(&mut self, name: &str, amount: Decimal) {
        *self.named.entry(name.to_owned()).or_default() += amount;
    }

    pub(super) fn called(&mut self, name: &str, shown: String) {
        self.called.insert(name.to_owned(), shown);
    }

    /// Somebody came once more in the period of a day.
    pub(super) fn repeated(&mut self, shown: &str, who: &str, day: Date, within: Within) {
        if !who.is_empty() {
            let period = label(day, within);
            let key = format!("{period}\t{who}");
            self.add(&key, Decimal::ONE);
            self.called(&key, format!("{shown} {period}"));
            self.n += 1;
        }
    }

    /// Takes what was counted in another one as well.
    pub(super) fn join(&mut self, other: Self) {
        self.n += other.n;
        self.sum.join(other.sum);
        self.distinct.extend(other.distinct);
        self.denominator.join(other.denominator);
        self.numerator.join(other.numerator);
        self.numerator_of_period.join(other.numerator_of_period);
        self.values.extend(other.values);
        for (name, amount) in other.named {
            self.add(&name, amount);
        }
        self.called.extend(other.called);
        // A funnel is of one workflow, so only one of them has any.
        self.funnel.extend(other.funnel);
    }

    /// Pours an instance into a funnel: it counts for every stage up to the furthest one.
    pub(super) fn pour(&mut self, came: Reached, amount: Decimal, period: Period) {
        self.funnel.resize_with(came.days.len(), Level::default);
        for (level, day) in self.funnel.iter_mut().zip(&came.days) {
            if day.is_some_and(|day| period.holds(day)) {
                level.came += 1;
                level.amount_that_came.add(amount);
            }
        }
        if !period.holds(came.created) {
            return;
        }
        self.n += 1;
        let mut dwell = came.dwell.into_iter();
        for (at, level) in self.funnel.iter_mut().enumerate() {
            level.dwell.extend(dwell.next().flatten());
            if at < came.furthest {
                level.count += 1;
                level.amount.add(amount);
            }
        }
    }

    /// The figures that these tallies make.
    pub(super) fn figures(mut self, measure: &Measure, wording: Wording<'_>) -> Vec<Figure> {
        match measure {
            Measure::Count { at, tally } => {
                use crate::definition::ledger::indicator::Tally;
                let basis = if at.is_some() { Basis::Period } else { Basis::Now };
                let value = match tally {
                    Tally::Rows => ("count", Some(Decimal::from(self.n))),
                    Tally::Sum(_) => ("sum", self.sum.value()),
                    Tally::Distinct(_) => ("distinct", Some(Decimal::from(self.distinct.len()))),
                };
                vec![figure(basis, "", value, self.n)]
            }
            Measure::Ratio { denominator, numerator } => {
                let basis = if denominator.at.is_some() { Basis::Cohort } else { Basis::Now };
                let mut figures = vec![share(basis, "", "ratio", (self.numerator, &self))];
                if denominator.at.is_some() && numerator.at.is_some() {
                    let of_period = self.numerator_of_period;
                    figures.push(share(Basis::Period, "", "ratio", (of_period, &self)));
                }
                figures
            }
            Measure::Distribution { at, .. } => {
                let basis = if at.is_some() { Basis::Period } else { Basis::Now };
                distribution(basis, "", &mut self.values, ["p50", "p90", "max"])
            }
            Measure::Bands { up_to, .. } => {
                let n = self.n;
                let mut figures = Vec::new();
                for at in 0..=up_to.len() {
                    let count = self.named.remove(&at.to_string()).unwrap_or_default();
                    let name = band(up_to, at);
                    let own = (count, Decimal::from(n));
                    figures.push(divided(Basis::Now, &name, "count", own, n, Some(count)));
                }
                figures
            }
            Measure::Funnel { stages, amount } => self.funnel(stages, amount.is_some(), wording),
            Measure::Spread { among, .. } => self.spread(among, wording),
            Measure::Repeats { at_least, .. } => self.repeats(*at_least),
            Measure::Held { .. } => self.held(),
        }
    }

    fn funnel(
        mut self,
        stages: &[(StageId, Title)],
        with_amount: bool,
        wording: Wording<'_>,
    ) -> Vec<Figure> {
        let mut figures = Vec::new();
        self.funnel.resize_with(stages.len() + 1, Level::default);
        let all = Decimal::from(self.n);
        let (mut before, mut came_before) = (all, all);
        let names = stages.iter().map(|(_, title)| wording.language.of(title).to_owned());
        let names = names.chain([wording.pick("end of the path", "办结").to_owned()]);
        for (name, level) in names.zip(self.funnel) {
            let Level { count, amount, mut dwell, came, amount_that_came } = level;
            let own = Decimal::from(count);
            let n = self.n;
            figures.push(divided(Basis::Cohort, &name, "count", (own, all), n, Some(own)));
            if with_amount {
                figures.push(figure(Basis::Cohort, &name, ("amount", amount.value()), count));
            }
            figures.push(divided(Basis::Cohort, &name, "share", (own, all), n, None));
            figures.push(divided(Basis::Cohort, &name, "step", (own, before), n, None));
            before = own;
            if !dwell.is_empty() {
                let names = ["dwell_p50", "dwell_p90", "dwell_max"];
                figures.extend(distribution(Basis::Cohort, &name, &mut dwell, names));
            }
            let own = Decimal::from(came);
            figures.push(figure(Basis::Period, &name, ("count", Some(own)), came));
            if with_amount {
                let amount = ("amount", amount_that_came.value());
                figures.push(figure(Basis::Period, &name, amount, came));
            }
            figures.push(divided(Basis::Period, &name, "step", (own, came_before), came, None));
            came_before = own;
        }
        figures
    }

    fn spread(mut self, among: &[crate::model::id::GroupId], wording: Wording<'_>) -> Vec<Figure> {
        let organization = wording.organization;
        for member in among.iter().flat_map(|group| organization.members_of(group.as_str())) {
            self.add(member.id.as_str(), Decimal::ZERO);
            let shown = wording.language.of(&member.title).to_owned();
            self.called(member.id.as_str(), shown);
        }
        let counts: Vec<Decimal> = self.named.values().copied().collect();
        let people = u64::try_from(counts.len()).unwrap_or(u64::MAX);
        let total: Decimal = counts.iter().copied().sum();
        let largest = counts.iter().max().copied();
        let mut figures: Vec<Figure> = self
            .named
            .iter()
            .map(|(name, count)| {
                let shown = self.called.get(name).unwrap_or(name);
                divided(Basis::Now, shown, "count", (*count, total), people, Some(*count))
            })
            .collect();
        let mean = (total, Decimal::from(people));
        figures.push(divided(Basis::Now, "", "mean", mean, people, None));
        figures.push(figure(Basis::Now, "", ("max", largest), people));
        // Largest ÷ mean, written without dividing twice.
        let largest = largest.unwrap_or_default();
        let imbalance = (largest * Decimal::from(people), total);
        figures.push(divided(Basis::Now, "", "imbalance", imbalance, people, None));
        figures
    }

    fn repeats(self, at_least: u32) -> Vec<Figure> {
        let n = self.n;
        let often = self.named.iter().filter(|(_, count)| **count >= Decimal::from(at_least));
        let mut figures: Vec<Figure> = often
            .map(|(key, count)| {
                let name = self.called.get(key).unwrap_or(key);
                figure(Basis::Period, name, ("count", Some(*count)), n)
            })
            .collect();
        figures.sort_by(|left, right| left.name.cmp(&right.name));
        let own = (Decimal::from(figures.len()), Decimal::from(self.named.len()));
        figures.push(divided(Basis::Period, "", "ratio", own, n, None));
        figures
    }

    fn held(self) -> Vec<Figure> {
        let total: Decimal = self.named.values().copied().sum();
        let hours = |ms: Decimal| (ms / Decimal::from(HOUR_MS)).round_dp(2).normalize();
        let name = |key| self.called.get(key).unwrap_or(key);
        let mut shares: Vec<(&String, &Decimal)> =
            self.named.iter().map(|(key, ms)| (name(key), ms)).collect();
        shares.sort_by(|left, right| right.1.cmp(left.1).then(left.0.cmp(right.0)));
        let figures = shares.into_iter().map(|(name, ms)| {
            let value = divided(Basis::Period, name, "share", (*ms, total), self.n, None).value;
            let (numerator, denominator) = (Some(hours(*ms)), Some(hours(total)));
            let base = figure(Basis::Period, name, ("share", value), self.n);
            Figure { numerator, denominator, ..base }
        });
        figures.collect()
    }
}

fn figure(
    basis: Basis,
    name: &str,
    (measure, value): (&'static str, Option<Decimal>),
    n: u64,
) -> Figure {
    let name = name.to_owned();
    let (keys, numerator, denominator) = (Vec::new(), None, None);
    let value = value.map(|value| value.normalize());
    Figure { basis, keys, name, measure, value, numerator, denominator, n, target: None }
}

/// A figure with what it was divided by; its value is the quotient where none is given.
fn divided(
    basis: Basis,
    name: &str,
    measure: &'static str,
    (numerator, denominator): (Decimal, Decimal),
    n: u64,
    value: Option<Decimal>,
) -> Figure {
    let quotient = || numerator.checked_div(denominator).map(|it| it.round_dp(PLACES));
    let base = figure(basis, name, (measure, value.or_else(quotient)), n);
    let plain = |number: Decimal| Some(number.normalize());
    Figure { numerator: plain(numerator), denominator: plain(denominator), ..base }
}

fn share(
    basis: Basis,
    name: &str,
    measure: &'static str,
    (numerator, bucket): (Sum, &Bucket),
) -> Figure {
    match (numerator.value(), bucket.denominator.value()) {
        (Some(numerator), Some(denominator)) => {
            divided(basis, name, measure, (numerator, denominator), bucket.n, None)
        }
        (numerator, denominator) => {
            Figure { numerator, denominator, ..figure(basis, name, (measure, None), bucket.n) }
        }
    }
}

/// Median, 90th percentile and largest, by the nearest rank.
fn distribution(
    basis: Basis,
    name: &str,
    values: &mut [Decimal],
    measures: [&'static str; 3],
) -> Vec<Figure> {
    values.sort_unstable();
    let n = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let rank = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100).max(1);
        values.get(rank - 1).copied()
    };
    let shares = measures.into_iter().zip([50, 90, 100]);
    shares.map(|(measure, percent)| figure(basis, name, (measure, rank(percent)), n)).collect()
}

/// What people call a band: `1–2`, `>10`.
fn band(up_to: &[i64], at: usize) -> String {
    let from = if at == 0 { None } else { up_to.get(at - 1).map(|bound| bound + 1) };
    match (from, up_to.get(at)) {
        (None, Some(to)) => format!("≤{to}"),
        (Some(from), Some(to)) if from == *to => to.to_string(),
        (Some(from), Some(to)) => format!("{from}–{to}"),
        (Some(from), None) => format!(">{}", from - 1),
        (None, None) => String::new(),
    }
}

/// What people call the period in which a day lies: `2025-03`, `2025-Q1`, `2025`.
fn label(day: Date, within: Within) -> String {
    let (year, month) = (day.year(), day.month());
    match within {
        Within::Month => format!("{year}-{month:02}"),
        Within::Quarter => format!("{year}-Q{}", (month - 1) / 3 + 1),
        Within::Year => year.to_string(),
    }
}

/// The words that figures need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording<'a> {
    pub(super) language: Language,
    pub(super) organization: &'a Organization,
}

impl Wording<'_> {
    pub(super) fn pick<'b>(&self, en: &'b str, zh: &'b str) -> &'b str {
        match self.language {
            Language::English => en,
            Language::Chinese => zh,
        }
    }

    /// What is divided by what.
    pub(super) fn sides(&self, measure: &Measure) -> (String, String) {
        let words = |[en, zh]: [&str; 2], [en_of, zh_of]: [&str; 2]| {
            (self.pick(en, zh).to_owned(), self.pick(en_of, zh_of).to_owned())
        };
        match measure {
            Measure::Ratio { denominator, numerator } => {
                let text = |title| self.language.of(title).to_owned();
                (text(&numerator.title), text(&denominator.title))
            }
            Measure::Count { .. } => words(["rows", "行数"], ["", ""]),
            Measure::Distribution { .. } => words(["values", "数值"], ["", ""]),
            Measure::Bands { .. } => {
                words(["rows in the band", "该区间行数"], ["all rows", "总行数"])
            }
            Measure::Funnel { .. } => words(
                [
                    "instances that came to the stage or a later one; by period: in the period",
                    "到达该环节或其后环节的项目数；期内口径为期内到达",
                ],
                [
                    "instances created in the period; for `step`: that came to the stage before; \
                     by period: in the period",
                    "期内登记的项目数；step 为到达上一环节的项目数；期内口径为期内到达",
                ],
            ),
            Measure::Spread { .. } => words(
                ["rows of the person", "该人员行数"],
                [
                    "all rows; for `mean`: people; `imbalance` is max ÷ mean",
                    "总行数；mean 为人数；imbalance 为最大值÷均值",
                ],
            ),
            Measure::Repeats { .. } => words(
                ["who came so often, by period", "达到次数的责任人（按期）"],
                ["who came at all, by period", "出现过的责任人（按期）"],
            ),
            Measure::Held { .. } => words(
                ["working hours in hand", "持有的工作小时"],
                ["working hours of all instances", "全部项目的工作小时"],
            ),
        }
    }
}
