//! Values of fields on the wire: `google.protobuf.Struct` to model values, checked against what a
//! workflow declares, and back.
//!
//! Decides only whether a value is of the declared kind; whether it is wanted, and within its
//! bounds, is the engine's business.

use prost_types::value::Kind;
use prost_types::{Struct, Value as WireValue};

use crate::definition::compiled::{Field, FieldKind};
use crate::model::limits;
use crate::model::time::Date;
use crate::model::value::{Changes, Decimal, Value, Values};

use super::violations::Violations;

/// Whole numbers up to here are exact as a double.
const EXACT_INTEGER_MAX: i64 = 1 << 53;
/// Digits that a double always keeps.
const EXACT_DIGITS_MAX: usize = 15;
/// How alike a name must be to be suggested.
const SUGGESTION_SIMILARITY_MIN: f64 = 0.75;

/// Values of declared fields. Empty ones (`null`, or only white space) are left out.
pub(super) fn values(
    found: &mut Violations,
    path: &str,
    wire: Option<Struct>,
    fields: &[Field],
) -> Values {
    let changes = changes(found, path, wire, fields);
    changes.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

/// Changes of declared fields: `null` empties, and so does a text of only white space.
pub(super) fn changes(
    found: &mut Violations,
    path: &str,
    wire: Option<Struct>,
    fields: &[Field],
) -> Changes {
    let mut taken = Changes::new();
    for (name, wire) in wire.unwrap_or_default().fields {
        let path = format!("{path}.{name}");
        let Some(field) = fields.iter().find(|field| field.id.as_str() == name) else {
            found.add(path, unknown(&name, fields));
            continue;
        };
        match value(wire, &field.kind) {
            Ok(value) => {
                taken.insert(field.id.clone(), value);
            }
            Err(problem) => found.add(path, problem),
        }
    }
    taken
}

/// Values as they travel.
pub(super) fn to_struct(values: &Values) -> Struct {
    let fields = values.iter().map(|(field, value)| (field.to_string(), to_wire(value)));
    Struct { fields: fields.collect() }
}

/// Changes as they travel: `null` for what was emptied.
pub(super) fn changes_to_struct(changes: &Changes) -> Struct {
    let wire = |value: &Option<Value>| match value {
        Some(value) => to_wire(value),
        None => WireValue { kind: Some(Kind::NullValue(0)) },
    };
    let fields = changes.iter().map(|(field, value)| (field.to_string(), wire(value)));
    Struct { fields: fields.collect() }
}

/// One value as it travels.
pub(super) fn to_wire(value: &Value) -> WireValue {
    let kind = match value {
        Value::Text(text) => Kind::StringValue(text.to_string()),
        Value::Integer(number) if number.abs() <= EXACT_INTEGER_MAX => {
            Kind::NumberValue(exact_double(*number))
        }
        Value::Integer(number) => Kind::StringValue(number.to_string()),
        Value::Decimal(number) => Kind::StringValue(number.to_string()),
        Value::Boolean(yes) => Kind::BoolValue(*yes),
        Value::Date(date) => Kind::StringValue(date.to_string()),
    };
    WireValue { kind: Some(kind) }
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^53: nothing is lost")]
fn exact_double(number: i64) -> f64 {
    number as f64
}

fn value(wire: WireValue, kind: &FieldKind) -> Result<Option<Value>, String> {
    let wire = match wire.kind {
        None | Some(Kind::NullValue(_)) => return Ok(None),
        Some(wire) => wire,
    };
    let taken = match (kind, wire) {
        // White space says nothing: it empties, as `null` does.
        (FieldKind::Text, Kind::StringValue(text)) if text.trim().is_empty() => return Ok(None),
        (FieldKind::Text, Kind::StringValue(text)) => text_value(text)?,
        (FieldKind::Choice(words), Kind::StringValue(text)) => choice(&text, words)?,
        (FieldKind::Boolean, Kind::BoolValue(yes)) => Value::Boolean(yes),
        (FieldKind::Date, Kind::StringValue(text)) => Value::Date(date(&text)?),
        (FieldKind::Integer, Kind::NumberValue(number)) => Value::Integer(integer(number)?),
        (FieldKind::Integer, Kind::StringValue(text)) => {
            Value::Integer(text.parse().map_err(|_| format!("`{text}` is not a whole number"))?)
        }
        (FieldKind::Decimal, Kind::NumberValue(number)) => Value::Decimal(decimal(number)?),
        (FieldKind::Decimal, Kind::StringValue(text)) => {
            Value::Decimal(exact_decimal(&text).ok_or_else(|| not_a_decimal(&text))?)
        }
        (kind, wire) => return Err(other_kind(kind, &wire)),
    };
    Ok(Some(taken))
}

fn text_value(text: String) -> Result<Value, String> {
    if text.len() > limits::FIELD_TEXT_BYTES_MAX {
        return Err("it is longer than 4 KiB".to_owned());
    }
    Ok(Value::Text(text.into()))
}

fn choice(text: &str, words: &[std::sync::Arc<str>]) -> Result<Value, String> {
    if let Some(word) = words.iter().find(|word| &***word == text) {
        return Ok(Value::Text(word.clone()));
    }
    let all: Vec<&str> = words.iter().map(|word| &**word).collect();
    let meant = suggestion(text, all.iter().copied());
    Err(format!("`{text}` is none of {}{meant}", quoted(&all)))
}

fn date(text: &str) -> Result<Date, String> {
    let date = if text.len() == 10 { text.parse().ok() } else { None };
    date.ok_or_else(|| format!("`{text}` is not a day: write it like 2025-01-28"))
}

fn integer(number: f64) -> Result<i64, String> {
    if number.fract() != 0.0 || !number.is_finite() {
        return Err(format!("{number} is not a whole number"));
    }
    // The shortest form of a whole double is its digits: no rounding, unlike a cast.
    let exact: Option<i64> = number.to_string().parse().ok();
    let exact = exact.filter(|exact| exact.abs() <= EXACT_INTEGER_MAX);
    exact.ok_or_else(|| format!("{number} is too large for a number on the wire: send text"))
}

/// A decimal that was sent as a number: what its shortest form says.
fn decimal(number: f64) -> Result<Decimal, String> {
    let text = number.to_string();
    let digits = text.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit);
    let significant = digits.collect::<String>().trim_end_matches('0').len();
    if significant > EXACT_DIGITS_MAX {
        return Err(format!("{text} has more than {EXACT_DIGITS_MAX} digits: send text"));
    }
    exact_decimal(&text).ok_or_else(|| not_a_decimal(&text))
}

/// A decimal, if nothing of it would have to be rounded away.
fn exact_decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok().map(|number| number.normalize())
}

