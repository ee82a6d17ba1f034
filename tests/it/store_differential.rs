//! The same random batches for memory and sled, from one seed: equal answers to every question.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers are small, or any number will do"
)]

use sanbang::model::id::{FieldId, GroupId, InstanceId, MemberId, RoleId, StageId, WorkflowId};
use sanbang::model::instance::{Header, Instance, Status};
use sanbang::model::organization::Loads;
use sanbang::model::time::Timestamp;
use sanbang::model::value::Value;
use sanbang::store::memory::MemoryStore;
use sanbang::store::sled::{Options, SledStore};
use sanbang::store::{Batch, Error, Order, Place, Query, Seq, Store, Write};

use super::store_fixture::{
    advance, advance_without_body, at, document, due_at, id, open_again, picture, project, task,
};
use super::store_sample::Seeded;

const SEEDS: u64 = 6;
const BATCHES: usize = 60;
const PROJECTS: usize = 10;
const MEMBERS: [&str; 3] = ["li", "wang", "sun"];

/// Projects as they are, and as they were a while ago: a write of the latter is a conflict.
struct World {
    seeded: Seeded,
    current: Vec<Instance>,
    stale: Vec<Instance>,
}

#[test]
fn memory_and_sled_answer_alike() {
    let mut conflicts = 0;
    for seed in 0..SEEDS {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let options = Options {
            directory: directory.path().join("s"),
            simulated_clock: false,
            recent_events: seed % 12,
        };
        let memory = MemoryStore::new(false);
        let mut sled = SledStore::open(&options).expect("a fresh directory");
        let mut world = World::new(seed);
        for _ in 0..BATCHES {
            let (batch, after) = world.batch(&memory);
            let told = (describe(memory.commit(batch.clone())), describe(sled.commit(batch)));
            assert_eq!(told.0, told.1, "seed {seed}");
            match told.0 {
                Ok(_) => world.current = after,
                Err(_) => conflicts += 1,
            }
            world.ask_both(&memory, &sled, seed);
            if world.seeded.one_in(20) {
                drop(sled);
                let recent_events = world.seeded.below(40) as u64;
                let options = Options { recent_events, ..options.clone() };
                sled = open_again(&options).expect("a store");
            }
        }
        let in_memory = picture(&memory).expect("readable");
        assert_eq!(in_memory, picture(&sled).expect("readable"), "seed {seed}");

        drop(sled);
        let sled = open_again(&options).expect("a store");
        sled.verify().expect("it holds together");
        assert_eq!(in_memory, picture(&sled).expect("readable"), "seed {seed}, opened again");
    }
    assert!(conflicts > 10, "some batches must conflict: {conflicts}");
}

/// A commit's answer without what may differ.
fn describe(answer: Result<sanbang::store::Committed, Error>) -> Result<Vec<Seq>, String> {
    answer.map(|committed| committed.first_seqs).map_err(|error| format!("{error:?}"))
}

impl World {
    fn new(seed: u64) -> Self {
        Self::of(seed, PROJECTS)
    }

    fn of(seed: u64, projects: usize) -> Self {
        let projects = || (0..projects).map(|number| project(&format!("p-{number}"))).collect();
        Self { seeded: Seeded::new(seed), current: projects(), stale: projects() }
    }

    /// A batch, and the projects as they are once it is written.
    fn batch(&mut self, store: &dyn Store) -> (Batch, Vec<Instance>) {
        let mut after = self.current.clone();
        if self.seeded.one_in(10) {
            self.stale.clone_from(&self.current);
        }
        let mut batch = Batch::default();
        for _ in 0..self.seeded.below(5) {
            let chosen = self.seeded.below(PROJECTS);
            let write = if self.seeded.one_in(30) {
                let mut stale = self.stale[chosen].clone();
                self.write(store, &mut stale)
            } else {
                self.write(store, &mut after[chosen])
            };
            batch.writes.push(write);
        }
        for _ in 0..self.seeded.below(3) {
            let key = format!("d/{}", self.seeded.below(6));
            let length = if self.seeded.one_in(4) { self.seeded.below(20_000) } else { 10 };
            let content = vec![self.seeded.below(256) as u8; length];
            let content = (!self.seeded.one_in(3)).then_some(content);
            batch.documents.push(document(&key, content.as_deref()));
        }
        if self.seeded.one_in(3) {
            batch.clock = Some(at(self.seeded.below(500) as i64));
        }
        (batch, after)
    }

    fn write(&mut self, store: &dyn Store, project: &mut Instance) -> Write {
        self.change(project);
        let events = 1 + self.seeded.below(4);
        if self.seeded.one_in(2) {
            advance(store, project, events)
        } else {
            advance_without_body(store, project, events)
        }
    }

