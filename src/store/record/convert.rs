//! How one type of the model becomes one stored form and back: the trait, the forms that need no
//! message of their own, and the macros that write the rest. Knows no particular message.

use std::mem;
use std::sync::Arc;

use super::Corrupt;
use super::names::shared;
use crate::model::id::{ActivityId, CalendarId, ClockId, FieldId, GroupId, InstanceId, LevelId};
use crate::model::id::{MemberId, Outcome, PolicyId, ReasonCode, RoleId, ServiceId, StageId};
use crate::model::id::{StepId, TaskId, WorkflowId};
use crate::model::time::{Date, Timestamp};
use crate::store::words::{Draft, Words};

/// Kept in the form `M`.
pub(super) trait Storable<M>: Sized {
    /// The stored form. What becomes a word by it is added to the draft.
    fn to_message(&self, words: &mut Draft<'_>) -> M;

    /// The value of a stored form, by the words that it holds numbers of.
    fn from_message(message: M, words: &Words) -> Result<Self, Corrupt>;
}

impl<M, T: Storable<M>> Storable<Option<M>> for Option<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> Option<M> {
        self.as_ref().map(|it| it.to_message(words))
    }

    fn from_message(message: Option<M>, words: &Words) -> Result<Self, Corrupt> {
        message.map(|it| T::from_message(it, words)).transpose()
    }
}

impl<M, T: Storable<M>> Storable<Vec<M>> for Vec<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<M> {
        self.iter().map(|it| it.to_message(words)).collect()
    }

    fn from_message(message: Vec<M>, words: &Words) -> Result<Self, Corrupt> {
        message.into_iter().map(|it| T::from_message(it, words)).collect()
    }
}

/// What instances share is kept as what it is.
impl<M, T: Storable<M>> Storable<M> for Arc<T> {
    fn to_message(&self, words: &mut Draft<'_>) -> M {
        self.as_ref().to_message(words)
    }

    fn from_message(message: M, words: &Words) -> Result<Self, Corrupt> {
        T::from_message(message, words).map(Self::new)
    }
}

macro_rules! stored_as_they_are {
    ($($type:ty),*) => {$(
        impl Storable<$type> for $type {
            fn to_message(&self, _: &mut Draft<'_>) -> $type {
                self.clone()
            }

            fn from_message(message: $type, _: &Words) -> Result<Self, Corrupt> {
                Ok(message)
            }
        }
    )*};
}

stored_as_they_are!(bool, u32, u64, i64, String);

/// Names that definitions and the organization give: kept as words.
macro_rules! stored_as_word {
    ($($name:ident),*) => {$(
        impl Storable<u32> for $name {
            fn to_message(&self, words: &mut Draft<'_>) -> u32 {
                words.number(self.as_str())
            }

            fn from_message(message: u32, words: &Words) -> Result<Self, Corrupt> {
                let name = shared(message, words);
                name.map(Self::trusted_shared).ok_or_else(|| {
                    Corrupt::new(format!("{message} is no word")).within(stringify!($name))
                })
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

            fn from_message(message: String, _: &Words) -> Result<Self, Corrupt> {
                if message.is_empty() {
                    return Err(Corrupt::new(concat!("an empty ", stringify!($name))));
                }
                Ok(Self::trusted(&message))
            }
        }
    )*};
}

stored_as_text!(InstanceId, MemberId, ServiceId, GroupId, RoleId);

impl Storable<String> for Arc<str> {
    fn to_message(&self, _: &mut Draft<'_>) -> String {
        (**self).to_owned()
    }

    fn from_message(message: String, _: &Words) -> Result<Self, Corrupt> {
        Ok(message.into())
    }
}

impl Storable<i64> for Timestamp {
    fn to_message(&self, _: &mut Draft<'_>) -> i64 {
        self.0
    }

    fn from_message(message: i64, _: &Words) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);

impl Storable<i32> for Date {
    fn to_message(&self, _: &mut Draft<'_>) -> i32 {
        FIRST_DAY.until(*self).expect("any two days have a distance in days").get_days()
    }

    fn from_message(message: i32, _: &Words) -> Result<Self, Corrupt> {
        let days = jiff::Span::new().try_days(message);
        days.and_then(|days| FIRST_DAY.checked_add(days))
            .map_err(|_| Corrupt::new(format!("day {message} lies outside the calendar")))
    }
}

/// Each number less the one before it; the first one as it is. Whatever the numbers are, [`sums`]
/// gives them back.
pub(super) fn differences(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0;
    numbers.map(|number| number.wrapping_sub(mem::replace(&mut before, number))).collect()
}

/// The numbers of which these are the [`differences`].
pub(super) fn sums(differences: Vec<i64>) -> impl Iterator<Item = i64> {
    differences.into_iter().scan(0_i64, |sum, difference| {
        *sum = sum.wrapping_add(difference);
        Some(*sum)
    })
}

/// Refuses a list of things whose parts are lists of different lengths.
pub(super) fn same_length(what: &str, lengths: &[usize]) -> Result<(), Corrupt> {
    if lengths.iter().all(|length| *length == lengths[0]) {
        return Ok(());
    }
    Err(Corrupt::new(format!("the parts of {what} have different lengths: {lengths:?}")))
}

/// Takes a part of a message that is never left out.
pub(super) fn required<M>(message: Option<M>, what: &str) -> Result<M, Corrupt> {
    message.ok_or_else(|| Corrupt::new(format!("{what} is missing")))
}

/// A model type without fields: `Light { None, Blue }` has the codes of `pb::Light`.
macro_rules! codes {
    ($($path:ident)::+ as $name:ident { $($code:ident),* $(,)? }) => {
        impl $crate::store::record::convert::Storable<i32> for $($path)::+ {
            fn to_message(&self, _: &mut $crate::store::words::Draft<'_>) -> i32 {
                match self {
                    $(Self::$code => $crate::store::pb::$name::$code as i32,)*
                }
            }

            fn from_message(
                message: i32,
                _: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                match $crate::store::pb::$name::try_from(message) {
                    $(Ok($crate::store::pb::$name::$code) => Ok(Self::$code),)*
                    Ok($crate::store::pb::$name::Unspecified) | Err(_) => {
                        let what = format!("{message} is no {}", stringify!($name));
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

            fn from_message(
                message: $crate::store::pb::$name,
                words: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                Ok(Self {
                    $($field: {
                        use $crate::store::record::convert::Storable;
                        Storable::from_message(message.$field, words).map_err(|it| {
                            it.within(concat!(stringify!($name), ".", stringify!($field)))
                        })?
                    },)*
                })
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

            fn from_message(
                message: Option<$crate::store::pb::$name>,
                words: &$crate::store::words::Words,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                let message = $crate::store::record::convert::required(message, stringify!($name))?;
                $crate::store::record::convert::Storable::from_message(message, words)
            }
        }
    };
}
