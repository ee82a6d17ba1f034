//! One group being decided: working copies, writes, and what each asker will be told.
//!
//! A later command of the group sees what an earlier one did. Nothing here is visible to anybody
//! before the group is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::engine::{self, Decision, FieldProblem, Outcome, Rejection};
use crate::model::command::{Action, Command, Request};
use crate::model::event::{Event, Payload, Record};
use crate::model::id::{InstanceId, TaskId};
use crate::model::instance::Instance;
use crate::model::link::Wish;
use crate::model::organization::{Loads, Share};
use crate::model::task::TaskKind;
use crate::script::nearest;
use crate::store::{Error, Write};

use super::answer::{Answer, View};
use super::cache::Cache;
use super::catalog::{Catalog, Published};
use super::settling::Progress;
use super::shared::Shared;
use super::wished::{Unread, Violation, Wished};
use super::worker::Task;

/// Records read at once while looking for the one that a repeated request made.
const HISTORY_PAGE: usize = 32;

/// A body is written with every so many versions of an instance; what lies between is read from its
/// records. `docs/performance.md` has the measurements.
const BODY_EVERY: u64 = 16;

/// What an asker will be told once the group is durable.
pub(super) enum Planned {
    Accepted(Box<Answer>),
    Refused(Rejection),
    /// It is no command.
    Malformed(Vec<Violation>),
    View(Option<View>),
    Settled(Progress),
    Contended,
    Unavailable,
    /// A defect, logged.
    Defect,
}

/// A group that is being decided.
pub(super) struct Deciding<'a> {
    shared: &'a Shared,
    cache: &'a mut Cache,
    catalog: Arc<Catalog>,
    /// The loads with what this group decided so far: many creations at once are spread.
    loads: Arc<Loads>,
    copies: HashMap<InstanceId, Arc<Instance>>,
    writes: Vec<Write>,
    /// Where the writes of each instance stand.
    written: HashMap<InstanceId, Written>,
}

/// What became of a decision.
enum Taken {
    /// This will be answered.
    Planned(Planned),
    /// The same request was accepted before: its record is to be looked up.
    Repeated { revision: u64 },
}

/// The writes of one instance in a group.
struct Written {
    /// The version before the first.
    before: u64,
    /// The last, which carries the body where one is due.
    last: usize,
}

/// What becomes true once a group is durable.
pub(super) struct Decided {
    pub(super) copies: HashMap<InstanceId, Arc<Instance>>,
    written: HashMap<InstanceId, Written>,
}

impl Decided {
    /// Whether what a job is answered rests on something that this group was to make durable: on
    /// its own instance, or on the one to which that is to be related.
    pub(super) fn is_rested_on(&self, task: &Task) -> bool {
        let other = match task {
            Task::Command(request) => request.wished.action().and_then(related),
            Task::View(_) | Task::Settling(_) => None,
        };
        let is_written = |id| self.copies.contains_key(id);
        is_written(task.instance()) || other.is_some_and(|(other, _)| is_written(other))
    }

    /// Gives the cache what is durable now.
    pub(super) fn renew(self, cache: &mut Cache) {
        for (id, instance) in self.copies {
            let began = self.written.get(&id).is_some_and(|written| written.before == 0);
            cache.renew(instance, began);
        }
    }
}

impl<'a> Deciding<'a> {
    pub(super) fn begin(shared: &'a Shared, cache: &'a mut Cache) -> Self {
        Self {
            shared,
            cache,
            catalog: shared.catalog.snapshot(),
            loads: shared.loads.load_full(),
            copies: HashMap::new(),
            writes: Vec::new(),
            written: HashMap::new(),
        }
    }

    /// Goes by what is published now: those who ask meanwhile may have seen it published.
    pub(super) fn look_at_catalog(&mut self) {
        self.catalog = self.shared.catalog.snapshot();
    }

    /// Decides one job. An error: the store cannot be trusted any more.
    pub(super) fn plan(&mut self, task: &mut Task) -> Result<Planned, Error> {
        let planned = match task {
            Task::Command(request) => self.command(&request.instance, &mut request.wished),
            Task::View(request) => self.view(&request.instance),
            Task::Settling(settling) => self.settle(&settling.instance),
        };
        match planned {
            Ok(planned) => Ok(planned),
            Err(Error::Unavailable(what)) => {
                tracing::warn!(error = what, "an instance could not be read");
                Ok(Planned::Unavailable)
            }
            Err(Error::Conflict(_)) => Ok(Planned::Contended),
            Err(error @ Error::Corrupt(_)) => Err(error),
        }
    }