    fn change(&mut self, project: &mut Instance) {
        let seeded = &mut self.seeded;
        if project.version == 0 {
            project.created_at = at(seeded.below(5) as i64);
        }
        match seeded.below(8) {
            0 => {
                project.steward = Some(member(seeded));
                project.backups = vec![member(seeded)];
            }
            1 => project.group = seeded.one_in(2).then(|| GroupId::trusted("medical")),
            2 => {
                project.clocks = due_at("any", Timestamp(at(0).0 + seeded.below(9) as i64)).clocks;
            }
            3 => project.clocks.clear(),
            4 => {
                let tasks = 1 + seeded.below(3) as u32;
                project.tasks = (1..=tasks)
                    .map(|number| {
                        let holder = seeded.one_in(2).then(|| member(seeded));
                        let mut task = task(number, "legal", holder.as_ref().map(MemberId::as_str));
                        if let Some(holder) = &mut std::sync::Arc::make_mut(&mut task).holder {
                            holder.delegated_by = seeded.one_in(3).then(|| member(seeded));
                        }
                        task
                    })
                    .collect();
            }
            5 => {
                let length = seeded.below(9000);
                let text = Value::Text("t".repeat(length).into());
                std::sync::Arc::make_mut(&mut project.fields)
                    .insert(FieldId::trusted("summary"), text);
            }
            6 => {
                const STATUSES: [Status; 4] =
                    [Status::Active, Status::Suspended, Status::Completed, Status::Terminated];
                project.status = STATUSES[seeded.below(4)];
            }
            _ => {
                let industry = ["medical", "chips"][seeded.below(2)];
                let value = Value::Text(industry.into());
                std::sync::Arc::make_mut(&mut project.fields)
                    .insert(FieldId::trusted("industry"), value);
            }
        }
    }

    fn ask_both(&mut self, memory: &dyn Store, sled: &dyn Store, seed: u64) {
        let query = self.query();
        let found = memory.query(&query).expect("readable");
        assert_eq!(found, sled.query(&query).expect("readable"), "seed {seed}, {query:?}");

        let asked: InstanceId = id(&format!("p-{}", self.seeded.below(PROJECTS)));
        let before = self.seeded.sample::<bool>().then(|| self.seeded.below(12) as u64);
        let limit = self.seeded.below(5);
        let history = |store: &dyn Store| {
            format!("{:?}", store.history(&asked, before, limit).expect("readable"))
        };
        assert_eq!(history(memory), history(sled), "seed {seed}");

        let (partition, after) = (memory.partition_of(&asked), Seq(self.seeded.below(60) as u64));
        let events = |store: &dyn Store| {
            format!("{:?}", store.events_after(partition, after, limit).expect("readable"))
        };
        assert_eq!(events(memory), events(sled), "seed {seed}");

        let now = Timestamp(at(0).0 + self.seeded.below(12) as i64);
        let due = |store: &dyn Store| store.due(now, limit).expect("readable");
        assert_eq!(due(memory), due(sled), "seed {seed}");
    }

    fn query(&mut self) -> Query {
        let seeded = &mut self.seeded;
        let orders = [Order::Id, Order::CreatedDescending, Order::NextDue];
        let mut query = Query { order: orders[seeded.below(3)], ..Query::default() };
        query.limit = 1 + seeded.below(6);
        query.after = seeded.one_in(3).then(|| Place {
            rank: match query.order {
                Order::Id => 0,
                Order::CreatedDescending => -at(0).0 - seeded.below(12) as i64,
                Order::NextDue => at(0).0 + seeded.below(12) as i64,
            },
            instance: id(&format!("p-{}", seeded.below(PROJECTS + 2))),
        });
        if seeded.one_in(4) {
            query.stewards = vec![member(seeded), member(seeded)];
        }
        if seeded.one_in(4) {
            query.backups = vec![member(seeded)];
        }
        if seeded.one_in(4) {
            query.holders = vec![member(seeded)];
        }
        if seeded.one_in(8) {
            query.delegators = vec![member(seeded)];
        }
        if seeded.one_in(4) {
            query.offered_to = vec![RoleId::trusted("legal")];
        }
        if seeded.one_in(4) {
            query.statuses = vec![Status::Active, Status::Completed];
        }
        if seeded.one_in(4) {
            query.groups = vec![GroupId::trusted("medical")];
        }
        if seeded.one_in(4) {
            query.stages = vec![StageId::trusted("signing")];
            query.workflows = vec![WorkflowId::trusted("investment")];
        }
        if seeded.one_in(4) {
            let chips = Value::Text("chips".into());
            query.fields = vec![(FieldId::trusted("industry"), chips)];
        }
        query
    }
}

fn member(seeded: &mut Seeded) -> MemberId {
    MemberId::trusted(MEMBERS[seeded.below(3)])
}

/// Postings and orders against the plain definition.
#[test]
fn queries_are_what_their_definition_says() {
    let store = MemoryStore::new(false);
    let mut world = World::new(99);
    let mut found_something = 0;
    for _ in 0..200 {
        let (batch, after) = world.batch(&store);
        if store.commit(batch).is_ok() {
            world.current = after;
        }
        let query = world.query();
        found_something += usize::from(!compare(&store, &query).is_empty());
    }
    assert!(found_something > 50, "{found_something}");
}

