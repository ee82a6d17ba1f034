//! Stores full of live instances, spread over all twelve stages, made without a server.
//!
//! Some hundred projects are driven by the engine; every instance is one of them under another
//! name. What lies long behind is written as one record, without the clocks and assignments that
//! have ended; the last command is a record of its own. So a million instances take some gigabytes
//! instead of some ten, and bodies, open tasks, clocks and headers are exactly what the engine
//! makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use sanbang::engine;
use sanbang::model::clock::{Clock as TimeLimit, ClockNumber};
use sanbang::model::command::Request;
use sanbang::model::event::{Event, Payload, Record, Stamp};
use sanbang::model::id::InstanceId;
use sanbang::model::instance::Instance;
use sanbang::model::time::Timestamp;
use sanbang::runtime::{Clock, Configuration, Options, Runtime};
use sanbang::store::sled::{Options as StoreOptions, SledStore};
use sanbang::store::{Batch, Store, Write};

use crate::plan::{Plan, steps_of};
use crate::world::{Project, Traits, World};

/// Projects that stand in the same stage and differ in the rest.
const VARIETIES: usize = 40;
/// Instances that are written together.
const BATCH_INSTANCES: u32 = 2_000;
/// So long ago the oldest project was begun; nothing is due sooner than half a working day after.
const BEGUN_MS_MAX: i64 = 60 * 60 * 1000;
/// A data set that is kept is used no longer than this after it was made: then limits fall due.
const USED_MS_MAX: i64 = 60 * 60 * 1000;

/// A store with its plan.
#[derive(Debug, Clone)]
pub(crate) struct DataSet {
    directory: PathBuf,
    pub(crate) plan: Plan,
}

/// What an instance is made of.
pub(crate) struct Template {
    /// Its records, a few.
    pub(crate) records: Vec<Record>,
    /// What the engine makes of them.
    pub(crate) instance: Instance,
}

impl DataSet {
    /// The directory of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Where the plan is written.
    pub(crate) fn plan_path(&self) -> PathBuf {
        self.directory.join("plan.json")
    }

    /// The data set of so many instances below `work`: the one that is there if it is fresh,
    /// otherwise a new one.
    pub(crate) fn prepare(work: &Path, instances: u32, seed: u64) -> Result<Self> {
        let directory = work.join(format!("instances-{instances}"));
        if let Ok(plan) = Plan::read(&directory.join("plan.json"))
            && Clock::real().now().ms_since(Timestamp(plan.made_at_ms)) < USED_MS_MAX
        {
            return Ok(Self { directory, plan });
        }
        remove(&directory)?;
        fs::create_dir_all(&directory)?;
        eprintln!("making a store of {instances} instances");
        let (templates, plan) = templates(instances, seed)?;
        let made = Self { directory, plan };
        let world = World::shipped()?;
        fill(&made.store(), &world, instances, |number| &templates[number % templates.len()])?;
        // Last: a data set without a plan is not whole.
        made.plan.write(&made.plan_path())?;
        Ok(made)
    }

    /// A copy beside it, on the disk before it is used: what is measured writes alone.
    pub(crate) fn copy(&self, name: &str) -> Result<Self> {
        let directory = self.directory.with_extension(name);
        remove(&directory)?;
        let copy = Self { directory, plan: self.plan.clone() };
        copy_synced(&self.store(), &copy.store())?;
        copy.plan.write(&copy.plan_path())?;
        Ok(copy)
    }

    /// Takes it away.
    pub(crate) fn remove(self) -> Result<()> {
        remove(&self.directory)
    }
}

/// Projects at the beginning of every stage of the path, every other one beyond the signing with a
/// claim beside it; task force and on-site support open by their own conditions.
fn templates(instances: u32, seed: u64) -> Result<(Vec<Template>, Plan)> {
    let world = World::shipped()?;
    let mut random = fastrand::Rng::with_seed(seed);
    let now = Clock::real().now();
    let (mut templates, mut steps) = (Vec::new(), Vec::new());
    for variety in 0..VARIETIES {
        for stage in 0..world.path_length() {
            let traits = traits(stage, variety, &mut random);
            let begun = now.plus_ms(-random.i64(1_000..BEGUN_MS_MAX));
            let project = world.project(traits, world.some_loads(&mut random), begun)?;
            steps.push(steps_of(&world, project.clone())?);
            templates.push(template(&project, &mut random)?);
        }
    }
    let plan = Plan { instances, templates: steps, made_at_ms: now.0 };
    Ok((templates, plan))
}