    /// The writes, with the bodies that are due, and what becomes true with them.
    pub(super) fn finish(mut self) -> (Vec<Write>, Decided) {
        for (at, write) in self.writes.iter_mut().enumerate() {
            let Some(stamp) = &write.record.stamp else { continue };
            let Some(written) = self.written.get(&stamp.instance) else { continue };
            if written.last == at && body_is_due(written.before, stamp.version) {
                write.body = self.copies.get(&stamp.instance).cloned();
            }
        }
        (self.writes, Decided { copies: self.copies, written: self.written })
    }

    fn command(&mut self, id: &InstanceId, wished: &mut Wished) -> Result<Planned, Error> {
        let before = self.instance(id)?;
        let catalog = Arc::clone(&self.catalog);
        if let Wished::Unread(unread) = wished
            && let Some(planned) = self.asked_before(unread, before.as_ref())?
        {
            return Ok(planned);
        }
        let view = || view_of(&catalog, before.as_ref()?);
        let command = match wished.read(&catalog, view) {
            Ok(command) => command,
            Err(planned) => return Ok(planned),
        };
        let published = match (&before, &command.action) {
            (Some(instance), _) => pinned(&catalog, instance),
            (None, Action::Create(create)) => {
                let Some(active) = catalog.active(create.workflow.as_str()) else {
                    let workflow = create.workflow.as_str().into();
                    return Ok(Planned::Refused(Rejection::WorkflowNotActive(workflow)));
                };
                Some(active)
            }
            (None, _) => return Ok(Planned::Refused(Rejection::InstanceNotFound)),
        };
        let Some(published) = published else { return Ok(Planned::Defect) };
        if let Some(rejection) = self.misdirected(&catalog, &command.action)? {
            return Ok(Planned::Refused(rejection));
        }
        let Some(decision) = self.decide(&catalog, published, before.as_ref(), id, command) else {
            return Ok(Planned::Defect);
        };
        match self.take(published, before.as_ref(), decision) {
            Taken::Planned(planned) => Ok(planned),
            Taken::Repeated { revision } => self.repeated(id, revision),
        }
    }

    /// The answer to a request that was accepted before. It is not read again: a repeat means what
    /// it meant then, whatever was published since.
    fn asked_before(
        &self,
        unread: &Unread,
        here: Option<&Arc<Instance>>,
    ) -> Result<Option<Planned>, Error> {
        let Some(request) = unread.request else { return Ok(None) };
        if let Some(instance) = here
            && let Some(planned) = self.remembered(instance, request)?
        {
            return Ok(Some(planned));
        }
        for id in &unread.elsewhere {
            if let Some(there) = self.read(id)?
                && let Some(planned) = self.remembered(&there, request)?
            {
                return Ok(Some(planned));
            }
        }
        Ok(None)
    }

    fn remembered(
        &self,
        instance: &Arc<Instance>,
        request: Request,
    ) -> Result<Option<Planned>, Error> {
        match engine::known_request(instance, request) {
            None => Ok(None),
            Some(Outcome::Repeated { revision }) => self.repeated(&instance.id, revision).map(Some),
            Some(Outcome::Refused(rejection)) => Ok(Some(Planned::Refused(rejection))),
            Some(Outcome::Accepted(_) | Outcome::Nothing) => Ok(Some(Planned::Defect)),
        }
    }

    /// Why a relation to another instance would lead nowhere: there is none of that name, or it has
    /// no task of the name that is to be blocked, or one that nothing can hold up. An instance
    /// never looks at another by itself.
    fn misdirected(&self, catalog: &Catalog, action: &Action) -> Result<Option<Rejection>, Error> {
        let Some((other, task)) = related(action) else { return Ok(None) };
        let version = if let Some(copy) = self.copies.get(other) {
            Some((copy.workflow.clone(), copy.workflow_version))
        } else {
            let header = self.shared.store.header(other)?;
            header.map(|header| (header.workflow, header.workflow_version))
        };
        let Some((workflow, version)) = version else {
            return Ok(Some(Rejection::OtherNotFound(other.clone())));
        };
        let published = catalog.version(workflow.as_str(), version);
        let tasks = published.map(|published| published.workflow.stages.iter());
        let tasks = tasks.into_iter().flatten().flat_map(|stage| &stage.tasks);
        let Some(task) = task else { return Ok(None) };
        let of_that_name: Vec<_> = tasks.clone().filter(|spec| spec.id == *task).collect();
        if of_that_name.iter().any(|spec| spec.kind == TaskKind::Human) {
            return Ok(None);
        }
        let field = "task".into();
        if !of_that_name.is_empty() {
            let problem = format!(
                "`{task}` of workflow `{workflow}` ends by itself: block a task after it, or the \
                 whole instance"
            );
            return Ok(Some(Rejection::InvalidValues(vec![FieldProblem { field, problem }])));
        }
        let mut names = tasks.map(|spec| spec.id.as_str());
        let meant = nearest(task.as_str(), &mut names);
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let problem = format!("workflow `{workflow}` has no task `{task}`{meant}");
        Ok(Some(Rejection::InvalidValues(vec![FieldProblem { field, problem }])))
    }