/// The same with so many that lists are cut and joined, and page by page to the end.
#[test]
fn pages_of_many_are_what_their_definition_says() {
    let seed = 7;
    let store = MemoryStore::new(false);
    let mut world = World::of(seed, 1_500);
    for round in 0..30 {
        let mut batch = Batch::default();
        let first = if round == 0 { 0 } else { world.seeded.below(1_200) };
        let last = if round == 0 { 1_500 } else { first + 300 };
        for number in first..last {
            let mut project = world.current[number].clone();
            batch.writes.push(world.write(&store, &mut project));
            world.current[number] = project;
        }
        store.commit(batch).expect("nobody else writes");
        let mut query = world.query();
        query.limit = 1 + world.seeded.below(400);
        query.after = None;
        let mut pages = 0;
        while let Some(last) = compare(&store, &query).pop() {
            query.after = Some(query.order.place_of(&last));
            pages += 1;
        }
        assert!(pages <= 1_500, "round {round}, seed {seed}");
        let due = store.due(Timestamp(at(0).0 + 5), 2_000).expect("readable");
        let ranks: Vec<_> = due.iter().map(|due| (due.next_due, due.instance.clone())).collect();
        assert!(ranks.is_sorted(), "round {round}, seed {seed}");
        let loads = store.loads().expect("readable");
        assert_eq!(loads_of(&store), shares_of(&loads), "round {round}, seed {seed}");
    }
}

/// What each member holds and stewards, counted header by header.
fn loads_of(store: &dyn Store) -> Vec<(MemberId, u32, u32)> {
    let everything = Query { limit: usize::MAX, ..Query::default() };
    let headers = store.query(&everything).expect("readable");
    let held = |member: &MemberId| {
        let tasks = headers.iter().flat_map(|header| &header.tasks);
        tasks.filter(|task| task.holder.as_ref() == Some(member)).count() as u32
    };
    let stewarded = |member: &MemberId| {
        let live = headers.iter().filter(|header| header.status.is_live());
        live.filter(|header| header.steward.as_ref() == Some(member)).count() as u32
    };
    let members = MEMBERS.map(MemberId::trusted);
    members.into_iter().map(|it| (it.clone(), held(&it), stewarded(&it))).collect()
}

fn shares_of(loads: &Loads) -> Vec<(MemberId, u32, u32)> {
    let members = MEMBERS.map(MemberId::trusted);
    let told = members.into_iter().map(|it| (loads.of(&it), it));
    told.map(|(load, it)| (it, load.open_tasks, load.stewarded)).collect()
}

/// Asks the store, and whether the answer is the plain one: every header, filtered, sorted, cut.
fn compare(store: &dyn Store, query: &Query) -> Vec<Header> {
    let found = store.query(query).expect("readable");
    let everything = Query { limit: usize::MAX, ..Query::default() };
    let mut expected = store.query(&everything).expect("readable");
    let place = |header: &Header| match query.order {
        Order::Id => 0,
        Order::CreatedDescending => -header.created_at.0,
        Order::NextDue => header.next_due.map_or(i64::MAX, |due| due.0),
    };
    expected.sort_by_key(|header| (place(header), header.id.clone()));
    if let Some(after) = &query.after {
        let after = (after.rank, &after.instance);
        expected.retain(|header| (place(header), &header.id) > after);
    }
    expected.retain(|header| wanted(query, header));
    expected.truncate(query.limit);
    assert_eq!(found, expected, "{query:?}");
    found
}

fn wanted(query: &Query, header: &Header) -> bool {
    let held = |member: &MemberId| header.tasks.iter().any(|it| it.holder.as_ref() == Some(member));
    let delegated =
        |member: &MemberId| header.tasks.iter().any(|it| it.delegated_by.as_ref() == Some(member));
    let offered = |role: &RoleId| {
        header.tasks.iter().any(|it| it.holder.is_none() && it.role.as_ref() == Some(role))
    };
    let steward = |member: &MemberId| header.steward.as_ref() == Some(member);
    (query.stewards.is_empty() || query.stewards.iter().any(steward))
        && (query.backups.is_empty() || header.backups.iter().any(|it| query.backups.contains(it)))
        && (query.holders.is_empty() || query.holders.iter().any(held))
        && (query.delegators.is_empty() || query.delegators.iter().any(delegated))
        && (query.offered_to.is_empty() || query.offered_to.iter().any(offered))
        && (query.statuses.is_empty() || query.statuses.contains(&header.status))
        && (query.groups.is_empty() || header.group.iter().any(|it| query.groups.contains(it)))
        && (query.stages.is_empty() || header.stages.iter().any(|it| query.stages.contains(it)))
        && query.fields.iter().all(|field| header.indexed.contains(field))
}
