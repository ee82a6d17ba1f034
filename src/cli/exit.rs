//! How a verb ends: what its exit status means, and what is told on standard error.

use std::process::ExitCode;

use tonic::Code;

/// The exit status of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// What was asked for was done.
    Done,
    /// The answer is no: findings in a file, a failed spec, a command that the rules refuse.
    No,
    /// It could not be tried: a bad invocation, an unreachable server, a file that is not there.
    NotTried,
    /// A server had to stop: its store failed, or a part of it. The log tells why.
    Stopped,
    /// A defect of the program.
    Defect,
    /// Interrupted by the user.
    Interrupted,
}

impl ExitStatus {
    /// The number that the shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::NotTried => 2,
            Self::Stopped => 3,
            Self::Defect => 101,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.number())
    }
}

/// Why a verb did not do what was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused, or failed.
    Refused(Box<tonic::Status>),
    /// The answer is no, and everything has been said on standard output.
    No,
    /// It could not be tried; the text says why, and what to do.
    NotTried(anyhow::Error),
    /// Nobody reads what is written any more, as behind `head`.
    OutputClosed,
    /// Interrupted by the user.
    Interrupted,
}

impl Failure {
    /// A bad invocation or a circumstance that keeps the verb from being tried.
    pub(super) fn not_tried(text: impl Into<String>) -> Self {
        Self::NotTried(anyhow::Error::msg(text.into()))
    }

    /// The answer is no, whatever became of telling why: it is no as well where nobody reads on.
    pub(super) fn no_after(told: Result<(), Self>) -> Self {
        match told {
            Ok(()) | Err(Self::OutputClosed) => Self::No,
            Err(failure) => failure,
        }
    }

    /// The exit status that it leads to.
    pub(super) fn status(&self) -> ExitStatus {
        match self {
            Self::Refused(status) => match status.code() {
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
                    ExitStatus::NotTried
                }
                Code::Internal | Code::Unknown | Code::DataLoss | Code::Unimplemented => {
                    ExitStatus::Defect
                }
                _ => ExitStatus::No,
            },
            Self::No => ExitStatus::No,
            Self::NotTried(_) => ExitStatus::NotTried,
            Self::OutputClosed => ExitStatus::Done,
            Self::Interrupted => ExitStatus::Interrupted,
        }
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::NotTried(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::NotTried(error.into()),
        }
    }
}
