//! A worker: owns some partitions, decides their commands in groups, in order.
//!
//! It decides on copies; they become what everybody sees when the committer says that they are
//! durable, and only then does any answer leave. Knows neither the wire nor when anything is due.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::Waker;

use tokio::sync::oneshot;

use crate::model::id::InstanceId;
use crate::model::limits;
use crate::store;

use super::answer::{Answer, ReadError, SubmitError, View};
use super::cache::Cache;
use super::clock::Stopwatch;
use super::committer::{Group, Job, Verdict};
use super::group::{Deciding, Planned};
use super::mailbox::Mailbox;
use super::pipeline::Reply;
use super::settling::{Progress, Settling};
use super::shared::Shared;
use super::stats::count;
use super::wished::Wished;

/// How often one instance is decided again because somebody wrote first.
const CONFLICTS_MAX: u32 = 3;
/// How often one group is decided again, whoever the conflicts concern.
const ROUNDS_MAX: u32 = 16;

/// What people ask of a worker.
pub(super) enum Request {
    /// Decide a command.
    Command(Box<CommandRequest>),
    /// Show an instance.
    View(ViewRequest),
}

pub(super) struct CommandRequest {
    pub(super) instance: InstanceId,
    pub(super) wished: Wished,
    pub(super) since: Stopwatch,
    pub(super) reply: Reply,
}

pub(super) struct ViewRequest {
    pub(super) instance: InstanceId,
    pub(super) reply: oneshot::Sender<Result<Option<View>, ReadError>>,
}

pub(super) type Inbox = Mailbox<Request, Settling>;

pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) committer: SyncSender<Job>,
    pub(super) cache: Cache,
}

/// One job of a group, whatever it came from.
pub(super) enum Task {
    Command(Box<CommandRequest>),
    View(ViewRequest),
    Settling(Settling),
}

impl From<Request> for Task {
    fn from(request: Request) -> Self {
        match request {
            Request::Command(request) => Self::Command(request),
            Request::View(request) => Self::View(request),
        }
    }
}

impl Task {
    pub(super) fn instance(&self) -> &InstanceId {
        match self {
            Self::Command(request) => &request.instance,
            Self::View(request) => &request.instance,
            Self::Settling(settling) => &settling.instance,
        }
    }
}

impl Worker {
    /// Works until the mailbox is closed and empty, or the committer is gone.
    pub(super) fn run(mut self) {
        while let Some(taken) = self.inbox.take(limits::GROUP_COMMANDS_MAX) {
            let requests = taken.requests.into_iter().map(Task::from);
            let tasks = requests.chain(taken.settlings.into_iter().map(Task::Settling)).collect();
            if self.work(tasks).is_none() {
                // Whoever waits must not wait for ever.
                self.inbox.abandon();
                return;
            }
        }
    }

    /// Decides a group, has it written and answers; none: nobody may be answered any more.
    fn work(&mut self, mut tasks: Vec<Task>) -> Option<()> {
        let mut conflicts: HashMap<InstanceId, u32> = HashMap::new();
        let mut contended: HashSet<InstanceId> = HashSet::new();
        for _ in 0..ROUNDS_MAX {
            let mut deciding = Deciding::begin(&self.shared, &mut self.cache);
            let mut planned = Vec::with_capacity(tasks.len());
            while let Some(task) = tasks.get_mut(planned.len()) {
                let next = if contended.contains(task.instance()) {
                    Ok(Planned::Contended)
                } else {
                    deciding.plan(task)
                };
                let next = next.map_err(|error| (self.shared.fatal)(&error.to_string()));
                planned.push(next.ok()?);
                if let_requests_in(&self.inbox, &mut tasks, planned.len()) {
                    deciding.look_at_catalog();
                }
            }
            let (writes, decided) = deciding.finish();
            match self.write(writes)? {
                Verdict::Durable { records } => {
                    decided.renew(&mut self.cache);
                    answer_all(&self.shared, tasks, planned, records);
                    return Some(());
                }
                Verdict::Unavailable => {
                    // It may have been written all the same: look again before deciding on top.
                    self.cache.forget(decided.copies.keys());
                    let planned = tasks.iter().zip(planned).map(|(task, planned)| {
                        if decided.is_rested_on(task) { Planned::Unavailable } else { planned }
                    });
                    let planned = planned.collect();
                    answer_all(&self.shared, tasks, planned, 0);
                    return Some(());
                }
                Verdict::Conflict(instances) => {
                    self.cache.forget(instances.iter());
                    for instance in instances.iter() {
                        let seen = conflicts.entry(instance.clone()).or_default();
                        *seen += 1;
                        if *seen >= CONFLICTS_MAX {
                            contended.insert(instance.clone());
                        }
                    }
                }
            }
        }
        let planned = tasks.iter().map(|_| Planned::Contended).collect();
        answer_all(&self.shared, tasks, planned, 0);
        Some(())
    }

    fn write(&self, writes: Vec<store::Write>) -> Option<Verdict> {
        if writes.is_empty() {
            return Some(Verdict::Durable { records: 0 });
        }
        let (done, verdict) = sync_channel(1);
        let group = Group { writes, documents: Vec::new(), before_shown: None, done };
        self.committer.send(Job::Group(group)).ok()?;
        verdict.recv().ok()
    }
}

