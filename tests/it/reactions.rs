//! Reactions that do not come to rest within the limit: a long chain of stages that nobody has
//! anything to do in. A command that sets it off is refused and changes nothing; a timer, which
//! cannot be refused, goes as far as the limit and the next command goes on.

use std::fmt::Write as _;

use sanbang::definition::compile;
use sanbang::definition::compiled::Workflow;
use sanbang::definition::sources::Sources;
use sanbang::engine::{self, Context, Decision, Outcome};
use sanbang::model::command::Command;
use sanbang::model::instance::Instance;
use sanbang::model::limits::REACTION_ROUNDS_MAX;
use sanbang::model::organization::Loads;
use sanbang::model::time::Timestamp;

use super::runtime_fixture::{HOUR_MS, START, advance, comment, create, files};

/// A workflow with a first stage of this kind, a chain of stages that advance themselves, and a
/// last one.
fn chain(first: &str, links: usize) -> Sources {
    let mut text = format!(
        "workflow: errand\ntitle: {{ en: Errand, zh: 差事 }}\ncalendar: plain\nstages:\n  \
         - {{ id: first, title: {{ en: First, zh: 第一 }}, {first} }}\n"
    );
    for link in 0..links {
        let title = format!("title: {{ en: Link {link}, zh: 环节 }}");
        writeln!(text, "  - {{ id: link_{link}, {title}, advance: automatic }}").unwrap();
    }
    text.push_str("  - { id: last, title: { en: Last, zh: 最后 }, advance: by_hand }\n");
    let others = files().into_iter().filter(|(path, _)| *path != "workflows/errand.yaml");
    let all = others.chain([("workflows/errand.yaml", text)]);
    Sources { files: all.map(|(path, text)| (path.to_owned(), text.into())).collect() }
}

/// Decides by the workflow of a chain.
fn decide(
    sources: &Sources,
    instance: Option<&std::sync::Arc<Instance>>,
    command: &Command,
    now: Timestamp,
) -> Decision {
    let compilation = compile(sources);
    let compiled = compilation.workflows.into_iter().next();
    let compiled = compiled.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    let workflow = Workflow { version: 1, ..compiled.workflow };
    let calendar = compilation.calendars.into_iter().next().expect("the plain calendar");
    let context = Context {
        workflow: &workflow,
        workflows: &workflow,
        organization: &compilation.organization,
        calendar: &calendar,
        always_on: &calendar.always_on(),
        loads: &Loads::default(),
        now,
    };
    engine::decide(&context, instance, command)
}

fn code(decision: &Decision) -> &'static str {
    match &decision.outcome {
        Outcome::Refused(rejection) => rejection.code(),
        Outcome::Accepted(_) => "accepted",
        Outcome::Repeated { .. } | Outcome::Nothing => "nothing",
    }
}

fn stage(instance: &Instance) -> &str {
    instance.path_stage.as_ref().expect("the path has not ended").as_str()
}

#[test]
fn a_chain_within_the_limit_is_gone_through_at_once() {
    let sources = chain("advance: by_hand", REACTION_ROUNDS_MAX - 1);
    let begun = decide(&sources, None, &create("e-1", None), START).after.unwrap();
    let done = decide(&sources, Some(&begun), &advance(None), START);
    assert_eq!(code(&done), "accepted");
    assert_eq!(stage(&done.after.unwrap()), "last");
}

#[test]
fn a_command_that_sets_off_more_is_refused_and_changes_nothing() {
    let sources = chain("advance: by_hand", REACTION_ROUNDS_MAX + 10);
    let begun = decide(&sources, None, &create("e-1", None), START).after.unwrap();
    let refused = decide(&sources, Some(&begun), &advance(None), START);
    assert_eq!(code(&refused), "REACTION_LIMIT");
    assert!(refused.settled.is_none());
    assert_eq!(refused.after.as_ref(), Some(&begun));
    let said = decide(&sources, Some(&begun), &comment("hello", None), START);
    assert_eq!(code(&said), "accepted");

    let at_once = chain("advance: automatic", REACTION_ROUNDS_MAX + 10);
    let refused = decide(&at_once, None, &create("e-1", None), START);
    assert_eq!(code(&refused), "REACTION_LIMIT");
    assert!(refused.after.is_none());
}

#[test]
fn a_timer_goes_as_far_as_the_limit_and_the_next_command_goes_on() {
    let wait = "tasks: [{ id: rest, title: { en: Rest, zh: 等待 }, kind: wait, within: 1cd }], \
                advance: automatic";
    let sources = chain(wait, REACTION_ROUNDS_MAX + 10);
    let begun = decide(&sources, None, &create("e-1", None), START).after.unwrap();
    let late = START.plus_ms(72 * HOUR_MS);
    let settled = decide(&sources, Some(&begun), &Command::settle(), late);
    assert!(settled.settled.is_some());
    let halfway = settled.after.unwrap();
    assert_eq!(stage(&halfway), format!("link_{}", REACTION_ROUNDS_MAX - 1));
    // What happened stands, and nothing more is due: it is not asked again and again.
    assert_eq!(halfway.next_due(), None);
    let again = decide(&sources, Some(&halfway), &Command::settle(), late.plus_ms(1));
    assert!(again.settled.is_none());
    let said = decide(&sources, Some(&halfway), &comment("hello", None), late.plus_ms(2));
    assert_eq!(code(&said), "accepted");
    assert_eq!(stage(&said.after.unwrap()), "last");
}
