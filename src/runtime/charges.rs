//! What one member carries, and how one thing of it goes to another: the look, the command, and
//! what came of it. Keeps nothing.

use hashbrown::HashSet;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::engine::Rejection;
use crate::model::command::{Action, Command, Reassign, Request as RequestKey, SetBackups};
use crate::model::hand_over::{Charge, HandOver, HandOverItem, HandOverItemState};
use crate::model::id::{InstanceId, MemberId};
use crate::model::instance::{Instance, OpenTask};
use crate::model::organization::Organization;
use crate::model::task::TaskNumber;
use crate::model::time::Date;
use crate::store::{Error, Query, Store};

use super::answer::{Answer, ReadError, SubmitError, View};
use super::clock::Stopwatch;
use super::pipeline::Reply;
use super::shared::Shared;
use super::worker::{CommandRequest, Request, ViewRequest};
use super::workload::{each_header, live};

/// How often one thing is looked at anew because somebody changed its instance meanwhile.
const LOOKS_MAX: usize = 64;
/// The code of what no program may hand over.
const BY_HAND: &str = "BY_HAND";
/// The code of what is more than one hand-over moves.
const LIMIT_REACHED: &str = "LIMIT_REACHED";

/// All that a member carries and the hand-over does not know yet: stewardships first, so that tasks
/// that follow the steward find the new one.
pub(super) fn carried(store: &dyn Store, hand_over: &HandOver) -> Result<Vec<HandOverItem>, Error> {
    let from = &hand_over.from;
    let mut found = Vec::new();
    let stewarded = Query { stewards: vec![from.clone()], ..live() };
    each_header(store, &stewarded, |header| {
        found.push(waiting(Charge::Stewardship, header.id, None, ""));
    })?;
    let backed = Query { backups: vec![from.clone()], ..live() };
    each_header(store, &backed, |header| {
        found.push(waiting(Charge::Backup, header.id, None, ""));
    })?;
    let held = Query { holders: vec![from.clone()], ..live() };
    let delegated = Query { delegators: vec![from.clone()], ..live() };
    let who_has: [fn(&OpenTask) -> Option<&MemberId>; 2] =
        [|task| task.holder.as_ref(), |task| task.delegated_by.as_ref()];
    for (query, who) in [held, delegated].into_iter().zip(who_has) {
        each_header(store, &query, |header| {
            let own = header.tasks.iter().filter(|task| who(task) == Some(from));
            found.extend(own.map(|task| {
                let (id, number) = (header.id.clone(), Some(task.number));
                waiting(Charge::Task, id, number, task.id.as_str())
            }));
        })?;
    }
    let key = |item: &HandOverItem| (item.charge, item.instance.clone(), item.task);
    let known: HashSet<_> = hand_over.items.iter().map(key).collect();
    found.retain(|new| !known.contains(&key(new)));
    Ok(found)
}

/// What the member still carries when a hand-over ends, because it has no room for more or did not
/// come to it: one row for each kind, with how many there are.
pub(super) fn left_beyond(carried: &[HandOverItem]) -> Vec<HandOverItem> {
    let kinds = [Charge::Stewardship, Charge::Task, Charge::Backup];
    let counted = kinds.into_iter().map(|charge| {
        let count = carried.iter().filter(|item| item.charge == charge).count();
        (charge, count)
    });
    let row = |(charge, count)| HandOverItem {
        charge,
        instance: None,
        task: None,
        name: format!("{count} more"),
        state: left(LIMIT_REACHED, "order another hand-over for them".to_owned()),
    };
    counted.filter(|(_, count)| *count > 0).map(row).collect()
}

fn waiting(
    charge: Charge,
    instance: InstanceId,
    task: Option<TaskNumber>,
    name: &str,
) -> HandOverItem {
    let state = HandOverItemState::Waiting;
    HandOverItem { charge, instance: Some(instance), task, name: name.to_owned(), state }
}

