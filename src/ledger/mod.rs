//! Ledgers (台账) and indicators: what was, as rows and figures, at any instant.
//!
//! [`Dossier::fold`] makes an instance as it was, with what its small body forgets; a
//! [`sheet::Filling`] takes dossiers one by one and gives rows, a [`figures::Counting`] figures.
//! Pure: never names tokio, tonic or the store, reads no clock, and knows nothing of the team:
//! columns and figures are configuration.

pub mod cell;
pub mod dossier;
pub mod figures;
pub mod pick;
pub mod report;
pub mod setting;
pub mod sheet;

pub mod csv;
pub mod xlsx;

mod fold;
mod held;
mod look;
mod sum;
mod tallies;

pub use cell::{Cell, Language};
pub use dossier::Dossier;
pub use figures::{Basis, Compared, Counting, Figure, Period, Report};
pub use pick::Filter;
pub use setting::Setting;
pub use sheet::{Filling, Head, Line, Sheet, TooLarge};
