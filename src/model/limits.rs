//! Every limit of the program, by name. A queue, a loop or a text without one is a defect.

/// Bytes of a name in a workflow, a rule or the organization.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of an instance's id.
pub const INSTANCE_ID_BYTES_MAX: usize = 64;
/// Bytes of a request id.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Bytes of a free text in a command: a reason, a comment, a plan.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of one text field's value.
pub const FIELD_TEXT_BYTES_MAX: usize = 4 * 1024;
/// Bytes of one source file of a workflow or a rule.
pub const SOURCE_BYTES_MAX: usize = 1024 * 1024;
/// Findings told of one source file; of more it is told how many there are.
pub const FINDINGS_OF_FILE_MAX: usize = 100;
/// Findings told by one validation, those of all files together.
pub const FINDINGS_TOLD_MAX: usize = 1000;
/// Of these, how many are drawn into their files: each drawing reads its file as a whole.
pub const FINDINGS_DRAWN_MAX: usize = 50;
/// Bytes of one instance's stored body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Open tasks of one instance.
pub const OPEN_TASKS_MAX: usize = 512;
/// Links of one instance: before a further one the oldest of those that have ended is forgotten.
pub const LINKS_MAX: usize = 256;
/// Similar instances that are told.
pub const SIMILAR_MAX: usize = 20;
/// Instances that one command may start.
pub const STARTS_MAX: usize = 32;
/// So long after it was asked an effect is asked again, in milliseconds; each time twice as long.
pub const EFFECT_RETRY_MS_MIN: i64 = 2_000;
/// The longest that an effect waits before it is asked again, in milliseconds: a day.
pub const EFFECT_RETRY_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Rounds of reactions that one command may set off.
pub const REACTION_ROUNDS_MAX: usize = 64;
/// Firings that one settling may process.
pub const SETTLE_FIRINGS_MAX: usize = 4096;
/// Accepted requests that an instance remembers whatever their age.
pub const REQUESTS_KEPT_MIN: usize = 16;
/// Accepted requests that an instance remembers at most.
pub const REQUESTS_KEPT_MAX: usize = 512;
/// Age up to which an accepted request is remembered, in milliseconds: 24 hours.
pub const REQUEST_AGE_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Substitutes followed from one absent member to the next.
pub const SUBSTITUTES_DEPTH_MAX: usize = 3;
/// Members who stand in for a steward, in their order: A and B.
pub const BACKUPS_MAX: usize = 2;
/// Absences that are remembered, and the same for duties. What was over a year ago is forgotten.
pub const ROSTER_ENTRIES_MAX: usize = 4096;
/// Members on duty on the same days.
pub const ON_DUTY_MAX: usize = 64;
/// Stewardships, tasks and places as backup that one hand-over moves.
pub const HAND_OVER_ITEMS_MAX: usize = 20_000;
/// Partitions of a store, fixed when the store is made.
pub const PARTITIONS: u16 = 8;
/// Commands waiting for one worker.
pub const MAILBOX_COMMANDS_MAX: usize = 1024;
/// Commands that a worker decides as one group.
pub const GROUP_COMMANDS_MAX: usize = 256;
/// Events in one message of a subscription.
pub const STREAM_EVENTS_MAX: usize = 256;
/// Bytes of the events in one message of a subscription, unless a single event has more.
pub const STREAM_MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Events a live subscriber may lag behind before it is told to resume from its token.
pub const STREAM_LAG_EVENTS_MAX: usize = 16 * 1024;
/// Messages that wait for one who watches an instance before the feed keeps the place in the store.
pub const STREAM_MESSAGES_MAX: usize = 1;
/// Commands under way on one stream of commands: a stream alone never overflows a mailbox.
pub const DRIVE_COMMANDS_MAX: usize = 1024;
/// Answers in one message of such a stream.
pub const DRIVE_ANSWERS_MAX: usize = 256;
/// Bytes of one request.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one request that carries source files.
pub const SOURCES_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Single calls at once, on all connections together.
pub const CALLS_MAX: usize = 4096;
/// Streams at once, on all connections together.
pub const STREAMS_MAX: usize = 4096;
/// Threads that read the store for calls; the workers have their own.
pub const READING_THREADS_MAX: usize = 32;
/// Connections at once; below what a process may commonly have open.
pub const CONNECTIONS_MAX: usize = 512;
/// Calls and streams at once on one connection.
pub const CONNECTION_STREAMS_MAX: u32 = 1024;
/// Bytes of one stored value; larger ones are split over consecutive keys. sled keeps up to 17 of
/// them in a page and reads the whole page for one of them; a page that does not fit in a segment
/// would become a file that it does not sync.
pub const STORED_VALUE_BYTES_MAX: usize = 4 * 1024;
/// Stages of one workflow.
pub const STAGES_MAX: usize = 128;
/// Tasks of one stage, `for_each` counted singly.
pub const STAGE_TASKS_MAX: usize = 128;
/// Operations of one script evaluation.
pub const SCRIPT_OPERATIONS_MAX: u64 = 20_000;
/// Calls of a script from function to function, one within the other.
pub const SCRIPT_CALL_LEVELS_MAX: usize = 16;
/// Depth of an expression in a workflow.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Depth of an expression in a function of the rules.
pub const FUNCTION_EXPRESSION_DEPTH_MAX: usize = 32;
/// Bytes of a text that a script builds.
pub const SCRIPT_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Elements of a list or a map that a script builds: it is measured anew with each that is added.
pub const SCRIPT_ELEMENTS_MAX: usize = 1000;
/// Variables of a function of the rules.
pub const SCRIPT_VARIABLES_MAX: usize = 64;
/// Functions of one rule file.
pub const RULE_FILE_FUNCTIONS_MAX: usize = 64;
/// Rows of one page of a list.
pub const PAGE_SIZE_MAX: usize = 1000;
/// Rows of one page when the caller does not say.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// Field violations told in one refusal: details travel in a header.
pub const VIOLATIONS_TOLD_MAX: usize = 20;
/// Kinds of events told to one whose revision is stale: they travel in a header too.
pub const KINDS_TOLD_MAX: usize = 64;
/// Cells of a ledger that one question holds at once, long texts counted several times, some 100 to
/// 200 MB: who wants more narrows the filter, or takes a ledger in order of creation as CSV, which
/// holds none.
pub const LEDGER_CELLS_MAX: usize = 2_000_000;
/// Rows of a workbook, its head and its totals included: no program that opens it has more.
pub const WORKBOOK_ROWS_MAX: usize = 1_048_576;
/// Columns of a workbook.
pub const WORKBOOK_COLUMNS_MAX: usize = 16_384;
/// Questions about ledgers and indicators that are answered at once, each holding that much; files
/// that are being sent are among them.
pub const LEDGER_QUESTIONS_MAX: usize = 4;
/// Ledgers kept for their further pages, with no more cells together than one may have.
pub const LEDGERS_KEPT_MAX: usize = 16;
/// Rows of a ledger that is written as it is read, before they are handed on.
pub const LEDGER_ROWS_AT_ONCE: usize = 256;
/// Calendars of the past that stay compiled, each of some three million bytes.
pub const PAST_CALENDARS_MAX: usize = 8;
/// Dry runs of calendars at once, each of which reads all live instances.
pub const CALENDAR_DRY_RUNS_MAX: usize = 2;
/// Clocks of which a dry run of a calendar tells how they move.
pub const CALENDAR_MOVES_TOLD_MAX: usize = 1000;
/// The clock may be this far past its last reading at start, in milliseconds: 30 days.
pub const CLOCK_JUMP_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1000;

const _: () = assert!(REQUESTS_KEPT_MIN <= REQUESTS_KEPT_MAX);
const _: () = assert!(GROUP_COMMANDS_MAX <= MAILBOX_COMMANDS_MAX);
const _: () = assert!(DRIVE_COMMANDS_MAX <= MAILBOX_COMMANDS_MAX);
const _: () = assert!(STREAM_EVENTS_MAX <= STREAM_LAG_EVENTS_MAX);
const _: () = assert!(STAGE_TASKS_MAX <= OPEN_TASKS_MAX);
const _: () = assert!(FINDINGS_DRAWN_MAX <= FINDINGS_TOLD_MAX);
const _: () = assert!(PAGE_SIZE_DEFAULT <= PAGE_SIZE_MAX);
