//! Stores full of live instances, spread over all twelve stages, made without a server.
//!
//! Some hundred projects are driven by the engine; every instance is one of them under another
//! name. Bodies, open tasks, clocks and headers are exactly what the engine made. Of the history
//! only the creation and the last command are written: so a million instances take gigabytes
//! instead of tens of them, and nothing that is measured reads further back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use sanbang::definition::sources::Sources;
use sanbang::model::event::{Payload, Record, Stamp};
use sanbang::model::id::InstanceId;
use sanbang::model::instance::{AcceptedRequest, Header, Instance};
use sanbang::model::limits;
use sanbang::model::time::Timestamp;
use sanbang::runtime::{Clock, Configuration, Options, Runtime};
use sanbang::store::sled::{Options as StoreOptions, RECENT_EVENTS, SledStore};
use sanbang::store::{Batch, Store, Write};

use crate::plan::{Plan, completions_of};
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
#[derive(Clone)]
pub(crate) struct Template {
    /// Its creation and its last command.
    pub(crate) records: Vec<Record>,
    /// As the engine made it.
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
        let world = World::shipped()?;
        let (templates, plan) = templates(&world, instances, seed)?;
        Self::make(directory, &world, plan, instances, |number| {
            &templates[number % templates.len()]
        })
    }

    /// A store with so many instances, each made of the template that its number has, and a plan.
    pub(crate) fn make<'a>(
        directory: PathBuf,
        world: &World,
        plan: Plan,
        instances: u32,
        template: impl Fn(usize) -> &'a Template,
    ) -> Result<Self> {
        remove(&directory)?;
        fs::create_dir_all(&directory)?;
        let made = Self { directory, plan };
        let begun = Instant::now();
        fill(&made.store(), world, instances, template)?;
        eprintln!(
            "made a store of {instances} instances in {:.0} s",
            begun.elapsed().as_secs_f64()
        );
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
pub(crate) fn projects(world: &World, seed: u64, now: Timestamp) -> Result<Vec<Project>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut projects = Vec::new();
    for variety in 0..VARIETIES {
        for stage in 0..world.path_length() {
            let traits = traits(stage, variety, &mut random);
            let begun = now.plus_ms(-random.i64(1_000..BEGUN_MS_MAX));
            projects.push(world.project(traits, world.some_loads(&mut random), begun)?);
        }
    }
    Ok(projects)
}

/// These projects as they are written, and what each of them takes.
pub(crate) fn templates(world: &World, instances: u32, seed: u64) -> Result<(Vec<Template>, Plan)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let now = Clock::real().now();
    let (mut templates, mut steps) = (Vec::new(), Vec::new());
    for project in projects(world, seed, now)? {
        let completions = completions_of(world, project.clone())?;
        steps.push(completions.into_iter().map(|it| it.step).collect());
        templates.push(template(project, &mut random)?);
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
fn template(project: Project, random: &mut fastrand::Rng) -> Result<Template> {
    let Project { instance, mut records, .. } = project;
    let mut instance = Arc::unwrap_or_clone(instance);
    records.drain(1..(records.len() - 1).max(1));
    for (version, record) in (1..).zip(&mut records) {
        let stamp = record.stamp.take().context("it belongs to the project")?;
        record.stamp = Some(Stamp { version, ..stamp });
        instance.version = version;
    }
    // As many as an instance keeps at least: its commands here had no request ids.
    let (revision, time) = (instance.revision, instance.updated_at);
    let some = || AcceptedRequest { key: random.u64(..), digest: random.u64(..), revision, time };
    instance.requests = std::iter::repeat_with(some).take(limits::REQUESTS_KEPT_MIN).collect();
    Ok(Template { records, instance })
}

/// Makes a store and writes the instances into it.
fn fill<'a>(
    directory: &Path,
    world: &World,
    instances: u32,
    template: impl Fn(usize) -> &'a Template,
) -> Result<()> {
    let options = StoreOptions {
        directory: directory.to_owned(),
        simulated_clock: false,
        recent_events: RECENT_EVENTS,
    };
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
            let header = Header { version, revision, ..header.clone() };
            let (partition, record) = (store.partition_of(name), Arc::new(record));
            Write { partition, record, header: Some(header), body: None }
        })
        .collect();
    if let Some(last) = writes.last_mut() {
        last.body = Some(Arc::new(body));
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