fn not_a_decimal(text: &str) -> String {
    format!("`{text}` is not a decimal number of at most 28 digits")
}

fn other_kind(kind: &FieldKind, wire: &Kind) -> String {
    let wanted = match kind {
        FieldKind::Text => "a text",
        FieldKind::Integer => "a whole number",
        FieldKind::Decimal => "a decimal number, as text or number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "a day as text, such as 2025-01-28",
        FieldKind::Choice(_) => "one of the words of the choice, as text",
    };
    let given = match wire {
        Kind::NullValue(_) => "nothing",
        Kind::NumberValue(_) => "a number",
        Kind::StringValue(_) => "a text",
        Kind::BoolValue(_) => "true or false",
        Kind::StructValue(_) => "a structure",
        Kind::ListValue(_) => "a list",
    };
    format!("{wanted} is needed, {given} was given")
}

fn unknown(name: &str, fields: &[Field]) -> String {
    let meant = suggestion(name, fields.iter().map(|field| field.id.as_str()));
    format!("there is no such field{meant}")
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let alike = known.map(|each| (strsim::jaro_winkler(name, each), each));
    let best = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((similarity, best)) if similarity >= SUGGESTION_SIMILARITY_MIN => {
            format!("; did you mean `{best}`?")
        }
        _ => String::new(),
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FieldId;
    use crate::model::organization::Title;

    fn field(name: &str, kind: FieldKind) -> Field {
        Field {
            id: FieldId::trusted(name),
            title: Title::default(),
            kind,
            required: false,
            required_when: None,
            indexed: false,
            unit: None,
            at_least: None,
            at_most: None,
            sets: None,
        }
    }

    fn fields() -> Vec<Field> {
        vec![
            field("investor", FieldKind::Text),
            field("jobs", FieldKind::Integer),
            field("total_investment", FieldKind::Decimal),
            field("listed", FieldKind::Boolean),
            field("signed_on", FieldKind::Date),
            field("tier", FieldKind::Choice(vec!["gold".into(), "silver".into()])),
        ]
    }

    fn wire(pairs: &[(&str, Kind)]) -> Struct {
        let value = |kind: &Kind| WireValue { kind: Some(kind.clone()) };
        let fields = pairs.iter().map(|(name, kind)| ((*name).to_owned(), value(kind)));
        Struct { fields: fields.collect() }
    }

    fn text(text: &str) -> Kind {
        Kind::StringValue(text.to_owned())
    }

    fn taken(pairs: &[(&str, Kind)]) -> Changes {
        let mut found = Violations::default();
        let changes = changes(&mut found, "fields", Some(wire(pairs)), &fields());
        found.finish(changes).unwrap()
    }

    fn refused(pairs: &[(&str, Kind)]) -> String {
        let mut found = Violations::default();
        changes(&mut found, "fields", Some(wire(pairs)), &fields());
        let told = found.finish(()).unwrap_err().into_iter();
        let lines = told.map(|violation| format!("{}: {}", violation.field, violation.problem));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_kind_is_taken_and_given_back() {
        let changes = taken(&[
            ("investor", text("华东 Sensors")),
            ("jobs", Kind::NumberValue(-250.0)),
            ("total_investment", text("12000.50")),
            ("listed", Kind::BoolValue(true)),
            ("signed_on", text("2025-01-28")),
            ("tier", text("gold")),
        ]);
        let shown: Vec<String> = changes
            .iter()
            .map(|(field, value)| format!("{field}={}", value.as_ref().unwrap()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        investor=华东 Sensors
        jobs=-250
        listed=true
        signed_on=2025-01-28
        tier=gold
        total_investment=12000.5
        ");
        let again = changes_to_struct(&changes);
        let mut found = Violations::default();
        assert_eq!(super::changes(&mut found, "", Some(again), &fields()), changes);
    }

    #[test]
    fn a_decimal_sent_as_a_number_is_its_shortest_form() {
        let one = |kind: Kind| {
            let changes = taken(&[("total_investment", kind)]);
            changes.values().next().unwrap().as_ref().unwrap().to_string()
        };
        assert_eq!(one(Kind::NumberValue(0.1)), "0.1");
        assert_eq!(one(Kind::NumberValue(12000.0)), "12000");
        assert_eq!(one(Kind::NumberValue(1e18)), "1000000000000000000");
        assert_eq!(one(text("0.1234567890123456789")), "0.1234567890123456789");
    }

    #[test]
    fn whole_numbers_beyond_a_double_travel_as_text() {
        let wire = to_wire(&Value::Integer(i64::MAX));
        assert_eq!(wire.kind, Some(text("9223372036854775807")));
        let back = value(wire, &FieldKind::Integer).unwrap();
        assert_eq!(back, Some(Value::Integer(i64::MAX)));
    }

    #[test]
    fn null_and_blanks_empty() {
        for nothing in [Kind::NullValue(0), text(""), text(" \t\n"), text("\u{3000}")] {
            let changes = taken(&[("investor", nothing)]);
            assert_eq!(changes.values().next(), Some(&None));
        }
    }

    #[test]
    fn everything_that_does_not_fit_is_told() {
        insta::assert_snapshot!(refused(&[
            ("investr", text("x")),
            ("zzz", text("x")),
            ("investor", Kind::NumberValue(5.0)),
            ("jobs", Kind::NumberValue(1.5)),
            ("total_investment", Kind::NumberValue(0.123_456_789_012_345_68)),
            ("listed", text("yes")),
            ("signed_on", text("28.1.2025")),
            ("tier", text("sliver")),
        ]), @r"
        fields.investor: a text is needed, a number was given
        fields.investr: there is no such field; did you mean `investor`?
        fields.jobs: 1.5 is not a whole number
        fields.listed: true or false is needed, a text was given
        fields.signed_on: `28.1.2025` is not a day: write it like 2025-01-28
        fields.tier: `sliver` is none of `gold`, `silver`; did you mean `silver`?
        fields.total_investment: 0.12345678901234568 has more than 15 digits: send text
        fields.zzz: there is no such field
        ");
        assert_eq!(
            refused(&[("jobs", Kind::NumberValue(1e17))]),
            "fields.jobs: 100000000000000000 is too large for a number on the wire: send text"
        );
        assert_eq!(
            refused(&[("total_investment", Kind::NumberValue(f64::NAN))]),
            "fields.total_investment: `NaN` is not a decimal number of at most 28 digits"
        );
    }
}
