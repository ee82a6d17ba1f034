//! How one type of the model becomes one stored form and back: the trait, the forms that need no
//! message of their own, and the macros that write the rest. Knows no particular message.

use std::mem;
use std::sync::Arc;

use super::Corrupt;
use super::names::shared;
use super::wire::Wire;
use crate::model::clock::ClockNumber;
use crate::model::id::{ActivityId, CalendarId, ClockId, FieldId, GroupId, InstanceId, LevelId};
use crate::model::id::{MemberId, Outcome, PolicyId, ReasonCode, RoleId, ServiceId, StageId};
use crate::model::id::{StepId, TaskId, WorkflowId};
use crate::model::link::EffectNumber;
use crate::model::task::TaskNumber;
use crate::model::time::{Date, Timestamp};
use crate::store::words::{Draft, Words};

/// Kept in the form `M`.
pub(super) trait Storable<M>: Sized {
    /// Whether a list of it is one field: a list of numbers.
    const PACKED: bool = false;

    /// The stored form. What becomes a word by it is added to the draft.
    fn to_message(&self, words: &mut Draft<'_>) -> M;

    /// The value that a field holds, by the words that it holds numbers of.
    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt>;

    /// Takes one field of its number, and then each further one: the last one counts, but for
    /// lists.
    fn read_on(part: &mut Option<Self>, content: Wire<'_>, words: &Words) -> Result<(), Corrupt> {
        *part = Some(Self::read(content, words)?);
        Ok(())
    }

    /// The value where there is no such field.
    fn left_out() -> Result<Self, Corrupt> {
        Err(Corrupt::new("it is missing"))
    }
}

impl<M, T: Storable<M>> Storable<Option<M>> for Option<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> Option<M> {
        self.as_ref().map(|it| it.to_message(words))
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        T::read(content, words).map(Some)
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(None)
    }
}

impl<M, T: Storable<M>> Storable<Vec<M>> for Vec<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<M> {
        self.iter().map(|it| it.to_message(words)).collect()
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_list(content, words)
    }

    fn read_on(part: &mut Option<Self>, content: Wire<'_>, words: &Words) -> Result<(), Corrupt> {
        let all = part.get_or_insert_default();
        if T::PACKED {
            let mut numbers = content.numbers()?;
            for number in numbers.by_ref() {
                all.push(T::read(Wire::Varint(number), words)?);
            }
            numbers.finish()?;
        } else {
            all.push(T::read(content, words)?);
        }
        Ok(())
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
    }
}

/// What [`Storable::read`] is of a list: what one field adds to none.
pub(super) fn read_list<M, T: Storable<M>>(content: Wire<'_>, words: &Words) -> Result<T, Corrupt> {
    let mut all = None;
    T::read_on(&mut all, content, words)?;
    all.map_or_else(T::left_out, Ok)
}

/// What instances share is kept as what it is.
impl<M, T: Storable<M>> Storable<M> for Arc<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> M {
        self.as_ref().to_message(words)
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        T::read(content, words).map(Self::new)
    }

    fn read_on(part: &mut Option<Self>, content: Wire<'_>, words: &Words) -> Result<(), Corrupt> {
        let mut own = part.take().and_then(Self::into_inner);
        T::read_on(&mut own, content, words)?;
        *part = own.map(Self::new);
        Ok(())
    }

    fn left_out() -> Result<Self, Corrupt> {
        T::left_out().map(Self::new)
    }
}

/// Numbers, as they are; `$read` makes one of what a field holds.
macro_rules! stored_as_number {
    ($($type:ty => $read:expr;)*) => {$(
        impl Storable<$type> for $type {
            const PACKED: bool = true;

            fn to_message(&self, _: &mut Draft<'_>) -> $type {
                *self
            }

            fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
                ($read)(content)
            }

            fn left_out() -> Result<Self, Corrupt> {
                Ok(Self::default())
            }
        }
    )*};
}

stored_as_number! {
    bool => |content: Wire<'_>| Ok(content.number()? != 0);
    u32 => |content: Wire<'_>| small(content.number()?);
    u64 => Wire::number;
    i64 => |content: Wire<'_>| Ok(content.number()?.cast_signed());
}

/// A number of 32 bits.
pub(super) fn small(number: u64) -> Result<u32, Corrupt> {
    u32::try_from(number).map_err(|_| Corrupt::new(format!("{number} is too large")))
}

impl Storable<String> for String {
    fn to_message(&self, _: &mut Draft<'_>) -> String {
        self.clone()
    }

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        content.text().map(Self::from)
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
    }
}