/// What a member carries that people must see to.
pub(super) fn left_by_hand(
    organization: &Organization,
    from: &MemberId,
    today: Date,
) -> Vec<HandOverItem> {
    let left = |charge, name: String, why: &str| HandOverItem {
        charge,
        instance: None,
        task: None,
        name,
        state: HandOverItemState::Left { code: BY_HAND.to_owned(), why: why.to_owned() },
    };
    let mut items = Vec::new();
    let duties = organization.duties.iter().filter(|duty| today <= duty.to);
    for duty in duties.filter(|duty| duty.members.contains(from)) {
        let days = format!("{} to {}", duty.from, duty.to);
        items.push(left(Charge::Duty, days, "say who is on duty instead"));
    }
    let absences = organization.absences.iter().filter(|absence| today <= absence.to);
    for absence in absences.filter(|absence| absence.substitute.as_ref() == Some(from)) {
        let name = format!("{} from {} to {}", absence.member, absence.from, absence.to);
        items.push(left(Charge::Substitute, name, "put the absence down with another substitute"));
    }
    let member = organization.member(from.as_str());
    for role in member.iter().flat_map(|member| &member.roles) {
        let why = "give it to another in `rules/organization.yaml`";
        items.push(left(Charge::Role, role.to_string(), why));
    }
    items
}

/// The way in which one hand-over hands over.
pub(super) struct Charges<'a> {
    shared: &'a Shared,
    from: MemberId,
    to: Option<MemberId>,
    order: HandOver,
}

/// What was found of a thing.
enum Found {
    /// The member has it: this is to be done.
    Carried(Action),
    /// The member does not have it any more; this one does, by the same hand-over.
    HandedTo(MemberId),
    /// It is over, or somebody else was given it.
    Gone,
}

impl<'a> Charges<'a> {
    pub(super) fn new(shared: &'a Shared, hand_over: &HandOver) -> Self {
        let order = HandOver { items: Vec::new(), ..hand_over.clone() };
        Self { shared, from: order.from.clone(), to: order.to.clone(), order }
    }

    /// Hands one thing over; none: the runtime stops.
    pub(super) fn hand_over(&self, item: &HandOverItem) -> Option<HandOverItemState> {
        let Some(instance) = &item.instance else { return Some(HandOverItemState::Gone) };
        let request = self.request(item);
        for _ in 0..LOOKS_MAX {
            let view = match self.look(instance)? {
                Ok(Some(view)) => view,
                Ok(None) => return Some(HandOverItemState::Gone),
                Err(error) => return Some(left("INTERNAL", error.to_string())),
            };
            let action = match self.find(item, &view.instance, request) {
                Found::Carried(action) => action,
                Found::HandedTo(member) => return Some(HandOverItemState::HandedTo(member)),
                Found::Gone => return Some(HandOverItemState::Gone),
            };
            let command = Command {
                actor: self.order.actor.clone(),
                request: Some(request),
                expected_revision: Some(view.instance.revision),
                force: None,
                action,
            };
            match self.submit(instance, &command)? {
                // Who has it now is seen at the next look; so is what was changed meanwhile.
                Ok(()) | Err(Rejection::StaleRevision { .. }) => {}
                Err(rejection) => return Some(left(rejection.code(), rejection.public_message())),
            }
        }
        Some(left("CONTENDED", "others changed the instance again and again".to_owned()))
    }

    fn find(&self, item: &HandOverItem, instance: &Instance, request: RequestKey) -> Found {
        if !instance.status.is_live() {
            return Found::Gone;
        }
        let given = instance.requests.iter().any(|known| known.key == request.key);
        let reassign = |task, delegation| {
            let (to, reason) = (self.to.clone(), self.order.reason.clone());
            Found::Carried(Action::Reassign(Reassign { task, delegation, to, reason }))
        };
        let after = |now: Option<&MemberId>| match now {
            Some(now) if given || self.to.as_ref() == Some(now) => Found::HandedTo(now.clone()),
            Some(_) | None => Found::Gone,
        };
        match item.charge {
            Charge::Stewardship if instance.steward.as_ref() == Some(&self.from) => {
                reassign(None, false)
            }
            Charge::Stewardship => after(instance.steward.as_ref()),
            Charge::Task => {
                let task = item.task.and_then(|number| instance.task(number));
                let Some(task) = task.filter(|task| task.is_open()) else { return Found::Gone };
                let holder = task.holder.as_ref().map(|holder| &holder.member);
                let delegator = task.holder.as_ref().and_then(|it| it.delegated_by.as_ref());
                if holder == Some(&self.from) || delegator == Some(&self.from) {
                    reassign(item.task, holder != Some(&self.from))
                } else {
                    // Who has it is who answers for it, not who does it for them.
                    after(delegator.or(holder))
                }
            }
            Charge::Backup if instance.backups.contains(&self.from) => {
                let backups = self.backups_without(instance);
                let reason = self.order.reason.clone();
                Found::Carried(Action::SetBackups(SetBackups { backups, reason }))
            }
            Charge::Backup => {
                let to = self.to.as_ref().filter(|to| instance.backups.contains(*to));
                after(to)
            }
            Charge::Duty | Charge::Substitute | Charge::Role => Found::Gone,
        }
    }

