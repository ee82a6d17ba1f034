//! Names: one newtype per kind, so that a stage can never be passed where a task is meant.
//!
//! Every name is cheap to clone (a shared string). Names written by administrators are
//! `snake_case`, start with a letter and have at most [`limits::NAME_BYTES_MAX`] bytes.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::limits;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    /// The text that was offered.
    pub text: String,
    /// What is wrong with it, as a sentence without a full stop.
    pub problem: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a name: {}", self.text, self.problem)
    }
}

impl std::error::Error for InvalidName {}

fn check_definition_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > limits::NAME_BYTES_MAX {
        return Err("it is longer than 64 bytes");
    }
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err("it must start with a letter");
    }
    if !text.chars().all(|each| each.is_ascii_alphanumeric() || each == '_') {
        return Err("it may hold only letters, digits and `_`");
    }
    Ok(())
}

fn check_instance_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > limits::INSTANCE_ID_BYTES_MAX {
        return Err("it is longer than 64 bytes");
    }
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err("it must start with a letter or a digit");
    }
    let allowed = |each: char| each.is_ascii_alphanumeric() || "_-.:".contains(each);
    if !text.chars().all(allowed) {
        return Err("it may hold only letters, digits, `_`, `-`, `.` and `:`");
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident by $check:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text that follows the rules of this kind of name.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(problem) => Err(InvalidName { text: text.to_owned(), problem }),
                }
            }

            /// Takes a text that is known to be a name: a constant, or one read back from the
            /// store.
            pub fn trusted(text: &str) -> Self {
                Self(text.into())
            }

            /// The same, without a copy of the text.
            pub fn trusted_shared(text: Arc<str>) -> Self {
                Self(text)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{:?}", &*self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

names! {
    /// One running project, demand, declaration: chosen by the caller or derived from its request.
    InstanceId by check_instance_name;
    /// A workflow, as its file names it.
    WorkflowId by check_definition_name;
    /// A stage of a workflow.
    StageId by check_definition_name;
    /// A task as the workflow defines it. One that runs is named by its
    /// [`super::task::TaskNumber`].
    TaskId by check_definition_name;
    /// A clock as the workflow defines it: `stage`, `task`, `suspension`, or a name under
    /// `clocks:`.
    ClockId by check_definition_name;
    /// A field of a workflow's instances.
    FieldId by check_definition_name;
    /// A kind of activity that can be logged.
    ActivityId by check_definition_name;
    /// A person.
    MemberId by check_definition_name;
    /// A group of persons.
    GroupId by check_definition_name;
    /// A role that persons hold.
    RoleId by check_definition_name;
    /// Another program that calls the API.
    ServiceId by check_definition_name;
    /// A working calendar.
    CalendarId by check_definition_name;
    /// An escalation policy.
    PolicyId by check_definition_name;
    /// A step of an escalation policy.
    StepId by check_definition_name;
    /// A level of escalation, such as `L2`: data, never an enum.
    LevelId by check_definition_name;
    /// Why something was terminated, returned, suspended: a code from the workflow or the common
    /// list.
    ReasonCode by check_definition_name;
    /// What a task ended with, such as `pass_with_conditions`.
    Outcome by check_definition_name;
    /// A ledger of the configuration.
    LedgerId by check_definition_name;
    /// An indicator of the configuration.
    IndicatorId by check_definition_name;
}
