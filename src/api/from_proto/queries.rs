//! Filters and pages to queries. Knows which names each list takes, never what is there.

use crate::api::filter::{self, Term};
use crate::api::pb;
use crate::api::violations::{Named, Page, Violation, Violations};
use crate::definition::compiled::Field;
use crate::ledger;
use crate::model::clock::Clock;
use crate::model::escalation::Light;
use crate::model::event::Payload;
use crate::model::id::{FieldId, InstanceId, LevelId, MemberId, PolicyId, TaskId};
use crate::model::instance::{Header, OpenTask, Status};
use crate::model::task::TaskNumber;
use crate::model::value::{Decimal, Value};
use crate::runtime::{Catalog, Filter, Order, Place, Query, Start, Versions, kind_matches};
use crate::script::nearest;

/// Names by which instances are found, in every list.
const COMMON_NAMES: [&str; 6] = ["workflow", "stage", "steward", "group", "backup", "light"];
/// The prefix of names of indexed fields.
const FIELD_PREFIX: &str = "fields.";
const LIGHTS: [Light; 4] = [Light::None, Light::Blue, Light::Yellow, Light::Red];
const STATUSES: [Status; 4] =
    [Status::Active, Status::Suspended, Status::Completed, Status::Terminated];

/// A list of instances. One more than the page is asked for, to know whether another follows.
pub(in crate::api) fn instances(
    request: pb::InstanceServiceListRequest,
    catalog: &Catalog,
) -> Result<(Query, Page), Vec<Violation>> {
    let mut found = Violations::default();
    let names = [&COMMON_NAMES[..], &["status", "holder", "offered_to", FIELD_PREFIX]].concat();
    let terms = filter::parse(&mut found, &request.filter, &names);
    must_be_indexed(&mut found, &terms, catalog);
    let page = found.page(request.page_size, request.page_token);
    let order = match request.order_by.trim() {
        "" | "id" => Order::Id,
        "created_at desc" => Order::CreatedDescending,
        "next_due" => Order::NextDue,
        _ => {
            found.add("order_by", "it is `id`, `created_at desc` or `next_due`");
            Order::Id
        }
    };
    let after = page.token.as_deref().and_then(|token| {
        let after = place(order, token);
        if after.is_none() {
            found.foreign_token();
        }
        after
    });
    let first = Page { token: None, ..page };
    let query = Query { order, after, ..query(&mut found, &terms, &first) };
    found.finish((query, first))
}

/// The place that a token of a list names; none: it is no token of a list in this order.
fn place(order: Order, token: &str) -> Option<Place> {
    if order == Order::Id {
        return InstanceId::parse(token).ok().map(Place::from);
    }
    let (rank, instance) = token.split_once('/')?;
    Some(Place { rank: rank.parse().ok()?, instance: InstanceId::parse(instance).ok()? })
}

/// The token after an instance. In an order in which instances move it holds where it stood.
pub(in crate::api) fn token_of(order: Order, last: &Header) -> String {
    let Place { rank, instance } = order.place_of(last);
    match order {
        Order::Id => instance.to_string(),
        Order::CreatedDescending | Order::NextDue => format!("{rank}/{instance}"),
    }
}

/// A list of tasks: the instances among whose open tasks they are, and which of those are meant.
#[derive(Debug)]
pub(in crate::api) struct TaskQuery {
    /// The instances.
    pub(in crate::api) instances: Query,
    /// The last task of the page before.
    pub(in crate::api) after: Option<(InstanceId, TaskNumber)>,
    /// Rows of the page.
    pub(in crate::api) size: usize,
    names: Vec<TaskId>,
}

