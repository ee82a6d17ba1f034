//! People: which members are behind a role, who stands in for whom, and who is chosen.

use std::sync::Arc;

use crate::definition::compiled::{AssignMode, FunctionName, StewardRule, TaskSpec};
use crate::model::actor::Actor;
use crate::model::escalation::Recipient;
use crate::model::id::{GroupId, MemberId, RoleId};
use crate::model::instance::Instance;
use crate::model::organization::{Loads, Organization, RoleScope};
use crate::model::roster::Present;
use crate::model::task::{Assignment, AssignmentReason, Task, TaskEnd, TaskRef};
use crate::model::time::Timestamp;
use crate::script::facts::Facts;
use crate::script::{Chosen, Failure, People};

use super::decision::Context;
use super::scene::Scene;

/// The role that means the instance's steward.
pub(super) const STEWARD: &str = "steward";
/// The role that means the person who holds the task at hand.
pub(super) const HOLDER: &str = "holder";

impl<'a> Scene<'a> {
    pub(super) fn organization(&self) -> &'a Organization {
        self.context.organization
    }

    /// The members behind a role or a group, for this instance, absent ones included.
    pub(super) fn members_in(&self, role: &str, task: Option<&Task>) -> Vec<MemberId> {
        self.members_at(role, task, self.at())
    }

    fn members_at(&self, role: &str, task: Option<&Task>, at: Timestamp) -> Vec<MemberId> {
        let organization = self.organization();
        let scope = organization.role(role).map(|role| role.scope);
        match (role, scope) {
            (STEWARD, _) | (_, Some(RoleScope::Steward)) => {
                self.instance.steward.iter().cloned().collect()
            }
            (HOLDER, _) | (_, Some(RoleScope::Holder)) => {
                // Who lets somebody else do it remains responsible.
                let holder = task.and_then(|task| task.holder.as_ref()).into_iter();
                let both =
                    holder.flat_map(|it| std::iter::once(&it.member).chain(&it.delegated_by));
                both.cloned().collect()
            }
            (_, Some(RoleScope::Duty)) => {
                let today = self.context.calendar.date_of(at);
                organization.on_duty(today).to_vec()
            }
            (_, Some(scope)) => organization
                .members
                .iter()
                .filter(|member| member.roles.iter().any(|held| held.as_str() == role))
                .filter(|member| match scope {
                    // Before there is a group every holder counts: one becomes steward.
                    RoleScope::Group => {
                        self.instance.group.is_none() || member.group == self.instance.group
                    }
                    _ => true,
                })
                .map(|member| member.id.clone())
                .collect(),
            (_, None) => organization.members_of(role).map(|member| member.id.clone()).collect(),
        }
    }

    /// The roles and groups above a role or a group, nearest first.
    pub(super) fn roles_above(&self, role: &str) -> Vec<RoleId> {
        let organization = self.organization();
        if role == HOLDER && organization.role(HOLDER).is_none() {
            let steward = RoleId::trusted(STEWARD);
            return std::iter::once(steward).chain(self.roles_above(STEWARD)).collect();
        }
        organization.roles_above(role)
    }

    /// The person, or who stands in, at the instant from which what happens counts; none if that
    /// leads in a circle or to nobody. For the steward the backups stand in then.
    pub(super) fn present(&self, member: &MemberId) -> Option<Present> {
        self.present_at(member, self.at())
    }

    fn present_at(&self, member: &MemberId, at: Timestamp) -> Option<Present> {
        let today = self.context.calendar.date_of(at);
        let organization = self.organization();
        organization.present_on(member, today).or_else(|| {
            let is_steward = self.instance.steward.as_ref() == Some(member);
            let backups = self.instance.backups.iter().filter(|_| is_steward);
            let mut there = backups.filter_map(|backup| organization.present_on(backup, today));
            let backup = there.find(|present| present.member != *member)?;
            Some(Present { instead_of: Some(member.clone()), ..backup })
        })
    }

    /// Everyone to be told for these roles, each person once, and the roles where nobody is.
    pub(super) fn recipients(
        &self,
        roles: &[RoleId],
        task: Option<&Task>,
    ) -> (Vec<Recipient>, Vec<RoleId>) {
        let mut recipients: Vec<Recipient> = Vec::new();
        let mut nobody_in = Vec::new();
        for role in roles {
            let chain = std::iter::once(role.clone()).chain(self.roles_above(role.as_str()));
            let mut found = false;
            for place in chain {
                let present = self.present_in(&place, task);
                found = !present.is_empty();
                for person in present {
                    if recipients.iter().all(|known| known.member != person.member) {
                        recipients.push(Recipient {
                            member: person.member,
                            role: place.clone(),
                            instead_of: person.instead_of,
                            fallback_from: (place != *role).then(|| role.clone()),
                        });
                    }
                }
                if found {
                    break;
                }
            }
            if !found {
                nobody_in.push(role.clone());
            }
        }
        (recipients, nobody_in)
    }

    /// People are told at the moment of telling, however late that is.
    fn present_in(&self, role: &RoleId, task: Option<&Task>) -> Vec<Present> {
        let members = self.members_at(role.as_str(), task, self.now);
        members.iter().filter_map(|member| self.present_at(member, self.now)).collect()
    }

    /// The members who may do a task: those of its role, narrowed by its function, without those
    /// who must not because of four eyes.
    pub(super) fn candidates(&mut self, task: &Task, spec: &TaskSpec) -> Vec<MemberId> {
        let Some(role) = &task.role else { return Vec::new() };
        let mut candidates = self.members_in(role.as_str(), Some(task));
        if let Some(function) = &spec.candidates {
            candidates = self.narrowed(function, task, candidates);
        }
        let barred = self.barred(task, spec);
        candidates.retain(|member| !barred.contains(member));
        candidates
    }

    /// Who must not do a task because of four eyes.
    pub(super) fn barred(&self, task: &Task, spec: &TaskSpec) -> Vec<MemberId> {
        if !spec.four_eyes {
            return Vec::new();
        }
        let done = self.done_before(spec, &task.reference);
        done.into_iter().map(|(member, _)| member).collect()
    }

    fn narrowed(
        &mut self,
        function: &FunctionName,
        task: &Task,
        candidates: Vec<MemberId>,
    ) -> Vec<MemberId> {
        let functions = self.workflow().functions.clone();
        let facts = self.facts_about(task);
        let loads = self.loads();
        let named = functions.candidates(&function.0, &facts, self.people(&candidates, &loads));
        match named {
            Ok(named) => named,
            Err(failure) => {
                self.script_failed(failure);
                candidates
            }
        }
    }

    fn facts_about<'s>(&'s self, task: &'s Task) -> Facts<'s> {
        self.facts(self.stage_of(&task.reference.stage), Some(task))
    }

    fn people<'b>(&self, candidates: &'b [MemberId], loads: &'b Loads) -> People<'b>
    where
        'a: 'b,
    {
        People {
            organization: self.context.organization,
            loads,
            calendar: self.context.calendar,
            now: self.at(),
            candidates,
        }
    }

    /// Everyone who completed a task named in `after`, all names of a substitution
    /// and of a delegation.
    pub(super) fn done_before(&self, spec: &TaskSpec, task: &TaskRef) -> Vec<(MemberId, TaskRef)> {
        let Some(stage) = self.stage_of(&task.stage) else { return Vec::new() };
        let before = spec.after.iter().filter_map(|index| stage.tasks.get(index.0));
        let mut names = Vec::new();
        for earlier in before {
            let done = self.instance.tasks().filter(|known| {
                known.reference.stage == stage.id && known.reference.id == earlier.id
            });
            for known in done {
                if let Some(TaskEnd::Done { by, instead_of, delegated_by, .. }) = &known.end {
                    let all = by.iter().chain(instead_of).chain(delegated_by);
                    names.extend(all.map(|member| (member.clone(), known.reference.clone())));
                }
            }
        }
        names
    }

    /// Chooses who does a task, but none of some people; none: it is offered to all candidates.
    pub(super) fn choose(
        &mut self,
        task: &Task,
        spec: &TaskSpec,
        without: &[MemberId],
    ) -> Option<Assignment> {
        let offered = spec.assign == AssignMode::Offer;
        if offered { None } else { self.choose_somebody(task, spec, without) }
    }

    /// Chooses who does a task, also where it would be offered.
    pub(super) fn choose_somebody(
        &mut self,
        task: &Task,
        spec: &TaskSpec,
        without: &[MemberId],
    ) -> Option<Assignment> {
        let role = task.role.clone()?;
        let candidates = self.candidates(task, spec);
        let mut barred = self.barred(task, spec);
        barred.extend_from_slice(without);
        let chosen = match &spec.assign {
            AssignMode::Function(function) => self.named_by(function, task, &candidates, &barred),
            AssignMode::Offer | AssignMode::Default => self.by_default(&candidates, &barred),
        };
        chosen.or_else(|| self.chosen_above(&role, Some(task), &barred))
    }

    fn named_by(
        &mut self,
        function: &FunctionName,
        task: &Task,
        candidates: &[MemberId],
        barred: &[MemberId],
    ) -> Option<Assignment> {
        let functions = self.workflow().functions.clone();
        let facts = self.facts_about(task);
        let loads = self.loads();
        let chosen = functions.choose(&function.0, &facts, self.people(candidates, &loads));
        let named = self.accept(chosen)?;
        let both = std::iter::once(&named.member).chain(&named.instead_of);
        let allowed = both.into_iter().all(|member| !barred.contains(member));
        allowed.then_some(named)
    }

    /// The steward whom the workflow's rule names; none where the caller is to name one.
    pub(super) fn steward_by_rule(&mut self) -> Option<Assignment> {
        match &self.workflow().steward {
            StewardRule::ByCaller => None,
            StewardRule::Function(function) => {
                let named = self.steward_by(function);
                named.or_else(|| self.chosen_above(&RoleId::trusted(STEWARD), None, &[]))
            }
            StewardRule::LeastLoadedOf(role) => {
                let members = self.members_in(role.as_str(), None);
                let least = self.least_stewarding(&members);
                least.or_else(|| self.chosen_above(role, None, &[]))
            }
        }
    }

    /// Of those who are there, the one who is steward of the fewest; ties as for tasks. Who can
    /// carry no more comes after all others.
    fn least_stewarding(&self, members: &[MemberId]) -> Option<Assignment> {
        let present = members.iter().filter_map(|member| self.present(member));
        let best = present.min_by_key(|person| {
            let load = self.context.loads.of(&person.member);
            let most = self.organization().at_most(&person.member);
            let full = most.is_full_of_instances(load.stewarded);
            let stands_in = person.instead_of.is_some();
            (full, stands_in, load.stewarded, load.assigned_at, person.member.clone())
        })?;
        Some(assignment(best, AssignmentReason::LeastLoaded))
    }

    /// Chooses the steward of an instance by a function of the rules.
    fn steward_by(&mut self, function: &FunctionName) -> Option<Assignment> {
        let functions = self.workflow().functions.clone();
        let facts = self.facts(None, None);
        let everyone: Vec<MemberId> =
            self.organization().members.iter().map(|member| member.id.clone()).collect();
        let loads = self.loads();
        let chosen = functions.choose(&function.0, &facts, self.people(&everyone, &loads));
        self.accept(chosen)
    }

    /// A function's choice counts if the person is known and present, or somebody stands in.
    fn accept(&mut self, chosen: Result<Option<Chosen>, Failure>) -> Option<Assignment> {
        let chosen = match chosen {
            Ok(chosen) => chosen?,
            Err(failure) => {
                self.script_failed(failure);
                return None;
            }
        };
        self.organization().member(chosen.member.as_str())?;
        let because = AssignmentReason::Function(chosen.because);
        self.present(&chosen.member).map(|present| assignment(present, because))
    }

    /// The steward if a candidate, otherwise the one with the least to do. A steward who is full
    /// gives way to somebody who is not; for one who is barred nobody stands in.
    fn by_default(&self, candidates: &[MemberId], barred: &[MemberId]) -> Option<Assignment> {
        let least = || self.least_loaded(candidates, barred);
        if let Some(steward) = &self.instance.steward
            && candidates.contains(steward)
            && !barred.contains(steward)
            && let Some(present) = self.present(steward)
            && !barred.contains(&present.member)
        {
            let other = if self.is_full(&present.member) { least() } else { None };
            let other = other.filter(|other| !self.is_full(&other.member));
            return other.or(Some(assignment(present, AssignmentReason::Steward)));
        }
        least()
    }

    /// How many open tasks a member has, with what was given so far.
    fn open_tasks_of(&self, member: &MemberId) -> u32 {
        let given = self.assigned_so_far(member);
        self.context.loads.of(member).open_tasks.saturating_add(given)
    }

    fn is_full(&self, member: &MemberId) -> bool {
        self.organization().at_most(member).is_full_of_tasks(self.open_tasks_of(member))
    }

    /// The one with the least to do of those who are there and not full; if none is there, who
    /// stands in for one. Nobody who is barred, neither as a candidate nor standing in.
    pub(super) fn least_loaded(
        &self,
        candidates: &[MemberId],
        barred: &[MemberId],
    ) -> Option<Assignment> {
        let because = if candidates.len() == 1 {
            AssignmentReason::OnlyCandidate
        } else {
            AssignmentReason::LeastLoaded
        };
        let present: Vec<Present> = candidates
            .iter()
            .filter(|member| !barred.contains(member))
            .filter_map(|member| self.present(member))
            .filter(|person| !barred.contains(&person.member))
            .collect();
        let order = |person: &&Present| {
            let load = self.context.loads.of(&person.member);
            let given = self.assigned_so_far(&person.member);
            let assigned_at = if given > 0 { Some(self.now) } else { load.assigned_at };
            let full = self.is_full(&person.member);
            let open_tasks = self.open_tasks_of(&person.member);
            (full, person.instead_of.is_some(), open_tasks, assigned_at, person.member.clone())
        };
        let best = present.iter().min_by_key(order)?;
        let (member, instead_of) = (best.member.clone(), best.instead_of.clone());
        Some(Assignment { member, because, instead_of })
    }

    /// Where nobody is left in a role: somebody in the nearest one above where anybody is.
    pub(super) fn chosen_above(
        &self,
        role: &RoleId,
        task: Option<&Task>,
        barred: &[MemberId],
    ) -> Option<Assignment> {
        self.roles_above(role.as_str()).into_iter().find_map(|above| {
            let members = self.members_in(above.as_str(), task);
            let mut assignment = self.least_loaded(&members, barred)?;
            assignment.because = AssignmentReason::RoleAbove(above);
            Some(assignment)
        })
    }

    /// The group of a member.
    pub(super) fn group_of(&self, member: &MemberId) -> Option<GroupId> {
        self.organization().member(member.as_str()).and_then(|member| member.group.clone())
    }
}

/// A person chosen for a reason.
pub(super) fn assignment(present: Present, because: AssignmentReason) -> Assignment {
    Assignment { member: present.member, because, instead_of: present.instead_of }
}

/// The members behind a role or a group for an instance, absent ones included.
pub fn members_in(context: &Context<'_>, instance: &Arc<Instance>, role: &str) -> Vec<MemberId> {
    Scene::new(context, Arc::clone(instance), &Actor::System).members_in(role, None)
}

/// The members who may do a task.
pub fn candidates(context: &Context<'_>, instance: &Arc<Instance>, task: &Task) -> Vec<MemberId> {
    let mut scene = Scene::new(context, Arc::clone(instance), &Actor::System);
    match scene.spec_of(&task.reference) {
        Some(spec) => scene.candidates(task, spec),
        None => Vec::new(),
    }
}
