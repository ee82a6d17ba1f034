//! Values, amounts of time and actors as they are stored.

use std::collections::BTreeMap;

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::actor::Actor;
use crate::model::clock::Limit;
use crate::model::id::FieldId;
use crate::model::time::{Amount, Unit};
use crate::model::value::{Changes, Decimal, Value, Values};
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

    fn from_message(message: pb::Value, words: &Words) -> Result<Self, Corrupt> {
        use pb::value::Kind;
        Ok(match required(message.kind, "Value.kind")? {
            Kind::Text(text) => Self::Text(text.into()),
            Kind::Integer(number) => Self::Integer(number),
            Kind::Decimal(text) => Self::Decimal(Storable::from_message(text, words)?),
            Kind::Boolean(yes) => Self::Boolean(yes),
            Kind::Date(date) => Self::Date(Storable::from_message(date, words)?),
        })
    }
}

required_message!(Value as Value);

/// Exact, as its digits.
impl Storable<String> for Decimal {
    fn to_message(&self, _: &mut Draft<'_>) -> String {
        self.to_string()
    }

    fn from_message(message: String, _: &Words) -> Result<Self, Corrupt> {
        Self::from_str_exact(&message)
            .map_err(|_| Corrupt::new(format!("`{message}` is no decimal number")))
    }
}

/// A field of a header, with its value.
impl Storable<pb::FieldValue> for (FieldId, Value) {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::FieldValue {
        pb::FieldValue { field: self.0.to_message(words), value: self.1.to_message(words) }
    }

    fn from_message(message: pb::FieldValue, words: &Words) -> Result<Self, Corrupt> {
        let field = FieldId::from_message(message.field, words)?;
        let value =
            Storable::from_message(message.value, words).map_err(|it| it.within(field.as_str()))?;
        Ok((field, value))
    }
}

impl Storable<Vec<pb::FieldValue>> for Values {
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<pb::FieldValue> {
        fields_to_message(self, words)
    }

    fn from_message(message: Vec<pb::FieldValue>, words: &Words) -> Result<Self, Corrupt> {
        fields_from_message(message, words)
    }
}

impl Storable<Vec<pb::FieldValue>> for Changes {
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<pb::FieldValue> {
        fields_to_message(self, words)
    }

    fn from_message(message: Vec<pb::FieldValue>, words: &Words) -> Result<Self, Corrupt> {
        fields_from_message(message, words)
    }
}

fn fields_to_message<V: Storable<Option<pb::Value>>>(
    fields: &BTreeMap<FieldId, V>,
    words: &mut Draft<'_>,
) -> Vec<pb::FieldValue> {
    let stored = |(field, value): (&FieldId, &V)| pb::FieldValue {
        field: field.to_message(words),
        value: value.to_message(words),
    };
    fields.iter().map(stored).collect()
}

fn fields_from_message<V: Storable<Option<pb::Value>>>(
    fields: Vec<pb::FieldValue>,
    words: &Words,
) -> Result<BTreeMap<FieldId, V>, Corrupt> {
    let read = |stored: pb::FieldValue| {
        let field = FieldId::from_message(stored.field, words)?;
        let value = V::from_message(stored.value, words).map_err(|it| it.within(field.as_str()))?;
        Ok((field, value))
    };
    fields.into_iter().map(read).collect()
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

    fn from_message(message: pb::Actor, words: &Words) -> Result<Self, Corrupt> {
        if let Some(origin) = message.instance {
            return Ok(Self::Instance(Storable::from_message(origin, words)?));
        }
        Ok(match (message.service, message.member) {
            (Some(service), member) => Self::Service {
                service: Storable::from_message(service, words)?,
                on_behalf_of: Storable::from_message(member, words)?,
            },
            (None, Some(member)) => Self::Member(Storable::from_message(member, words)?),
            (None, None) => Self::System,
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

    fn from_message(message: pb::Limit, words: &Words) -> Result<Self, Corrupt> {
        use pb::limit::Kind;
        Ok(match required(message.kind, "Limit.kind")? {
            Kind::Amount(amount) => Self::Amount(Storable::from_message(amount, words)?),
            Kind::Date(date) => Self::Date(Storable::from_message(date, words)?),
        })
    }
}

required_message!(Limit as Limit);