impl TaskQuery {
    /// Whether an open task of one of the instances is meant.
    pub(in crate::api) fn holds(&self, instance: &InstanceId, task: &OpenTask) -> bool {
        let Query { holders, offered_to, .. } = &self.instances;
        let named = self.names.is_empty() || self.names.contains(&task.id);
        let held = task.holder.as_ref().is_some_and(|holder| holders.contains(holder));
        let offered = task.holder.is_none()
            && task.role.as_ref().is_some_and(|role| offered_to.contains(role));
        let whose = match (holders.is_empty(), offered_to.is_empty()) {
            (true, true) => true,
            (false, true) => held,
            (true, false) => offered,
            (false, false) => held && offered,
        };
        let later = self
            .after
            .as_ref()
            .is_none_or(|(last, number)| instance != last || task.number > *number);
        named && whose && later
    }
}

/// A list of tasks.
pub(in crate::api) fn tasks(
    request: pb::TaskServiceListRequest,
) -> Result<TaskQuery, Vec<Violation>> {
    let mut found = Violations::default();
    let names = [&COMMON_NAMES[..], &["holder", "offered_to", "task"]].concat();
    let terms = filter::parse(&mut found, &request.filter, &names);
    let page = found.page(request.page_size, request.page_token);
    let size = page.size;
    let after = page.token.as_deref().map(|token| task_token(&mut found, token));
    let mut instances = query(&mut found, &terms, &Page { token: None, ..page });
    instances.after = after.as_ref().map(|(instance, _)| place_before(instance).into());
    let names = named(&mut found, &terms, "task");
    found.finish(TaskQuery { instances, after, size, names })
}

/// The place right before an instance, so that a list that begins after it begins with the
/// instance. Ids are ASCII: nothing lies between the two.
fn place_before(instance: &InstanceId) -> InstanceId {
    let mut text = instance.as_str().to_owned();
    if let Some(last) = text.pop() {
        text.extend(char::from_u32(u32::from(last) - 1));
        text.push(char::MAX);
    }
    InstanceId::trusted(&text)
}

/// The token after a task.
pub(in crate::api) fn token_after(instance: &InstanceId, task: TaskNumber) -> String {
    format!("{}/{instance}", task.0)
}

/// A list of escalations: the instances to look at, and which of their clocks are meant.
#[derive(Debug)]
pub(in crate::api) struct EscalationQuery {
    /// The instances.
    pub(in crate::api) instances: Query,
    lights: Vec<Light>,
    levels: Vec<LevelId>,
    policies: Vec<PolicyId>,
    notified: Vec<MemberId>,
}

impl EscalationQuery {
    /// Whether a clock of one of the instances is meant.
    pub(in crate::api) fn holds(&self, clock: &Clock) -> bool {
        let Some(highest) = clock.fired.last() else { return false };
        let any = |wanted: bool, holds: bool| wanted || holds;
        let told = clock.fired.iter().flat_map(|fired| &fired.notified);
        any(self.lights.is_empty(), self.lights.contains(&clock.light()))
            && any(self.levels.is_empty(), self.levels.contains(&highest.level))
            && any(
                self.policies.is_empty(),
                clock.policy.as_ref().is_some_and(|policy| self.policies.contains(policy)),
            )
            && any(self.notified.is_empty(), told.into_iter().any(|m| self.notified.contains(m)))
    }
}

/// A list of escalations. The page counts instances.
pub(in crate::api) fn escalations(
    request: pb::EscalationServiceListRequest,
) -> Result<(EscalationQuery, Page), Vec<Violation>> {
    let mut found = Violations::default();
    let names = [&COMMON_NAMES[..], &["level", "policy", "notified"]].concat();
    let terms = filter::parse(&mut found, &request.filter, &names);
    let page = found.page(request.page_size, request.page_token);
    let mut instances = query(&mut found, &terms, &page);
    // An instance shows the brightest light of its clocks: one that is asked for may stand below.
    let lights = std::mem::take(&mut instances.lights);
    let dimmest = lights.iter().copied().min().unwrap_or(Light::Blue).max(Light::Blue);
    instances.lights = LIGHTS.into_iter().filter(|light| *light >= dimmest).collect();
    instances.statuses = vec![Status::Active, Status::Suspended];
    let query = EscalationQuery {
        instances,
        lights,
        levels: named(&mut found, &terms, "level"),
        policies: named(&mut found, &terms, "policy"),
        notified: named(&mut found, &terms, "notified"),
    };
    found.finish((query, page))
}

