//! How far something long is, on standard error: a bar for a person at a terminal, a line now and
//! then for a log. Knows nothing of what is being done.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::runtime::Stopwatch;
use crate::store::Progress;

use super::print::note;

/// Where there is no terminal, a line is written at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How a bar looks while nothing is counted yet, where the end is not known, and where it is.
const BEGUN: &str = "{msg} …";
const OPEN: &str = "{msg}: {human_pos} {prefix}";
const CLOSED: &str = "{msg} {wide_bar} {human_pos} of {human_len} {prefix}, {eta} to go";

/// What is told while a verb works.
pub(super) struct Telling {
    doing: &'static str,
    of: &'static str,
    /// None: there is no terminal.
    bar: Option<ProgressBar>,
    since: Stopwatch,
}

impl Telling {
    /// Begins with something to do.
    pub(super) fn begin(doing: &'static str) -> Self {
        let bar = io::stderr().is_terminal().then(ProgressBar::hidden);
        let mut telling = Self { doing, of: "", bar, since: Stopwatch::start() };
        telling.step(doing);
        telling
    }

    /// Goes on with something else.
    pub(super) fn step(&mut self, doing: &'static str) {
        self.doing = doing;
        if self.bar.is_some() {
            self.draw("", BEGUN, None);
        } else {
            note(&format!("{doing} …"));
        }
    }

    /// Tells how far it is.
    pub(super) fn tell(&mut self, progress: Progress) {
        let Progress { of, done, total } = progress;
        if self.bar.is_none() {
            return self.tell_line(of, done, total);
        }
        if self.of != of {
            self.draw(of, if total.is_some() { CLOSED } else { OPEN }, total);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Draws another bar in place of the last one. What it shows is known before it is drawn.
    fn draw(&mut self, of: &'static str, style: &str, total: Option<u64>) {
        self.of = of;
        let style = ProgressStyle::with_template(style).expect("the templates are written here");
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
            .with_style(style)
            .with_message(self.doing)
            .with_prefix(of);
        if let Some(before) = self.bar.replace(bar.clone()) {
            before.finish_and_clear();
        }
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.tick();
    }

    fn tell_line(&mut self, of: &str, done: u64, total: Option<u64>) {
        if self.since.elapsed() < LINE_EVERY {
            return;
        }
        self.since = Stopwatch::start();
        let far = match total {
            Some(total) => {
                let percent = done.saturating_mul(100) / total.max(1);
                format!("{} of {} {of}, {percent} %", thousands(done), thousands(total))
            }
            None => format!("{} {of}", thousands(done)),
        };
        note(&format!("{}: {far}", self.doing));
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A number that people read: `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_where_people_look_for_them() {
        let told = [0, 999, 1000, 123_456, 1_234_567].map(thousands);
        assert_eq!(told, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