    /// The one who takes over has the place, unless that is the steward or a backup already.
    fn backups_without(&self, instance: &Instance) -> Vec<MemberId> {
        let is_free = |to: &&MemberId| {
            instance.steward.as_ref() != Some(*to) && !instance.backups.contains(*to)
        };
        let to = self.to.as_ref().filter(is_free);
        let backups = instance.backups.iter();
        let kept =
            backups.filter_map(|backup| if *backup == self.from { to } else { Some(backup) });
        kept.cloned().collect()
    }

    /// The same for the same thing of the same hand-over, whenever it is asked for.
    fn request(&self, item: &HandOverItem) -> RequestKey {
        let HandOver { id, actor, reason, .. } = &self.order;
        let what = format!("{:?}/{}", item.charge, item.task.map_or(0, |task| task.0));
        let key = Sha256::new().chain_update(actor.to_string()).chain_update([0]);
        let key = key.chain_update(format!("hand-over/{id}/{what}"));
        let content = Sha256::new().chain_update(self.from.as_str()).chain_update([0]);
        let content = content.chain_update(self.to.as_ref().map_or("", |to| to.as_str()));
        let content = content.chain_update([0]).chain_update(reason);
        RequestKey { key: first_number(&key.finalize()), digest: first_number(&content.finalize()) }
    }

    /// The instance as it is durable, or why it can never be seen; none: the runtime stops.
    fn look(&self, instance: &InstanceId) -> Option<Result<Option<View>, ReadError>> {
        loop {
            let (reply, answer) = oneshot::channel();
            let request = ViewRequest { instance: instance.clone(), reply };
            let offered = self.shared.inbox_of(instance).offer(Request::View(request));
            let seen = match offered {
                Ok(()) => answer.blocking_recv().unwrap_or(Err(ReadError::Unavailable)),
                Err(full) => Err(full.into()),
            };
            match seen {
                Ok(view) => return Some(Ok(view)),
                Err(ReadError::Draining) => return None,
                Err(error @ ReadError::Internal) => return Some(Err(error)),
                Err(error) => self.pause(error.retry_after())?,
            }
        }
    }

    /// Has a command decided, however long that takes; none: the runtime stops.
    fn submit(&self, instance: &InstanceId, command: &Command) -> Option<Result<(), Rejection>> {
        loop {
            match self.ask(instance, command) {
                Ok(_) => return Some(Ok(())),
                Err(SubmitError::Rejected(rejection)) => return Some(Err(rejection)),
                Err(SubmitError::Draining) => return None,
                Err(
                    error @ (SubmitError::Internal
                    | SubmitError::Malformed(_)
                    | SubmitError::ClockJumped { .. }),
                ) => {
                    tracing::error!(%instance, %error, "a hand-over leaves something behind");
                    let (place, detail) = ("the service".to_owned(), error.to_string());
                    return Some(Err(Rejection::GuardError { place, detail }));
                }
                Err(error) => self.pause(error.retry_after())?,
            }
        }
    }

    fn ask(&self, instance: &InstanceId, command: &Command) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let request = CommandRequest {
            instance: instance.clone(),
            wished: command.clone().into(),
            since: Stopwatch::start(),
            reply: Reply::Awaited(reply),
        };
        let inbox = self.shared.inbox_of(instance);
        inbox.offer(Request::Command(Box::new(request)))?;
        answer.blocking_recv().unwrap_or(Err(SubmitError::Unavailable))
    }

    /// Waits before the same is tried again; none: the runtime stops.
    fn pause(&self, wait: Option<std::time::Duration>) -> Option<()> {
        let wait = wait.unwrap_or_default();
        (!self.shared.hand_overs.is_closed_after(wait)).then_some(())
    }
}

fn left(code: &str, why: String) -> HandOverItemState {
    HandOverItemState::Left { code: code.to_owned(), why }
}

fn first_number(digest: &[u8]) -> u64 {
    let first = digest.first_chunk().expect("a digest is longer than a number");
    u64::from_be_bytes(*first)
}