/// Which rows of a ledger.
pub(in crate::api) fn ledger_filter(found: &mut Violations, text: &str) -> ledger::Filter {
    let names = [&COMMON_NAMES[..], &["status", FIELD_PREFIX]].concat();
    let terms = filter::parse(found, text, &names);
    let page = Page { size: 0, token: None };
    let Query { workflows, statuses, stages, stewards, groups, lights, fields, .. } =
        query(found, &terms, &page);
    ledger::Filter { workflows, statuses, stages, stewards, groups, lights, fields }
}

/// A page of an instance's records: those with a version below the one named, and how many.
pub(in crate::api) fn history(
    request: pb::InstanceServiceHistoryRequest,
) -> Result<(InstanceId, Option<u64>, usize), Vec<Violation>> {
    let mut found = Violations::default();
    let instance = found.name("instance", &request.instance);
    let page = found.page(request.page_size, request.page_token);
    let before = page.token.as_deref().map(|token| {
        token.parse().unwrap_or_else(|_| {
            found.foreign_token();
            0
        })
    });
    found.finish((instance, before, page.size))
}

/// Which events a subscriber wants, and from where.
pub(in crate::api) fn subscription(
    request: pb::EventServiceSubscribeRequest,
) -> Result<(Start, Filter), Vec<Violation>> {
    let mut found = Violations::default();
    let filter = events_filter(&mut found, &request.filter);
    let start = match (request.resume_token.is_empty(), request.start_at()) {
        (false, _) => Start::Token(request.resume_token),
        (true, pb::StartAt::Beginning) => Start::Beginning,
        (true, pb::StartAt::Unspecified | pb::StartAt::Now) => Start::Now,
    };
    found.finish((start, filter))
}

/// A page of events.
pub(in crate::api) fn events(
    request: pb::EventServiceListRequest,
) -> Result<(Start, Filter, usize), Vec<Violation>> {
    let mut found = Violations::default();
    let filter = events_filter(&mut found, &request.filter);
    let page = found.page(request.page_size, request.page_token);
    let start = page.token.map_or(Start::Beginning, Start::Token);
    found.finish((start, filter, page.size))
}

fn events_filter(found: &mut Violations, text: &str) -> Filter {
    let terms = filter::parse(found, text, &["kind", "workflow", "instance", "member"]);
    for wanted in values_of(&terms, "kind") {
        let mut known = Payload::KINDS.iter();
        if !known.any(|kind| kind_matches(wanted, kind)) {
            let meant = meant(wanted, Payload::KINDS.iter().copied());
            found.add("filter", format!("there are no events of kind `{wanted}`{meant}"));
        }
    }
    Filter {
        kinds: values_of(&terms, "kind").map(ToOwned::to_owned).collect(),
        workflows: named(found, &terms, "workflow"),
        instances: named(found, &terms, "instance"),
        members: named(found, &terms, "member"),
    }
}

/// Instances are found by indexed fields only: by any other those of a workflow would be missing,
/// whatever there is. A field is indexed where any version has it so, since instances keep theirs.
fn must_be_indexed(found: &mut Violations, terms: &[Term], catalog: &Catalog) {
    let wanted: Vec<&str> = values_of(terms, "workflow").collect();
    let asked = |id: &str| wanted.is_empty() || wanted.contains(&id);
    let workflows = || catalog.workflows().filter(|(id, _)| asked(id.as_str()));
    for term in terms {
        let Some(name) = term.name.strip_prefix(FIELD_PREFIX) else { continue };
        let (mut is_declared, mut missing) = (false, None);
        for (id, workflow) in workflows() {
            let fields = fields_of(workflow).filter(|field| field.id.as_str() == name);
            let indexed: Vec<bool> = fields.map(|field| field.indexed).collect();
            is_declared |= !indexed.is_empty();
            if !indexed.is_empty() && !indexed.contains(&true) {
                missing = missing.or(Some(id));
            }
        }
        if !is_declared {
            let known = workflows().flat_map(|(_, workflow)| fields_of(workflow));
            let indexed = known.filter(|field| field.indexed).map(|field| field.id.as_str());
            let meant = meant(name, indexed);
            found.add("filter", format!("no workflow declares a field `{name}`{meant}"));
        } else if let Some(id) = missing {
            let remedy = "say `indexed: true` there, ask for another `workflow`, or ask a ledger";
            found.add("filter", format!("the field `{name}` of `{id}` is not indexed: {remedy}"));
        }
    }
}

