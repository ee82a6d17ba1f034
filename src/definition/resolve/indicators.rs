//! Indicators: what is looked at, and what is made of it.

use std::sync::Arc;

use crate::definition::authored;
use crate::definition::authored::ledgers::{Distribution, Indicator as Authored};
use crate::definition::authored::ledgers::{HeldBy, Side as AuthoredSide};
use crate::definition::authored::shapes::{Scalar, Words};
use crate::definition::code::Code;
use crate::definition::diagnostic::Findings;
use crate::definition::ledger::indicator::{
    Days, HeldPer, Indicator, Key, Measure, Measured, Side, Tally, Within,
};
use crate::definition::ledger::source::Kind;
use crate::definition::ledger::{Rows, Selection, Source};
use crate::definition::load::load;
use crate::definition::span::KeyPath;
use crate::model::id::{GroupId, IndicatorId};

use super::desk::Desk;
use super::ledger_sources::{Ground, Parsed, Spot};
use super::ledgers::{Book, selection, tests};
use super::targets;

const MEASURES: [&str; 8] =
    ["count", "ratio", "distribution", "bands", "funnel", "spread", "repeats", "held"];

/// The indicators of a file.
pub(in crate::definition) fn indicators_of(
    path: &Arc<str>,
    source: &Arc<str>,
    book: Book<'_>,
    findings: &mut Findings,
) -> Vec<Arc<Indicator>> {
    let Some(file) = load::<authored::Indicators>(path, source, findings) else {
        return Vec::new();
    };
    let mut desk = Desk::new(&file.at);
    let top = KeyPath::root().key("indicators");
    let mut built = Vec::new();
    for (name, authored) in file.value.indicators.iter() {
        let path = top.key(name);
        built.extend(indicator(&mut desk, book, &path, name, authored).map(Arc::new));
    }
    findings.append(desk.findings);
    built
}

fn indicator(
    desk: &mut Desk<'_>,
    book: Book<'_>,
    path: &KeyPath,
    name: &str,
    authored: &Authored,
) -> Option<Indicator> {
    let id = desk.name(path, name, IndicatorId::parse)?;
    let given: Vec<&str> = MEASURES.into_iter().filter(|key| desk.at.has(&path.key(key))).collect();
    match given.as_slice() {
        [_] => {}
        [] => {
            let hint = "say what is made of the rows: `count: {}`, `ratio`, `distribution`, \
                        `bands`, `funnel`, `spread`, `repeats` or `held`";
            desk.missing(path, "count", hint);
            return None;
        }
        [first, second, ..] => {
            let message = format!("an indicator is a `{first}` or a `{second}`, not both");
            let diagnostic = desk.key(Code::ExclusiveKeys, &path.key(second), message);
            desk.lose(diagnostic.hint("make two indicators of it"));
            return None;
        }
    }
    let chosen = (&authored.of, authored.rows.as_ref(), &authored.tests, authored.when.as_ref());
    let (ground, selection) = selection(desk, book, path, chosen)?;
    let mut maker = Maker { desk, book, ground: &ground, selection: &selection };
    let measure = maker.measure(path, authored);
    let by = maker.keys(&path.key("by"), &authored.by);
    let unit = authored.unit.as_ref().map(|unit| Desk::title(Some(unit), "")).unwrap_or_default();
    let title = Desk::title(authored.title.as_ref(), name);
    let measure = measure?;
    let target = authored.target.as_ref();
    let target = target.and_then(|it| targets::target(desk, &path.key("target"), it, &measure));
    Some(Indicator { id, title, unit, selection, by, measure, target })
}

struct Maker<'d, 'a, 'b> {
    desk: &'d mut Desk<'a>,
    book: Book<'b>,
    ground: &'d Ground<'b>,
    selection: &'d Selection,
}