/// Numbers with a name of their own.
macro_rules! stored_as_u32 {
    ($($name:ident),*) => {$(
        impl Storable<u32> for $name {
            const PACKED: bool = true;

            fn to_message(&self, _: &mut Draft<'_>) -> u32 {
                self.0
            }

            fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
                small(content.number()?).map(Self)
            }

            fn left_out() -> Result<Self, Corrupt> {
                Ok(Self(0))
            }
        }
    )*};
}

stored_as_u32!(ClockNumber, EffectNumber, TaskNumber);

/// Names that definitions and the organization give: kept as words. Where there may be none, no
/// name is word 0.
macro_rules! stored_as_word {
    ($($name:ident),*) => {$(
        impl Storable<u32> for $name {
            const PACKED: bool = true;

            fn to_message(&self, words: &mut Draft<'_>) -> u32 {
                words.number(self.as_str())
            }

            fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
                let number = content.number()?;
                let name = small(number).ok().and_then(|number| shared(number, words));
                name.map(Self::trusted_shared).ok_or_else(|| {
                    Corrupt::new(format!("{number} is no word")).within(stringify!($name))
                })
            }
        }

        impl Storable<u32> for Option<$name> {
            fn to_message(&self, words: &mut Draft<'_>) -> u32 {
                self.as_ref().map_or(0, |name| name.to_message(words))
            }

            fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
                match content.number()? {
                    0 => Ok(None),
                    _ => Storable::<u32>::read(content, words).map(Some),
                }
            }

            fn left_out() -> Result<Self, Corrupt> {
                Ok(None)
            }
        }
    )*};
}

stored_as_word!(ActivityId, ClockId, FieldId, GroupId, LevelId, MemberId, Outcome, PolicyId);
stored_as_word!(CalendarId, ReasonCode, RoleId, StageId, StepId, TaskId, WorkflowId);

/// Names of which there are as many as of instances or callers, and those in documents, which know
/// no words.
macro_rules! stored_as_text {
    ($($name:ident),*) => {$(
        impl Storable<String> for $name {
            fn to_message(&self, _: &mut Draft<'_>) -> String {
                self.as_str().to_owned()
            }

            fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
                match content.text()? {
                    "" => Err(Corrupt::new(concat!("an empty ", stringify!($name)))),
                    name => Ok(Self::trusted(name)),
                }
            }
        }
    )*};
}

stored_as_text!(InstanceId, MemberId, ServiceId, GroupId, RoleId);

impl Storable<String> for Arc<str> {
    fn to_message(&self, _: &mut Draft<'_>) -> String {
        (**self).to_owned()
    }

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        content.text().map(Self::from)
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::from(""))
    }
}

impl Storable<i64> for Timestamp {
    const PACKED: bool = true;

    fn to_message(&self, _: &mut Draft<'_>) -> i64 {
        self.0
    }

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        Ok(Self(content.number()?.cast_signed()))
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self(0))
    }
}

const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);

impl Storable<i32> for Date {
    fn to_message(&self, _: &mut Draft<'_>) -> i32 {
        FIRST_DAY.until(*self).expect("any two days have a distance in days").get_days()
    }

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        let day = content.signed()?;
        let days = jiff::Span::new().try_days(day);
        days.and_then(|days| FIRST_DAY.checked_add(days))
            .map_err(|_| Corrupt::new(format!("day {day} lies outside the calendar")))
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(FIRST_DAY)
    }
}

/// Each number less the one before it; the first one as it is. Whatever the numbers are,
/// `Numbers::next_sum` gives them back.
pub(super) fn differences(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0;
    numbers.map(|number| number.wrapping_sub(mem::replace(&mut before, number))).collect()
}

pub(super) fn different_lengths(what: &str) -> Corrupt {
    Corrupt::new(format!("the parts of {what} have different lengths"))
}

/// Takes a field of a message, as the field of that type that `of` names.
pub(super) fn read_field<S, M, T: Storable<M>>(
    _of: impl Fn(&S) -> &M,
    part: &mut Option<T>,
    content: Wire<'_>,
    words: &Words,
) -> Result<(), Corrupt> {
    T::read_on(part, content, words)
}

/// What was read of a field, or its value where it was left out.
pub(super) fn finish_field<S, M, T: Storable<M>>(
    _of: impl Fn(&S) -> &M,
    part: Option<T>,
) -> Result<T, Corrupt> {
    part.map_or_else(T::left_out, Ok)
}

