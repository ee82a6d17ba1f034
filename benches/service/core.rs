//! The engine alone: one completion decided and applied, without store, thread or wire.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use sanbang::engine::{self, Outcome};
use sanbang::model::actor::Actor;
use sanbang::model::command::{Action, Command, Request};
use sanbang::model::instance::Instance;
use sanbang::runtime::Clock;

use crate::Bench;
use crate::dataset::projects;
use crate::measure::{Middle, figure, microseconds};
use crate::plan::{Completion, completions_of};
use crate::report::{Row, lower};
use crate::world::{Project, Traits, World, command};

/// The stage in which a completion judges two conditions: see [`project`].
const SIGNING: usize = 4;
/// Completions that are timed together.
const LOT: usize = 100;
/// Lots of a round.
const LOTS: usize = 200;

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let world = World::shipped()?;
    let project = project(&world)?;
    let completion = completion(&world, &project)?;
    let (mut both, mut decide) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let mut lots = Vec::new();
        for _ in 0..LOTS {
            lots.push(lot(&world, &project, &completion)?);
        }
        let per = |nanoseconds: u64| microseconds(nanoseconds) / figure(LOT as u64);
        both.extend(Middle::of(lots.iter().map(|it| per(it.decide_ns + it.apply_ns))));
        decide.extend(Middle::of(lots.iter().map(|it| per(it.decide_ns))));
    }
    let plan = plan(bench, &world)?;
    let row = Row::new(
        "core_us",
        "decide + apply of one completion with two guards",
        "µs",
        lower(20.0, 8.0),
    );
    let row = row
        .measured(Middle::of(both.iter().map(|it| it.median)))
        .side("decide_us", Middle::of(decide.iter().map(|it| it.median)))
        .side("decide_plan_us", plan)
        .note("countersigning in stage 5: both conditions of the steward's cadence are judged");
    Ok(vec![row])
}

/// What the other rows send, decided: the mean over every completion of the plan, most of which
/// open tasks and find people for them, or judge more than two conditions.
fn plan(bench: &Bench, world: &World) -> Result<Option<Middle>> {
    let mut completions = Vec::new();
    for project in projects(world, bench.seed, Clock::real().now())? {
        completions.append(&mut completions_of(world, project)?);
    }
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds {
        let begun = Instant::now();
        for Completion { before, command, .. } in &completions {
            let context = world.context(&before.loads, before.now.plus_ms(1));
            black_box(engine::decide(&context, Some(black_box(&before.instance)), command));
        }
        let took_ns = u64::try_from(begun.elapsed().as_nanos())?;
        rounds.push(microseconds(took_ns) / figure(completions.len() as u64));
    }
    Ok(Middle::of(rounds))
}

/// A project of class B with a task force: when a department countersigns, the engine judges
/// exactly the two conditions of the limit `steward_contact`, since nothing else of this stage and
/// nothing beside it has a condition left.
fn project(world: &World) -> Result<Project> {
    let traits = Traits {
        stage: SIGNING,
        claim: false,
        industry: "smart_sensors",
        tier: "B",
        investment: 30_000,
        site_mode: "leased_factory",
        hazard: "none",
    };
    let loads = world.some_loads(&mut fastrand::Rng::with_seed(1));
    world.project(traits, loads, Clock::real().now())
}

fn completion(world: &World, project: &Project) -> Result<Command> {
    let is_wanted = |id: &str| id == "countersign";
    let mut open = project.instance.open_tasks();
    let task = open.find(|task| is_wanted(task.reference.id.as_str())).context("it is open")?;
    let (worker, _) = world.worker(project, task).context("somebody may do it")?;
    let complete = world.completion(project, task).context("it is declared")?;
    let completion = command(Actor::Member(worker), Action::Complete(complete));
    Ok(Command { request: Some(Request { key: 1, digest: 1 }), ..completion })
}

/// How long the parts of a lot took.
struct Took {
    decide_ns: u64,
    apply_ns: u64,
}

fn lot(world: &World, project: &Project, completion: &Command) -> Result<Took> {
    let context = world.context(&project.loads, project.now.plus_ms(1));
    let begun = Instant::now();
    let decisions: Vec<_> = (0..LOT)
        .map(|_| engine::decide(&context, Some(black_box(&project.instance)), completion))
        .collect();
    let decide_ns = u64::try_from(begun.elapsed().as_nanos())?;
    // The copies are made outside: a worker applies to what it holds already.
    let mut copies: Vec<Option<Arc<Instance>>> =
        decisions.iter().map(|_| Some(Arc::new(project.instance.as_ref().clone()))).collect();
    let begun = Instant::now();
    for (decision, copy) in decisions.iter().zip(&mut copies) {
        for record in decision.records() {
            engine::apply_record(black_box(copy), record);
        }
    }
    let apply_ns = u64::try_from(begun.elapsed().as_nanos())?;
    let accepted = decisions.iter().all(|it| matches!(it.outcome, Outcome::Accepted(_)));
    ensure!(accepted, "the completion was refused: {:?}", decisions.first().map(|it| &it.outcome));
    Ok(Took { decide_ns, apply_ns })
}