/// The fields of a workflow, of all its versions.
fn fields_of(workflow: &Versions) -> impl Iterator<Item = &Field> {
    workflow.versions.values().flat_map(|published| &published.workflow.fields)
}

fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// What every list of instances may be asked for. One more than the page is asked for.
fn query(found: &mut Violations, terms: &[Term], page: &Page) -> Query {
    let after = found.page_after(page).map(Place::from);
    Query {
        workflows: named(found, terms, "workflow"),
        statuses: words(found, terms, "status", &STATUSES, Status::as_str),
        stages: named(found, terms, "stage"),
        stewards: named(found, terms, "steward"),
        groups: named(found, terms, "group"),
        backups: named(found, terms, "backup"),
        lights: words(found, terms, "light", &LIGHTS, Light::as_str),
        fields: fields(found, terms),
        holders: named(found, terms, "holder"),
        delegators: Vec::new(),
        offered_to: named(found, terms, "offered_to"),
        order: Order::Id,
        after,
        limit: page.size + 1,
    }
}

fn values_of<'a>(terms: &'a [Term], name: &'a str) -> impl Iterator<Item = &'a str> {
    let term = terms.iter().filter(move |term| term.name == name);
    term.flat_map(|term| term.values.iter().map(String::as_str))
}

fn named<N: Named>(found: &mut Violations, terms: &[Term], name: &str) -> Vec<N> {
    values_of(terms, name).map(|value| found.name("filter", value)).collect()
}

fn words<T: Copy>(
    found: &mut Violations,
    terms: &[Term],
    name: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Vec<T> {
    let known: Vec<&str> = all.iter().map(|each| word(*each)).collect();
    let mut taken = Vec::new();
    for value in values_of(terms, name) {
        match all.iter().find(|each| word(**each) == value) {
            Some(each) => taken.push(*each),
            None => found.add("filter", format!("`{name}` is one of {}", known.join(", "))),
        }
    }
    taken
}

/// Values of indexed fields. A text stands for every value that it can be read as: which of them a
/// workflow declares is not known here, and no field holds two kinds.
fn fields(found: &mut Violations, terms: &[Term]) -> Vec<(FieldId, Value)> {
    let mut taken = Vec::new();
    for term in terms {
        let Some(name) = term.name.strip_prefix(FIELD_PREFIX) else { continue };
        let field: FieldId = found.name("filter", name);
        for text in &term.values {
            let readings = [
                Some(Value::Text(text.as_str().into())),
                text.parse().ok().map(Value::Integer),
                Decimal::from_str_exact(text).ok().map(Value::Decimal),
                text.parse().ok().map(Value::Boolean),
                text.parse().ok().map(Value::Date),
            ];
            taken.extend(readings.into_iter().flatten().map(|value| (field.clone(), value)));
        }
    }
    taken
}

fn task_token(found: &mut Violations, token: &str) -> (InstanceId, TaskNumber) {
    let parts = token.split_once('/');
    let taken = parts.and_then(|(number, instance)| {
        Some((InstanceId::parse(instance).ok()?, TaskNumber(number.parse().ok()?)))
    });
    taken.unwrap_or_else(|| {
        found.foreign_token();
        (InstanceId::trusted(""), TaskNumber(0))
    })
}