/// Reads the fields of `pb::$name` into variables of their names. Fields that a later program wrote
/// are passed over.
macro_rules! read_fields {
    ($content:expr, $words:expr, $name:ident { $($field:ident),* $(,)? }) => {
        $(let mut $field = None;)*
        let mut fields = $crate::store::record::wire::Wire::fields($content)?;
        for (number, content) in fields.by_ref() {
            match number {
                $($crate::store::numbers::$name::$field => {
                    $crate::store::record::convert::read_field(
                        |it: &$crate::store::pb::$name| &it.$field,
                        &mut $field,
                        content,
                        $words,
                    )
                    .map_err(|it| it.within(concat!(stringify!($name), ".", stringify!($field))))?;
                })*
                _ => {
                    let _ = content;
                }
            }
        }
        fields.finish().map_err(|it| it.within(stringify!($name)))?;
        $(let $field = $crate::store::record::convert::finish_field(
            |it: &$crate::store::pb::$name| &it.$field,
            $field,
        )
        .map_err(|it| it.within(concat!(stringify!($name), ".", stringify!($field))))?;)*
    };
}

/// Reads the one field of `pb::$name`, of which each has a way of its own to be read; none: there
/// is no field.
macro_rules! read_choice {
    ($content:expr, $name:ident { $($field:ident => $read:expr),* $(,)? }) => {{
        let mut chosen = None;
        let mut fields = $crate::store::record::wire::Wire::fields($content)?;
        for (number, content) in fields.by_ref() {
            let read = match number {
                $($crate::store::numbers::$name::$field => ($read)(content),)*
                _ => continue,
            };
            chosen = Some(read.map_err(|it: $crate::store::record::Corrupt| {
                it.within(stringify!($name))
            })?);
        }
        fields.finish().map_err(|it| it.within(stringify!($name)))?;
        chosen
    }};
}

/// Takes what is never left out.
pub(super) fn required<T>(found: Option<T>, what: &str) -> Result<T, Corrupt> {
    found.ok_or_else(|| Corrupt::new(format!("{what} is missing")))
}

/// A model type without fields: `Light { None, Blue }` has the codes of `pb::Light`.
macro_rules! codes {
    ($($path:ident)::+ as $name:ident { $($code:ident),* $(,)? }) => {
        impl $crate::store::record::convert::Storable<i32> for $($path)::+ {
            const PACKED: bool = true;

            fn to_message(&self, _: &mut $crate::store::words::Draft<'_>) -> i32 {
                match self {
                    $(Self::$code => $crate::store::pb::$name::$code as i32,)*
                }
            }

            fn read(
                content: $crate::store::record::wire::Wire<'_>,
                _: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                let number = content.number()?;
                let code = i32::try_from(number).map($crate::store::pb::$name::try_from);
                match code {
                    $(Ok(Ok($crate::store::pb::$name::$code)) => Ok(Self::$code),)*
                    Ok(Ok($crate::store::pb::$name::Unspecified) | Err(_)) | Err(_) => {
                        let what = format!("{number} is no {}", stringify!($name));
                        Err($crate::store::record::Corrupt::new(what))
                    }
                }
            }
        }
    };
}

/// A model type with the same fields as `pb::$name`.
macro_rules! message {
    ($model:ident as $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::store::record::convert::Storable<$crate::store::pb::$name> for $model {
            fn to_message(
                &self,
                words: &mut $crate::store::words::Draft<'_>,
            ) -> $crate::store::pb::$name {
                $crate::store::pb::$name {
                    $($field: {
                        $crate::store::record::convert::Storable::to_message(&self.$field, words)
                    },)*
                }
            }

            fn read(
                content: $crate::store::record::wire::Wire<'_>,
                words: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                read_fields!(content, words, $name { $($field),* });
                Ok(Self { $($field),* })
            }
        }

        required_message!($model as $name);
    };
}

/// A message that is never left out where the model has the type itself and not an option of it.
macro_rules! required_message {
    ($model:ident as $name:ident) => {
        impl $crate::store::record::convert::Storable<Option<$crate::store::pb::$name>> for $model {
            fn to_message(
                &self,
                words: &mut $crate::store::words::Draft<'_>,
            ) -> Option<$crate::store::pb::$name> {
                Some($crate::store::record::convert::Storable::to_message(self, words))
            }

            fn read(
                content: $crate::store::record::wire::Wire<'_>,
                words: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                use $crate::store::record::convert::Storable;
                <Self as Storable<$crate::store::pb::$name>>::read(content, words)
            }
        }
    };
}
