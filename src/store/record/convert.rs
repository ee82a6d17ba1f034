//! How one type of the model becomes one stored form and back: the trait, the forms that need no
//! message of their own, and the macros that write the rest. Knows no particular message.

use std::sync::Arc;

use super::Corrupt;
use super::names::shared;
use crate::model::id::{ActivityId, CalendarId, ClockId, FieldId, GroupId, InstanceId, LevelId};
use crate::model::id::{MemberId, Outcome, PolicyId, ReasonCode, RoleId, ServiceId, StageId};
use crate::model::id::{StepId, TaskId, WorkflowId};
use crate::model::time::{Date, Timestamp};

/// Kept in the form `M`.
pub(super) trait Storable<M>: Sized {
    /// The stored form.
    fn to_message(&self) -> M;

    /// The value of a stored form.
    fn from_message(message: M) -> Result<Self, Corrupt>;
}

impl<M, T: Storable<M>> Storable<Option<M>> for Option<T> {
    fn to_message(&self) -> Option<M> {
        self.as_ref().map(Storable::to_message)
    }

    fn from_message(message: Option<M>) -> Result<Self, Corrupt> {
        message.map(T::from_message).transpose()
    }
}

impl<M, T: Storable<M>> Storable<Vec<M>> for Vec<T> {
    fn to_message(&self) -> Vec<M> {
        self.iter().map(Storable::to_message).collect()
    }

    fn from_message(message: Vec<M>) -> Result<Self, Corrupt> {
        message.into_iter().map(T::from_message).collect()
    }
}

/// What instances share is kept as what it is.
impl<M, T: Storable<M>> Storable<M> for Arc<T> {
    fn to_message(&self) -> M {
        self.as_ref().to_message()
    }

    fn from_message(message: M) -> Result<Self, Corrupt> {
        T::from_message(message).map(Self::new)
    }
}

macro_rules! stored_as_they_are {
    ($($type:ty),*) => {$(
        impl Storable<$type> for $type {
            fn to_message(&self) -> $type {
                self.clone()
            }

            fn from_message(message: $type) -> Result<Self, Corrupt> {
                Ok(message)
            }
        }
    )*};
}

stored_as_they_are!(bool, u32, u64, i64, String);

macro_rules! stored_as_text {
    ($read:path: $($name:ident),*) => {$(
        impl Storable<String> for $name {
            fn to_message(&self) -> String {
                self.as_str().to_owned()
            }

            fn from_message(message: String) -> Result<Self, Corrupt> {
                if message.is_empty() {
                    return Err(Corrupt::new(concat!("an empty ", stringify!($name))));
                }
                Ok(Self::trusted_shared($read(message.as_str())))
            }
        }
    )*};
}

stored_as_text!(shared: ActivityId, CalendarId, ClockId, FieldId, GroupId, LevelId, MemberId);
stored_as_text!(shared: Outcome, PolicyId, ReasonCode, RoleId, ServiceId, StageId, StepId, TaskId);
stored_as_text!(shared: WorkflowId);
// There are as many of these as of instances.
stored_as_text!(Arc::from: InstanceId);

impl Storable<String> for Arc<str> {
    fn to_message(&self) -> String {
        (**self).to_owned()
    }

    fn from_message(message: String) -> Result<Self, Corrupt> {
        Ok(message.into())
    }
}

impl Storable<i64> for Timestamp {
    fn to_message(&self) -> i64 {
        self.0
    }

    fn from_message(message: i64) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);

impl Storable<i32> for Date {
    fn to_message(&self) -> i32 {
        FIRST_DAY.until(*self).expect("any two days have a distance in days").get_days()
    }

    fn from_message(message: i32) -> Result<Self, Corrupt> {
        let days = jiff::Span::new().try_days(message);
        days.and_then(|days| FIRST_DAY.checked_add(days))
            .map_err(|_| Corrupt::new(format!("day {message} lies outside the calendar")))
    }
}

/// Takes a part of a message that is never left out.
pub(super) fn required<M>(message: Option<M>, what: &str) -> Result<M, Corrupt> {
    message.ok_or_else(|| Corrupt::new(format!("{what} is missing")))
}

/// A model type without fields: `Light { None, Blue }` has the words of `pb::Light`.
macro_rules! words {
    ($($path:ident)::+ as $name:ident { $($word:ident),* $(,)? }) => {
        impl $crate::store::record::convert::Storable<i32> for $($path)::+ {
            fn to_message(&self) -> i32 {
                match self {
                    $(Self::$word => $crate::store::pb::$name::$word as i32,)*
                }
            }

            fn from_message(message: i32) -> Result<Self, $crate::store::record::Corrupt> {
                match $crate::store::pb::$name::try_from(message) {
                    $(Ok($crate::store::pb::$name::$word) => Ok(Self::$word),)*
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
            fn to_message(&self) -> $crate::store::pb::$name {
                $crate::store::pb::$name {
                    $($field: $crate::store::record::convert::Storable::to_message(&self.$field),)*
                }
            }

            fn from_message(
                message: $crate::store::pb::$name,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                Ok(Self {
                    $($field: $crate::store::record::convert::Storable::from_message(message.$field)
                        .map_err(|it| {
                            it.within(concat!(stringify!($name), ".", stringify!($field)))
                        })?,)*
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
            fn to_message(&self) -> Option<$crate::store::pb::$name> {
                Some($crate::store::record::convert::Storable::to_message(self))
            }

            fn from_message(
                message: Option<$crate::store::pb::$name>,
            ) -> Result<Self, $crate::store::record::Corrupt> {
                let message = $crate::store::record::convert::required(message, stringify!($name))?;
                $crate::store::record::convert::Storable::from_message(message)
            }
        }
    };
}