fn traits(stage: usize, variety: usize, random: &mut fastrand::Rng) -> Traits {
    const SIGNING: usize = 4;
    const LAND_SUPPLY: usize = 6;
    let some_industry =
        ["smart_sensors", "new_energy_materials", "medical_devices", "commerce_logistics"];
    let leased = ["leased_factory", "existing_site"][variety % 2];
    Traits {
        stage,
        claim: stage >= SIGNING && variety % 2 == 1,
        industry: some_industry[random.usize(0..some_industry.len())],
        tier: ["A", "B", "B", "C"][random.usize(0..4)],
        investment: [3_000, 12_000, 30_000, 60_000][variety / 2 % 4],
        // A listing takes a month: whoever is beyond it never needed land.
        site_mode: if stage == LAND_SUPPLY { "land_purchase" } else { leased },
        hazard: ["none", "none", "none", "major"][random.usize(0..4)],
    }
}

/// The project with its history shortened.
pub(crate) fn template(project: &Project, random: &mut fastrand::Rng) -> Result<Template> {
    let (last, before) = project.records.split_last().context("it has a history")?;
    let mut records = Vec::new();
    if let Some(end) = before.last() {
        let events = before.iter().flat_map(|record| &record.events);
        let kept = events.filter(|event| still_counts(event, &project.instance));
        records.push(Record { events: kept.cloned().collect(), ..end.clone() });
    }
    records.push(last.clone());
    for (version, record) in (1..).zip(&mut records) {
        let stamp = record.stamp.take().context("it belongs to the project")?;
        record.stamp = Some(Stamp { version, ..stamp });
        record.request = Some(Request { key: random.u64(..), digest: random.u64(..) });
    }
    let instance = engine::replay(&records).context("a creation makes an instance")?;
    Ok(Template { records, instance })
}

/// Whether an event of the past still shows in the instance, or is more than bookkeeping.
fn still_counts(event: &Event, instance: &Instance) -> bool {
    let runs = |clock: ClockNumber| instance.clocks.iter().any(|it| it.number == clock);
    match &event.payload {
        Payload::ClockStarted { clock: TimeLimit { number, .. } } => runs(*number),
        Payload::ClockStopped { clock, .. }
        | Payload::ClockPaused { clock, .. }
        | Payload::ClockResumed { clock, .. }
        | Payload::ClockRecalculated { clock, .. } => runs(clock.number),
        Payload::TaskAssigned { task, .. }
        | Payload::TaskChecked { task, .. }
        | Payload::TaskOffered { task, .. } => instance.task(task.number).is_some(),
        _ => true,
    }
}

/// Makes a store and writes the instances into it.
pub(crate) fn fill<'a>(
    directory: &Path,
    world: &World,
    instances: u32,
    template: impl Fn(usize) -> &'a Template,
) -> Result<()> {
    let options = StoreOptions { directory: directory.to_owned(), simulated_clock: false };
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&options)?);
    publish(&store)?;
    for first in (0..instances).step_by(BATCH_INSTANCES as usize) {
        let numbers = first..instances.min(first + BATCH_INSTANCES);
        let writes = numbers.flat_map(|number| {
            let name = InstanceId::trusted(&Plan::instance(number));
            writes(store.as_ref(), world, template(number as usize), &name)
        });
        let batch = Batch { writes: writes.collect(), ..Batch::default() };
        store.commit(batch).context("writing a batch of instances")?;
    }
    Ok(())
}

/// Has the shipped files published as version 1, as the first start of a server does.
fn publish(store: &Arc<dyn Store>) -> Result<()> {
    use sanbang::definition::sources::Sources;
    let configuration = Configuration::Files(Sources::embedded());
    let (options, store) = (Options::default(), Arc::clone(store));
    let (runtime, _) = Runtime::start(options, store, Clock::real(), configuration)?;
    runtime.shutdown();
    Ok(())
}

fn writes(store: &dyn Store, world: &World, template: &Template, name: &InstanceId) -> Vec<Write> {
    let body = Instance { id: name.clone(), ..template.instance.clone() };
    let header = body.header(&world.indexed);
    let records = template.records.iter().map(|record| renamed(record, name));
    let mut writes: Vec<Write> = records
        .map(|record| {
            let stamp = record.stamp.as_ref();
            let (version, revision) = stamp.map_or((0, 0), |it| (it.version, it.revision));
            let header = sanbang::model::instance::Header { version, revision, ..header.clone() };
            Write { partition: store.partition_of(name), record, header: Some(header), body: None }
        })
        .collect();
    if let Some(last) = writes.last_mut() {
        last.body = Some(body);
    }
    writes
}

fn renamed(record: &Record, name: &InstanceId) -> Record {
    let mut record = record.clone();
    if let Some(stamp) = &mut record.stamp {
        stamp.instance = name.clone();
    }
    for event in &mut record.events {
        if let Payload::InstanceCreated { id, .. } = &mut event.payload {
            *id = name.clone();
        }
    }
    record
}

fn remove(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

fn copy_synced(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_synced(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

/// The bytes of all files below a directory.
pub(crate) fn size_of(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