impl Maker<'_, '_, '_> {
    fn measure(&mut self, path: &KeyPath, authored: &Authored) -> Option<Measure> {
        if let Some(count) = &authored.count {
            let path = path.key("count");
            let at = self.instant(&path, "at", count.at.as_ref());
            let tally = match (&count.sum, &count.distinct) {
                (None, None) => Some(Tally::Rows),
                (Some(_), None) => self.number(&path, "sum", count.sum.as_ref()).map(Tally::Sum),
                (None, Some(text)) => self.any(&path.key("distinct"), text).map(Tally::Distinct),
                (Some(_), Some(_)) => {
                    let message = "`sum` and `distinct` count different things".to_owned();
                    let diagnostic = self.desk.value(Code::ExclusiveKeys, &path, message);
                    self.desk.lose(diagnostic.hint("make two indicators of it"));
                    None
                }
            };
            return Some(Measure::Count { at, tally: tally? });
        }
        if let Some(ratio) = &authored.ratio {
            let path = path.key("ratio");
            let denominator = self.side(&path, "denominator", ratio.denominator.as_ref());
            let numerator = self.side(&path, "numerator", ratio.numerator.as_ref());
            return Some(Measure::Ratio { denominator: denominator?, numerator: numerator? });
        }
        if let Some(distribution) = &authored.distribution {
            let path = path.key("distribution");
            let at = self.instant(&path, "at", distribution.at.as_ref());
            return Some(Measure::Distribution { value: self.measured(&path, distribution)?, at });
        }
        if let Some(bands) = &authored.bands {
            let path = path.key("bands");
            let value = self.number(&path, "value", bands.value.as_ref());
            let up_to = self.bounds(&path, &bands.up_to);
            return Some(Measure::Bands { value: value?, up_to: up_to? });
        }
        if let Some(funnel) = &authored.funnel {
            return self.funnel(path, funnel.amount.as_ref());
        }
        if let Some(spread) = &authored.spread {
            let path = path.key("spread");
            let per = self.needed(&path, "per", spread.per.as_ref());
            let among = self.groups(&path.key("among"), &spread.among);
            return Some(Measure::Spread { per: per?, among });
        }
        if let Some(repeats) = &authored.repeats {
            let path = path.key("repeats");
            let per = self.needed(&path, "per", repeats.per.as_ref());
            let at = self.needed_instant(&path, "at", repeats.at.as_ref());
            let words =
                [("month", Within::Month), ("quarter", Within::Quarter), ("year", Within::Year)];
            let within = repeats.within.as_ref();
            let hint = "`month`, `quarter` or `year`";
            let within = self.desk.needed_word(&path, "within", within, (&words, hint));
            let at_least = self.times(&path.key("at_least"), repeats.at_least.as_ref());
            return Some(Measure::Repeats { per: per?, at: at?, within: within?, at_least });
        }
        authored.held.as_ref().and_then(|held| self.held(&path.key("held"), held))
    }

    fn held(&mut self, path: &KeyPath, held: &HeldBy) -> Option<Measure> {
        let words =
            [("holder", HeldPer::Holder), ("role", HeldPer::Role), ("group", HeldPer::Group)];
        let hint = "`holder`, `role` or `group`";
        let per = self.desk.needed_word(path, "per", held.per.as_ref(), (&words, hint))?;
        self.of_instances(path, "the time of an instance is shared out")?;
        Some(Measure::Held { per })
    }

    fn funnel(&mut self, path: &KeyPath, amount: Option<&Scalar>) -> Option<Measure> {
        let path = path.key("funnel");
        self.of_instances(&path, "a funnel counts instances")?;
        let amount = match amount {
            Some(_) => Some(self.number(&path, "amount", amount)?),
            None => None,
        };
        let path_of = |at: usize| {
            self.ground.workflows.get(at).map(|workflow| {
                let stages = workflow.path().map(|(_, stage)| stage);
                stages.map(|stage| (stage.id.clone(), stage.title.clone())).collect()
            })
        };
        if self.ground.workflows.len() > 1 {
            let message = "a funnel follows the path of one workflow".to_owned();
            let diagnostic = self.desk.value(Code::WrongSource, &path, message);
            self.desk.lose(diagnostic.hint("make one indicator for each workflow"));
        }
        Some(Measure::Funnel { stages: path_of(0)?, amount })
    }

    /// Only where a row is an instance.
    fn of_instances(&mut self, path: &KeyPath, why: &str) -> Option<()> {
        if self.selection.rows == Rows::Instances {
            return Some(());
        }
        let diagnostic = self.desk.key(Code::WrongSource, path, why.to_owned());
        self.desk.lose(diagnostic.hint("take `rows` out: without it a row is an instance"));
        None
    }

    fn side(&mut self, path: &KeyPath, key: &str, side: Option<&AuthoredSide>) -> Option<Side> {
        let Some(side) = side else {
            self.desk.missing(path, key, "both sides of a share are stated");
            return None;
        };
        let path = path.key(key);
        if side.title.is_none() {
            let hint = "say in words what is counted: every answer carries it";
            self.desk.missing(&path, "title", hint);
        }
        let at = self.instant(&path, "at", side.at.as_ref());
        let tests = tests(self.desk, self.ground, &path.key("where"), &side.tests);
        let sum = match &side.sum {
            Some(_) => Some(self.number(&path, "sum", side.sum.as_ref())?),
            None => None,
        };
        Some(Side { title: Desk::title(side.title.as_ref(), key), at, tests, sum })
    }

    fn measured(&mut self, path: &KeyPath, authored: &Distribution) -> Option<Measured> {
        let Distribution { value, from, to, unit, .. } = authored;
        if value.is_some() && (from.is_some() || to.is_some()) {
            let message = "a distribution is of a value, or of the time between two".to_owned();
            let diagnostic = self.desk.value(Code::ExclusiveKeys, path, message);
            self.desk.lose(diagnostic);
            return None;
        }
        if from.is_none() {
            return self.number(path, "value", value.as_ref()).map(Measured::Source);
        }
        let from = self.needed_instant(path, "from", from.as_ref());
        let to = self.needed_instant(path, "to", to.as_ref());
        let words = [("wd", Days::Working), ("cd", Days::Calendar)];
        let hint = "`wd` for working days or `cd` for calendar days";
        let days = self.desk.needed_word(path, "in", unit.as_ref(), (&words, hint));
        Some(Measured::Between { from: from?, to: to?, days: days? })
    }

    fn bounds(&mut self, path: &KeyPath, words: &Words) -> Option<Vec<i64>> {
        if words.0.is_empty() {
            let hint = "the largest value of each band but the last, such as `[2, 5, 10]`";
            self.desk.missing(path, "up_to", hint);
            return None;
        }
        let path = path.key("up_to");
        let bounds: Option<Vec<i64>> =
            words.iter().map(|(_, word)| word.as_str().parse().ok()).collect();
        let rising = bounds.filter(|bounds| bounds.windows(2).all(|pair| pair[0] < pair[1]));
        if rising.is_none() {
            let message = "bands end at rising whole numbers".to_owned();
            let diagnostic = self.desk.value(Code::InvalidValue, &path, message);
            self.desk.lose(diagnostic.hint("such as `[2, 5, 10]`"));
        }
        rising
    }

    fn times(&mut self, path: &KeyPath, text: Option<&Scalar>) -> u32 {
        let Some(text) = text else { return 2 };
        text.as_str().parse().unwrap_or_else(|_| {
            let message = format!("`{}` is no whole number", text.as_str());
            let diagnostic = self.desk.value(Code::InvalidValue, path, message);
            self.desk.lose(diagnostic.hint("how often, such as `3`"));
            2
        })
    }

    fn groups(&mut self, path: &KeyPath, words: &Words) -> Vec<GroupId> {
        let Some(organization) = self.book.organization else { return Vec::new() };
        for (at, word) in words.iter() {
            if organization.group(word.as_str()).is_none() {
                let known = organization.groups.iter().map(|group| group.id.as_str());
                let place = path.index(at);
                self.desk.unknown(Code::UnknownGroup, &place, "group", word.as_str(), known);
            }
        }
        words.iter().map(|(_, word)| GroupId::trusted(word.as_str())).collect()
    }

    fn keys(&mut self, path: &KeyPath, words: &Words) -> Vec<Key> {
        let mut keys = Vec::new();
        for (at, word) in words.iter() {
            let place = path.index(at);
            let place = if self.desk.at.has(&place) { place } else { path.clone() };
            keys.extend(self.parsed(&place, word).map(key));
        }
        keys
    }

    fn any(&mut self, path: &KeyPath, text: &Scalar) -> Option<Source> {
        self.parsed(path, text).map(|parsed| parsed.source)
    }

    fn parsed(&mut self, path: &KeyPath, text: &Scalar) -> Option<Parsed> {
        self.ground.source(self.desk, Spot::Value(path), text.as_str())
    }

    fn needed(&mut self, path: &KeyPath, key: &str, text: Option<&Scalar>) -> Option<Key> {
        if text.is_none() {
            self.desk.missing(path, key, "a source, such as `steward` or `row.owner`");
        }
        self.parsed(&path.key(key), text?).map(self::key)
    }

    fn number(&mut self, path: &KeyPath, key: &str, text: Option<&Scalar>) -> Option<Source> {
        let hint = "a source that gives a number";
        self.of_kind(path, key, text, (Kind::is_number, hint))
    }

    fn instant(&mut self, path: &KeyPath, key: &str, text: Option<&Scalar>) -> Option<Source> {
        text?;
        self.needed_instant(path, key, text)
    }

    fn needed_instant(
        &mut self,
        path: &KeyPath,
        key: &str,
        text: Option<&Scalar>,
    ) -> Option<Source> {
        let hint = "a source that gives an instant or a day, such as `created`";
        self.of_kind(path, key, text, (Kind::is_instant, hint))
    }

    fn of_kind(
        &mut self,
        path: &KeyPath,
        key: &str,
        text: Option<&Scalar>,
        (fits, hint): (fn(Kind) -> bool, &str),
    ) -> Option<Source> {
        if text.is_none() {
            self.desk.missing(path, key, hint);
        }
        let (path, text) = (path.key(key), text?);
        let parsed = self.parsed(&path, text)?;
        if !fits(parsed.kind) {
            let message = format!("`{}` is of another kind", text.as_str());
            let diagnostic = self.desk.value(Code::WrongSource, &path, message);
            self.desk.lose(diagnostic.hint(hint));
            return None;
        }
        Some(parsed.source)
    }
}

fn key(parsed: Parsed) -> Key {
    let Parsed { source, kind, title, .. } = parsed;
    Key { source, kind, title }
}
