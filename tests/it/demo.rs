//! The demo as the README's first command runs it: with the built program, to its end.

use super::program::{sanbang, told};

#[test]
fn the_demo_shows_the_main_job_and_verifies_it() {
    let output = sanbang().arg("demo").output().unwrap();
    let told = told(&output);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("FAILED"), "{told}");
    let shown = [
        "1. Five projects arrive",
        "(the only candidate)",
        "L0 blue",
        "L1 yellow",
        "L2 red",
        "L3 red, nobody had answered",
        "L4 red",
        "escalation.acknowledged",
        "holiday: Spring Festival",
        "2025-02-07 17:30",
        "battery-parts has ended",
        "attempt 2, with its history kept",
        "taken it as version 2",
        "running projects keep version 1",
        "did you mean `dedupe_check`?",
        "every command that was answered is there",
        "no event is missing, none came twice",
        "sensor-line leased, and needed no land",
        "had no task force",
        "glass-works has completed all its stages",
        "PROJECT",
    ];
    for text in shown {
        assert!(told.contains(text), "the demo does not show `{text}`:\n{told}");
    }
}
