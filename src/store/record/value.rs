//! Values, amounts of time and actors as they are stored.

use std::collections::BTreeMap;

use super::Corrupt;
use super::convert::{Storable, read_list, required};
use super::wire::Wire;
use crate::model::actor::Actor;
use crate::model::clock::Limit;
use crate::model::id::FieldId;
use crate::model::time::{Amount, Unit};
use crate::model::value::{Decimal, Value};
use crate::store::pb;
use crate::store::words::{Draft, Words};

impl Storable<pb::Value> for Value {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::Value {
        use pb::value::Kind;
        let kind = match self {
            Self::Text(text) => Kind::Text(text.to_message(words)),
            Self::Integer(number) => Kind::Integer(*number),
            Self::Decimal(number) => Kind::Decimal(number.to_message(words)),
            Self::Boolean(yes) => Kind::Boolean(*yes),
            Self::Date(date) => Kind::Date(date.to_message(words)),
        };
        pb::Value { kind: Some(kind) }
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let value = read_choice!(content, Value {
            text => |text: Wire<'_>| text.text().map(|text| Self::Text(text.into())),
            integer => |number: Wire<'_>| number.signed().map(Self::Integer),
            decimal => |digits| Storable::<String>::read(digits, words).map(Self::Decimal),
            boolean => |yes| Storable::<bool>::read(yes, words).map(Self::Boolean),
            date => |date| Storable::<i32>::read(date, words).map(Self::Date),
        });
        required(value, "Value.kind")
    }
}

required_message!(Value as Value);

/// Exact, as its digits.
impl Storable<String> for Decimal {
    fn to_message(&self, _: &mut Draft<'_>) -> String {
        self.to_string()
    }

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        let digits = content.text()?;
        Self::from_str_exact(digits)
            .map_err(|_| Corrupt::new(format!("`{digits}` is no decimal number")))
    }
}

/// A field with its value, or with none in a change: `V` is the one or the other.
impl<V: Storable<Option<pb::Value>>> Storable<pb::FieldValue> for (FieldId, V) {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::FieldValue {
        pb::FieldValue { field: self.0.to_message(words), value: self.1.to_message(words) }
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_fields!(content, words, FieldValue { field, value });
        Ok((field, value))
    }
}

/// All fields, in the order of their names.
impl<V> Storable<Vec<pb::FieldValue>> for BTreeMap<FieldId, V>
where
    V: Storable<Option<pb::Value>>,
{
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<pb::FieldValue> {
        let stored = |(field, value): (&FieldId, &V)| pb::FieldValue {
            field: field.to_message(words),
            value: value.to_message(words),
        };
        self.iter().map(stored).collect()
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_list(content, words)
    }

    fn read_on(part: &mut Option<Self>, content: Wire<'_>, words: &Words) -> Result<(), Corrupt> {
        let (field, value) = Storable::<pb::FieldValue>::read(content, words)?;
        part.get_or_insert_default().insert(field, value);
        Ok(())
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
    }
}

impl Storable<pb::Actor> for Actor {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::Actor {
        match self {
            Self::Member(member) => {
                pb::Actor { member: Some(member.to_message(words)), ..pb::Actor::default() }
            }
            Self::Service { service, on_behalf_of } => pb::Actor {
                member: on_behalf_of.to_message(words),
                service: Some(service.to_message(words)),
                instance: None,
            },
            Self::System => pb::Actor::default(),
            Self::Instance(origin) => {
                pb::Actor { instance: Some(origin.to_message(words)), ..pb::Actor::default() }
            }
        }
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_fields!(content, words, Actor { member, service, instance });
        Ok(match (instance, service, member) {
            (Some(origin), _, _) => Self::Instance(origin),
            (None, Some(service), on_behalf_of) => Self::Service { service, on_behalf_of },
            (None, None, Some(member)) => Self::Member(member),
            (None, None, None) => Self::System,
        })
    }
}

required_message!(Actor as Actor);

codes! {
    Unit as Unit {
        WorkingDays, WorkingHours, WorkingMinutes, CalendarDays, Months, Hours, Minutes,
    }
}

message! { Amount as Amount { count, unit } }

impl Storable<pb::Limit> for Limit {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::Limit {
        use pb::limit::Kind;
        let kind = match self {
            Self::Amount(amount) => Kind::Amount(amount.to_message(words)),
            Self::Date(date) => Kind::Date(date.to_message(words)),
        };
        pb::Limit { kind: Some(kind) }
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let limit = read_choice!(content, Limit {
            amount => |amount| Storable::<pb::Amount>::read(amount, words).map(Self::Amount),
            date => |date| Storable::<i32>::read(date, words).map(Self::Date),
        });
        required(limit, "Limit.kind")
    }
}

required_message!(Limit as Limit);
