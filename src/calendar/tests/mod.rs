//! Tests of the calendar: published vectors, vectors worked by hand, properties, a slow oracle.

mod support;

mod explaining;
mod properties;
mod published;
mod specs;
mod worked;