/// Who asks for something while a group of settlings is decided waits for one of them, not for all:
/// what is not decided goes back. Where a group began with requests its settlings have their share.
/// Whether any came.
fn let_requests_in(inbox: &Inbox, tasks: &mut Vec<Task>, decided: usize) -> bool {
    let is_settling = |task: Option<&Task>| matches!(task, Some(Task::Settling(_)));
    let are_settlings = is_settling(tasks.first()) && is_settling(tasks.last());
    if !are_settlings || decided == tasks.len() {
        return false;
    }
    let rest = || {
        let rest = tasks.drain(decided..).filter_map(|task| match task {
            Task::Settling(settling) => Some(settling),
            Task::Command(_) | Task::View(_) => None,
        });
        rest.collect()
    };
    let requests = inbox.exchange(limits::GROUP_COMMANDS_MAX, rest);
    let came = !requests.is_empty();
    tasks.extend(requests.into_iter().map(Task::from));
    came
}

fn answer_all(shared: &Shared, tasks: Vec<Task>, planned: Vec<Planned>, records: usize) {
    let mut waiting = Vec::new();
    for (task, planned) in tasks.into_iter().zip(planned) {
        match task {
            Task::Command(request) => {
                let answer = command_answer(shared, planned, records, request.since);
                waiting.extend(request.reply.send(answer));
            }
            Task::View(request) => {
                // Whoever asked may have gone.
                let _ = request.reply.send(view_answer(planned));
            }
            Task::Settling(settling) => {
                let progress = settling_progress(&planned);
                if let (Some(due), Progress::Made) = (settling.due, progress) {
                    shared.counters.count_lag(shared.clock.now().ms_since(due));
                }
                settling.answer(progress);
            }
        }
    }
    waiting.into_iter().for_each(Waker::wake);
}

fn command_answer(
    shared: &Shared,
    planned: Planned,
    records: usize,
    since: Stopwatch,
) -> Result<Answer, SubmitError> {
    match planned {
        Planned::Accepted(mut answer) => {
            count(if answer.repeated {
                &shared.counters.repeated
            } else {
                &shared.counters.accepted
            });
            answer.group_size = records;
            answer.durable_after = since.elapsed();
            Ok(*answer)
        }
        Planned::Refused(rejection) => {
            count(&shared.counters.refused);
            Err(SubmitError::Rejected(rejection))
        }
        Planned::Malformed(violations) => Err(SubmitError::Malformed(violations)),
        Planned::Contended => Err(SubmitError::Contended),
        Planned::Unavailable => Err(SubmitError::Unavailable),
        Planned::View(_) | Planned::Settled(_) | Planned::Defect => Err(SubmitError::Internal),
    }
}

fn view_answer(planned: Planned) -> Result<Option<View>, ReadError> {
    match planned {
        Planned::View(view) => Ok(view),
        Planned::Unavailable | Planned::Contended => Err(ReadError::Unavailable),
        Planned::Accepted(_)
        | Planned::Refused(_)
        | Planned::Malformed(_)
        | Planned::Settled(_)
        | Planned::Defect => Err(ReadError::Internal),
    }
}

fn settling_progress(planned: &Planned) -> Progress {
    match planned {
        Planned::Settled(progress) => *progress,
        Planned::Accepted(_)
        | Planned::Refused(_)
        | Planned::Malformed(_)
        | Planned::View(_)
        | Planned::Contended
        | Planned::Unavailable
        | Planned::Defect => Progress::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn view(name: &str) -> Request {
        let (reply, _answer) = oneshot::channel();
        let instance = InstanceId::trusted(name);
        Request::View(ViewRequest { instance, reply })
    }

    fn names(tasks: &[Task]) -> Vec<&str> {
        tasks.iter().map(|task| task.instance().as_str()).collect()
    }

    #[test]
    fn a_request_is_let_into_a_group_of_settlings_and_into_no_other() {
        let (done, _results) = sync_channel(2);
        let settlings = |names: [&str; 3]| -> Vec<Task> {
            let lot = names.map(|name| (InstanceId::trusted(name), None));
            Settling::lot(lot, &done).into_iter().map(Task::Settling).collect()
        };
        let inbox = Inbox::new(8);
        let mut tasks = settlings(["a", "b", "c"]);
        assert!(!let_requests_in(&inbox, &mut tasks, 1));
        assert_eq!(names(&tasks), ["a", "b", "c"], "nobody asks for anything");

        inbox.offer(view("asked")).unwrap();
        assert!(let_requests_in(&inbox, &mut tasks, 1));
        assert_eq!(names(&tasks), ["a", "asked"]);
        inbox.offer(view("late")).unwrap();
        assert!(!let_requests_in(&inbox, &mut tasks, 2));
        assert_eq!(names(&tasks), ["a", "asked"], "a group lets them in once");

        let next = inbox.take(8).unwrap();
        let back: Vec<_> = next.settlings.iter().map(|it| it.instance.as_str()).collect();
        assert_eq!((next.requests.len(), back), (1, vec!["b", "c"]));
        inbox.offer(view("later")).unwrap();
        let mut tasks = vec![Task::from(view("first"))];
        tasks.append(&mut settlings(["d", "e", "f"]));
        assert!(!let_requests_in(&inbox, &mut tasks, 2));
        assert_eq!(names(&tasks), ["first", "d", "e", "f"], "these have their share");
    }
}