    fn settle(&mut self, id: &InstanceId) -> Result<Planned, Error> {
        let Some(before) = self.instance_in_passing(id)? else {
            return Ok(Planned::Settled(Progress::Nothing));
        };
        let catalog = Arc::clone(&self.catalog);
        let Some(published) = pinned(&catalog, &before) else {
            return Ok(Planned::Defect);
        };
        let command = Command::settle();
        let now = self.shared.clock.now();
        let Some(decision) = self.decide(&catalog, published, Some(&before), id, &command) else {
            return Ok(Planned::Defect);
        };
        let progress = match before.next_due() {
            _ if decision.settled.is_some() => Progress::Made,
            Some(due) if due < now => Progress::Stuck,
            Some(_) | None => Progress::Nothing,
        };
        self.take(published, Some(&before), decision);
        Ok(Planned::Settled(progress))
    }

    fn view(&mut self, id: &InstanceId) -> Result<Planned, Error> {
        let Some(instance) = self.instance(id)? else { return Ok(Planned::View(None)) };
        let catalog = Arc::clone(&self.catalog);
        let view = view_of(&catalog, &instance);
        Ok(view.map_or(Planned::Defect, |view| Planned::View(Some(view))))
    }

    /// The instance as this group sees it, for somebody who asks for it.
    fn instance(&mut self, id: &InstanceId) -> Result<Option<Arc<Instance>>, Error> {
        if let Some(known) = self.known(id) {
            return Ok(Some(known));
        }
        let read = self.read(id)?;
        if let Some(instance) = &read
            && self.cache.admits(id)
        {
            self.cache.keep(Arc::clone(instance));
        }
        Ok(read)
    }

    /// The same, for a settling. It is not held: of a hundred thousand that fall due at once few
    /// are asked for soon, and they would drive out those that are.
    fn instance_in_passing(&mut self, id: &InstanceId) -> Result<Option<Arc<Instance>>, Error> {
        let known = self.known(id);
        if known.is_some() { Ok(known) } else { self.read(id) }
    }

    fn known(&mut self, id: &InstanceId) -> Option<Arc<Instance>> {
        self.copies.get(id).cloned().or_else(|| self.cache.get(id))
    }

    fn read(&self, id: &InstanceId) -> Result<Option<Arc<Instance>>, Error> {
        let Some(stored) = self.shared.store.load(id)? else { return Ok(None) };
        let instance = engine::replay_onto(stored.body.map(Arc::new), &stored.tail);
        let Some(instance) = instance else {
            return Err(Error::Corrupt(format!("instance {id} has neither body nor creation")));
        };
        Ok(Some(instance))
    }

    /// None: the engine has a defect, which is logged; the instance stays as it is.
    fn decide(
        &self,
        catalog: &Catalog,
        published: &Published,
        before: Option<&Arc<Instance>>,
        id: &InstanceId,
        command: &Command,
    ) -> Option<Decision> {
        let now = self.shared.clock.now();
        let Some(context) = catalog.context(published, &self.loads, now) else {
            let calendar = &published.workflow.calendar;
            tracing::error!(instance = %id, %calendar, "the calendar of an instance is unknown");
            return None;
        };
        let deciding = AssertUnwindSafe(|| engine::decide(&context, before, command));
        let decision = catch_unwind(deciding);
        if decision.is_err() {
            tracing::error!(instance = %id, action = ?command.action, "deciding panicked");
        }
        decision.ok()
    }

    /// Takes what was decided into the group.
    fn take(
        &mut self,
        published: &Published,
        before: Option<&Arc<Instance>>,
        decision: Decision,
    ) -> Taken {
        let Decision { settled, outcome, after } = decision;
        let (planned, accepted) = match outcome {
            Outcome::Accepted(record) => (Taken::Planned(accepted(&record)), Some(record)),
            Outcome::Refused(rejection) => (Taken::Planned(Planned::Refused(rejection)), None),
            Outcome::Repeated { revision } => (Taken::Repeated { revision }, None),
            Outcome::Nothing => {
                (Taken::Planned(after.as_ref().map_or(Planned::Defect, nothing_new)), None)
            }
        };
        let Some(after) = after else { return planned };
        if settled.is_none() && accepted.is_none() {
            return planned;
        }
        let before_share = before.map(|before| Share::of_instance(before)).unwrap_or_default();
        let after_share = Share::of_instance(&after);
        if before_share != after_share {
            Arc::make_mut(&mut self.loads).shift(&before_share, &after_share);
        }
        if let Some(settled) = settled {
            let mut between = before.cloned();
            engine::apply_record(&mut between, &settled);
            if let Some(between) = between {
                self.write(published, &between, settled);
            }
        }
        if let Some(record) = accepted {
            self.write(published, &after, record);
        }
        self.copies.insert(after.id.clone(), after);
        planned
    }

