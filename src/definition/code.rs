//! Every code that a finding can bear, each with what it means and what to do about it.
//!
//! Codes are stable: one that is no longer used is never given to something else. The page
//! `docs/diagnostics.md` is [`page`], and a test holds the two together.

use super::diagnostic::Severity;

macro_rules! codes {
    ($($name:ident $number:literal $severity:ident $title:literal $explanation:literal)*) => {
        /// What kind of mistake a finding reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number by which people look it up, such as `SB0103`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// Whether it forbids publishing.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }

            /// What it reports, in a few words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }

            /// What it means and how to make it right.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => $explanation,)*
                }
            }
        }
    };
}

codes! {
    Unreadable "SB0001" Error "a file cannot be read"
        "The file could not be opened, or it is not UTF-8 text. Save it as UTF-8."
    TooLarge "SB0002" Error "a file is too large"
        "A file may have at most 1 MiB. Split the workflow, or move long guides out of it."
    InvalidYaml "SB0003" Error "a file cannot be read as YAML"
        "The file breaks the rules of YAML, so nothing in it could be read: an indentation that \
         does not fit, a quotation mark that is never closed, a `:` or `#` in a text without \
         quotation marks. References (`*name`), tags (`!name`) and several documents in one file \
         are YAML but are not used here: write out what is meant. Correct the place that is shown; \
         further findings in this file appear afterwards."
    DuplicateKey "SB0004" Error "a key stands twice in one map"
        "Only one of the two could count, and a reader cannot tell which. Delete one or rename it."
    MissingFile "SB0005" Error "a file is missing"
        "Something names what this file should hold. Add the file, with the name that is shown."
    UnusedFile "SB0006" Warning "a file is never looked at"
        "It stands among the workflows or the rules, but its name is none that means anything \
         there. Workflows are `workflows/*.yaml`, their specs `workflows/specs/*.yaml`, functions \
         `rules/*.rhai`, calendars `rules/calendars/*.yaml`; beside them there are \
         `rules/escalation.yaml`, `rules/reasons.yaml`, `rules/organization.yaml`, \
         `rules/ledgers.yaml` and `rules/indicators.yaml`."
    MoreFindings "SB0007" Warning "a file has more findings than are told"
        "Of one file the first hundred findings are told. Correct these; the others appear \
         afterwards."

    InvalidName "SB0101" Error "a text cannot be a name"
        "Names of stages, tasks, fields, roles and so on start with a letter, hold only letters \
         without accents, digits and `_`, and have at most 64 characters. What people read belongs \
         in `title`."
    DuplicateName "SB0102" Error "two things have the same name"
        "Each name stands for one thing: a stage or a task within its workflow, a step within its \
         ladder, a role or a group, a member. Task names are unique in the whole workflow, because \
         an expression says `tasks.name` without a stage. Rename one of the two."
    UnknownStage "SB0103" Error "a stage does not exist"
        "No stage of this workflow has this `id`."
    UnknownTask "SB0104" Error "a task does not exist"
        "`after` names a task that its stage does not have: a task can wait only for tasks of its \
         own stage. Or a step of a ladder opens a task that does not stand under `tasks` of \
         `rules/escalation.yaml`."
    UnknownField "SB0105" Error "a field does not exist"
        "The workflow does not declare this field under `fields`."
    UnknownRole "SB0106" Error "a role does not exist"
        "Neither a role nor a group of `rules/organization.yaml` has this name. `steward` (who \
         carries the instance) and `holder` (who holds the task) always exist."
    UnknownPolicy "SB0107" Error "an escalation policy does not exist"
        "`rules/escalation.yaml` has no policy of this name."
    UnknownFunction "SB0108" Error "a function does not exist"
        "No file `rules/*.rhai` defines a function of this name that takes what it is given."
    UnknownCalendar "SB0109" Error "a calendar does not exist"
        "No file under `rules/calendars` describes a calendar of this name."
    UnknownReason "SB0110" Error "a reason code does not exist"
        "`rules/reasons.yaml` has no reason of this name. Add it there with its title."
    UnknownActivity "SB0111" Error "an activity does not exist"
        "The workflow does not declare this activity under `activities`."
    UnknownLevel "SB0112" Error "a level of escalation does not exist"
        "The list `levels` at the top of `rules/escalation.yaml` does not hold this level."
    UnknownGroup "SB0113" Error "a group does not exist"
        "`rules/organization.yaml` has no group of this name."
    UnknownWorkflow "SB0114" Warning "a workflow does not exist"
        "`may_start` names a workflow of which there is no file under `workflows`."
    ReservedName "SB0115" Error "a name is taken by the language"
        "The name has a meaning of its own: `project.id`, `project.steward` and `project.group` \
         are not fields, and the clocks `stage`, `task` and `suspension` are those under `sla` and \
         `suspension`. Choose another name."

    WrongCall "SB0116" Error "a call does not fit what it calls"
        "A task of `kind: call` names a workflow that does not exist, gives it a field that it has \
         not, or a value that the field cannot hold, or leaves out a field that it requires. \
         Nothing could ever begin, and the task would wait for ever."

    UnknownKey "SB0201" Error "a key means nothing here"
        "The key is misspelt, or it stands at the wrong depth. Keys that mean nothing are never \
         skipped in silence: they would look as if they worked."
    WrongShape "SB0202" Error "a value has the wrong shape"
        "A list stands where a text is expected, a text where a number is expected, and so on."
    MissingKey "SB0203" Error "a key is missing"
        "What is described here cannot do without this key."
    UnknownWord "SB0204" Error "a word is none of those that can stand here"
        "Only a few words can stand in this place; they are listed with the finding."
    NotYetSupported "SB0205" Error "something is not supported yet"
        "The language has a place for this key, but this version of the program cannot do what it \
         says: `kind: service`, delegation. It is refused, because a rule that \
         silently does nothing is worse than none. Take it out until it is supported."
    ExclusiveKeys "SB0206" Error "two keys exclude each other"
        "Only one of the keys can stand here: a limit is one of `within`, `by`, `every` and \
         `check`; a step of a ladder has `at` or `value`; a task \
         is assigned by a function or offered, not both."
    Misplaced "SB0207" Error "a key has no effect here"
        "The key is right in other places, but here nothing would ever look at it: `skip_when` in \
         a stage beside the path, `opens_from` in a stage of the path, `join` without `for_each`, \
         `reset_by` without `every`."
    TooMany "SB0208" Error "there is too much of something"
        "A workflow has at most 128 stages and a stage at most 128 tasks, each word of `for_each` \
         counted."
    InvalidValue "SB0209" Error "a value cannot stand here"
        "The value has the right shape, but what it says cannot be: a bound that is no number, a \
         smallest number above the largest one, a bound of a text."

    InvalidAmount "SB0301" Error "a text is no length of time"
        "A length of time is a whole number and a unit, such as `5wd`, `16wh`, `90wm`, `30cd`, \
         `3mo`, `48h` or `30m`."
    BareDays "SB0302" Error "`d` does not say which days"
        "Working days or calendar days make a great difference over a holiday. Write `5wd` for \
         working days or `5cd` for calendar days."
    InvalidInstant "SB0303" Error "a text is no instant of a ladder"
        "A step fires at `due`, at a share of the limit such as `70%`, or so long before or after \
         the due time such as `-1wd` and `+2wd`, or at `{ later_of: [80%, -1wd] }`."
    NoUnconditionalLimit "SB0304" Error "a list of limits may leave none"
        "When no condition of the list holds there would be no limit. End the list with an entry \
         that has `take` but no `when`."
    NoSuspensionLimit "SB0305" Error "a suspension has no limit"
        "A suspended instance would be forgotten. Give `suspension` a `within`."
    ShareOfDate "SB0306" Error "a share of a limit that has no length"
        "A `by` clock ends on a day and has no length of which a share could be taken. Use a \
         ladder whose steps stand at `due` or at offsets such as `-5wd`."
    NotADate "SB0307" Error "a limit by a field that is no date"
        "`by` names the field that holds the day. Declare that field with `type: date`."
    UnreachableLimit "SB0308" Error "an entry of a list of limits is never reached"
        "The first entry that holds counts, and an entry without `when` always holds. Move it to \
         the end of the list."
    WrongLadder "SB0309" Error "a ladder does not fit its clock"
        "A `check` asks for a ladder whose steps stand at a `value`, every other clock for one \
         whose steps stand at an instant (`at`). All steps of a ladder are of one kind."
    StageNotBeside "SB0310" Error "a step opens a stage that it cannot open"
        "`open` names a stage with `beside: true` of every workflow that uses the ladder."

    ScriptSyntax "SB0401" Error "an expression or a rule file cannot be read"
        "The text breaks the rules of Rhai. An expression in YAML is a single one, without `;`."
    ScriptUnknownName "SB0402" Error "an expression names something that is no fact"
        "An expression sees `project`, `stage`, `task` and `tasks`."
    ScriptUnknownField "SB0403" Error "an expression uses a field that is not declared"
        "`project.x` can be read only where the workflow declares `x` under `fields`; other facts \
         have fixed properties."
    ScriptUnknownTask "SB0404" Error "an expression names a task that does not exist"
        "`tasks.x` names a task of this workflow, and `tasks.x[\"word\"]` a word of its `for_each`."
    ScriptUnknownOutcome "SB0405" Error "an expression asks for an outcome that cannot be"
        "The task has `outcomes`, and this is none of them, so the comparison could never hold."
    ScriptUnknownFunction "SB0406" Error "an expression calls a function that does not exist"
        "The function is misspelt, takes other arguments, or is not offered to scripts."
    ScriptTypeMismatch "SB0407" Error "an expression compares what cannot be compared"
        "Comparing a number with a text is never true and never an error while it runs, so it is \
         refused when the file is read. So is a column of a ledger whose `value` gives something \
         else than its `type` says."
    ScriptNotInChoice "SB0408" Error "an expression asks for a word that is not in the choice"
        "The field is a `choice`, and the word is none of those under `of`."
    ScriptForbidden "SB0409" Error "an expression names what it may not"
        "Conditions are judged after events and never by the clock: they may not name the present \
         time, loads or members. Time belongs in a clock; people belong in a function under \
         `rules`."
    ScriptNotBoolean "SB0410" Error "a condition is no question"
        "A condition must be true or false."
    ScriptUnknownParameter "SB0411" Error "a function asks for something that nobody can give"
        "The parameters of a function are named after the facts that it wants."
    ScriptDuplicateFunction "SB0412" Error "two functions have the same name"
        "All files under `rules` are one set of functions. Rename one of the two."

    ScriptUndeclared "SB0413" Warning "a function asks for what no workflow has"
        "`project.x` is empty for ever where no workflow declares `x` under `fields`, and \
         `tasks.x` fails where none has the task. The name is misspelt, or what it meant is gone."

    NotLater "SB0501" Error "a stage leads to an earlier one"
        "`next` leads only to later stages of the path, so stages can never advance themselves in \
         a circle. To go back, list the stage in `return_to`."
    NotEarlier "SB0502" Error "a return leads to a later stage"
        "`return_to` lists stages of the path that come before this one."
    TaskCircle "SB0503" Error "tasks wait for one another in a circle"
        "None of these tasks could ever begin. Take one of them out of an `after`."
    NotOnPath "SB0504" Error "a stage beside the path stands where one of the path is needed"
        "Only stages without `beside: true` can be entered, returned to, or opened from."
    EmptyPath "SB0505" Error "a workflow has no path"
        "At least one stage must stand without `beside: true`."
    LevelOrder "SB0506" Error "a step stands above a higher one"
        "The steps of a ladder stand from the lowest level to the highest, one step for a level, \
         in the order of `levels`."
    UnreachableStage "SB0510" Error "a stage can never be entered"
        "Every way of the path passes over this stage. Add a `next` that leads to it, or delete it."
    DeadEnd "SB0511" Error "a stage can be entered but never left"
        "None of the conditions under `next` can hold while the stage is open: they exclude \
         themselves, or wait for tasks that only open later. Add an entry that can hold, or one \
         without `when` at the end of the list."
    Contradiction "SB0512" Error "a condition can never hold"
        "Its comparisons exclude one another, or ask for what the field can never be."
    StepOutOfOrder "SB0514" Warning "a step would fire before a lower one"
        "For a start at the opening of business the higher step comes first; then the lower one \
         never fires. Move one of them, or use `later_of`."
    EmptyRole "SB0515" Warning "nobody fills a role"
        "Neither the role nor a role above it has a member, so whatever is given to it reaches \
         nobody. Give it to a member in `rules/organization.yaml`."
    UnusedPolicy "SB0516" Warning "an escalation policy is never used"
        "No clock of any workflow names this policy under `escalation`."
    TaskOpensLater "SB0517" Warning "a condition asks about a task that cannot have opened yet"
        "The task belongs to a later stage, and nothing leads back from there: whenever this is \
         asked, the task is neither open nor done. Ask about a task of this stage or of an earlier \
         one."
    UnreachableNext "SB0518" Error "an entry of `next` is never looked at"
        "The first entry that holds counts, and an entry without `when` always holds. Move it to \
         the end of the list."
    LateLadder "SB0519" Warning "a ladder begins when its limit has run out already"
        "The first step fires after the due time: until then the light stays out and nobody is \
         told that the limit is over. Put a step at `due` or before it."
    ReadTooLate "SB0520" Warning "a warning is read when its limit has run out already"
        "The step fires before the due time, but waits for the digest of the next opening of \
         business, and the limit may be over by then. Say `delivery: at_once`, or let the step fire \
         the evening before: `{ earlier_of: [80%, -1wd] }`."

    InvalidCalendar "SB0601" Error "a calendar contradicts itself"
        "The calendar was read, but its parts do not fit together: office hours that overlap, a \
         weekday among the weekend days worked, a year that is missing between two others."
    RoleCircle "SB0602" Error "roles stand above one another in a circle"
        "`above` must lead upwards and end somewhere, or an escalation would never arrive."

    UnknownSource "SB0701" Error "a source of a ledger does not exist"
        "A source is a short path: `field.investor`, `stage.signing.entered`, `current.due`, \
         `task.payment.form.amount`, `activity.visit.last`, `row.light`, or a part of the instance \
         such as `steward`. `docs/language.md` lists them all."
    LedgerOfNothing "SB0702" Error "a ledger is of a workflow that does not exist"
        "No file under `workflows` describes a workflow of the name that stands under `of`."
    WrongSource "SB0703" Error "a source of a ledger does not fit here"
        "The source exists, but what it gives cannot be used in this place: a text is not added \
         up, a number is no instant, a funnel counts instances of one workflow, and has no figure \
         of the whole that could have a target. A field that several workflows have is of one type \
         in all of them."
}

/// The page `docs/diagnostics.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         Every finding of `sanbang check` bears one of these codes. An error keeps a change from \
         being published; a warning does not.\n",
    );
    for code in Code::ALL {
        let severity = code.severity().as_str();
        let (title, explanation) = (code.title(), code.explanation());
        let number = code.as_str();
        let section = format!("\n## {number} ({severity}): {title}\n\n{explanation}\n");
        page.push_str(&section);
    }
    page
}