    fn write(&mut self, published: &Published, after: &Instance, record: Record) {
        debug_assert_eq!(
            record.stamp.as_ref().map(|stamp| stamp.version),
            Some(after.version),
            "a record carries the version that it makes"
        );
        let last = self.writes.len();
        let first = Written { before: after.version - 1, last };
        self.written.entry_ref(&after.id).or_insert(first).last = last;
        self.writes.push(Write {
            partition: self.shared.store.partition_of(&after.id),
            record: Arc::new(record),
            header: Some(after.header(&published.indexed)),
            body: None,
        });
    }

    /// The answer that the first command of this request got, rebuilt from its record.
    fn repeated(&self, id: &InstanceId, revision: u64) -> Result<Planned, Error> {
        let here = self.writes.iter().map(|write| &*write.record);
        if let Some(record) = here.rev().find(|record| made(record, id, revision)) {
            return Ok(repeat(record));
        }
        let mut before = None;
        loop {
            let page = self.shared.store.history(id, before, HISTORY_PAGE)?;
            let mut records = page.iter().map(|numbered| &numbered.record);
            if let Some(record) = records.find(|record| made(record, id, revision)) {
                return Ok(repeat(record));
            }
            before = page.last().and_then(|last| last.record.stamp.as_ref()).map(|it| it.version);
            if before.is_none_or(|version| version <= 1) {
                return Err(Error::Corrupt(format!("{id} has no record of revision {revision}")));
            }
        }
    }
}

/// The other instance to which an action relates its own, and which of its tasks is meant.
fn related(action: &Action) -> Option<(&InstanceId, Option<&TaskId>)> {
    match action {
        Action::Link(link) => Some((&link.to, link.task.as_ref())),
        Action::Terminate(terminate) => Some((terminate.duplicate_of.as_ref()?, None)),
        _ => None,
    }
}

/// Whether a body is written with a group that took an instance from one version to another: with
/// the first, and with every one that passes a multiple of [`BODY_EVERY`].
fn body_is_due(before: u64, after: u64) -> bool {
    before == 0 || before / BODY_EVERY != after / BODY_EVERY
}

/// An instance with its workflow; none: a defect, which is logged.
fn view_of(catalog: &Catalog, instance: &Arc<Instance>) -> Option<View> {
    let workflow = Arc::clone(&pinned(catalog, instance)?.workflow);
    Some(View { instance: Arc::clone(instance), workflow })
}

/// None: a defect, which is logged.
fn pinned<'a>(catalog: &'a Catalog, instance: &Instance) -> Option<&'a Published> {
    let version = instance.workflow_version;
    let published = catalog.version(instance.workflow.as_str(), version);
    if published.is_none() {
        tracing::error!(
            instance = %instance.id,
            workflow = %instance.workflow,
            version,
            "the workflow version of an instance is not in the store"
        );
    }
    published
}

/// Whether this record is the command, not a settling, that made a revision.
fn made(record: &Record, id: &InstanceId, revision: u64) -> bool {
    record.request.is_some()
        && record
            .stamp
            .as_ref()
            .is_some_and(|stamp| stamp.instance == *id && stamp.revision == revision)
}

fn accepted(record: &Record) -> Planned {
    answer(record).map_or(Planned::Defect, |answer| Planned::Accepted(Box::new(answer)))
}

fn repeat(record: &Record) -> Planned {
    let repeated = |answer| Planned::Accepted(Box::new(Answer { repeated: true, ..answer }));
    answer(record).map_or(Planned::Defect, repeated)
}

fn answer(record: &Record) -> Option<Answer> {
    let stamp = record.stamp.as_ref()?;
    Some(Answer {
        instance: stamp.instance.clone(),
        workflow: stamp.workflow.clone(),
        revision: stamp.revision,
        kinds: record.events.iter().map(|event| event.payload.kind()).collect(),
        started: record.events.iter().filter_map(started).collect(),
        repeated: false,
        group_size: 0,
        durable_after: Duration::ZERO,
    })
}

/// The answer where all was known or settled already: as to a repeat.
fn nothing_new(instance: &Arc<Instance>) -> Planned {
    Planned::Accepted(Box::new(Answer {
        instance: instance.id.clone(),
        workflow: instance.workflow.clone(),
        revision: instance.revision,
        kinds: Vec::new(),
        started: Vec::new(),
        repeated: true,
        group_size: 0,
        durable_after: Duration::ZERO,
    }))
}

/// The instance that an event asks to begin.
fn started(event: &Event) -> Option<InstanceId> {
    match &event.payload {
        Payload::EffectAsked { effect } if matches!(effect.wish, Wish::Start(_)) => {
            Some(effect.target.clone())
        }
        _ => None,
    }
}
