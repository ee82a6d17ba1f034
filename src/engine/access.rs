//! Access: who may do what. Roles, four eyes and approvers are enforced from the first day.

use crate::model::actor::Actor;
use crate::model::id::{MemberId, RoleId};
use crate::model::task::{Assignment, AssignmentReason, Task};

use super::people::{self, STEWARD};
use super::rejection::Rejection;
use super::scene::Scene;

impl Scene<'_> {
    /// The person who acts: a service alone cannot take or finish a task.
    pub(super) fn acting_member(&self) -> Result<MemberId, Rejection> {
        self.actor.member().cloned().ok_or(Rejection::MemberNeeded)
    }

    /// Refuses those who neither hold a role, nor stand in for somebody who does, nor stand above.
    pub(super) fn must_hold(
        &self,
        role: &RoleId,
        task: Option<&Task>,
        doing: &'static str,
    ) -> Result<(), Rejection> {
        if self.holds_role(role, task) {
            return Ok(());
        }
        Err(Rejection::NotPermitted { doing, allowed: vec![role.clone()] })
    }

    /// Refuses those who may not command the instance: its steward, who stands in, and those above.
    pub(super) fn must_command(&self, doing: &'static str) -> Result<(), Rejection> {
        self.must_hold(&RoleId::trusted(STEWARD), None, doing)
    }

    /// Whether the actor is in a role or above it.
    pub(super) fn holds_role(&self, role: &RoleId, task: Option<&Task>) -> bool {
        let roles = std::iter::once(role.clone()).chain(self.roles_above(role.as_str()));
        match &self.actor {
            Actor::System | Actor::Instance(_) => true,
            Actor::Member(member) | Actor::Service { on_behalf_of: Some(member), .. } => {
                let mut roles = roles;
                roles.any(|role| self.is_in(member, &role, task))
            }
            Actor::Service { service, on_behalf_of: None } => {
                let service = self.organization().service(service.as_str());
                let held = service.and_then(|service| service.role.as_ref());
                held.is_some_and(|held| {
                    let mut roles = roles;
                    roles.any(|role| role == *held)
                })
            }
        }
    }

    fn is_in(&self, member: &MemberId, role: &RoleId, task: Option<&Task>) -> bool {
        self.members_in(role.as_str(), task)
            .iter()
            .any(|held| held == member || self.stands_in(member, held))
    }

    /// Whether a member stands in for another one today.
    pub(super) fn stands_in(&self, member: &MemberId, absent: &MemberId) -> bool {
        let present = self.present(absent);
        present.is_some_and(|present| present.member == *member && present.instead_of.is_some())
    }

    /// Whether a role of the actor may overrule what the rules refuse.
    pub(super) fn may_force(&self) -> bool {
        let forcing = self.organization().roles.iter().filter(|role| role.may_force);
        let mut forcing = forcing;
        forcing.any(|role| match &self.actor {
            Actor::System | Actor::Instance(_) => false,
            Actor::Member(member) | Actor::Service { on_behalf_of: Some(member), .. } => {
                self.is_in(member, &role.id, None)
            }
            Actor::Service { service, on_behalf_of: None } => {
                let service = self.organization().service(service.as_str());
                service.is_some_and(|service| service.role.as_ref() == Some(&role.id))
            }
        })
    }

    /// The actor as the one who works on a task: its holder, or who stands in for the holder; where
    /// nobody holds it, a candidate, or who stands in for one.
    pub(super) fn as_worker(
        &mut self,
        task: &Task,
        doing: &'static str,
    ) -> Result<Assignment, Rejection> {
        let member = self.acting_member()?;
        if let Some(holder) = &task.holder {
            if holder.member == member {
                let instead_of = holder.instead_of.clone();
                return Ok(claimed(member, instead_of));
            }
            if self.stands_in(&member, &holder.member) {
                let absent = holder.member.clone();
                return Ok(claimed(member, Some(absent)));
            }
            let allowed = vec![RoleId::trusted(people::HOLDER)];
            return Err(Rejection::NotPermitted { doing, allowed });
        }
        self.as_candidate(task, member)
    }

    /// The actor as a candidate for a task.
    pub(super) fn as_candidate(
        &mut self,
        task: &Task,
        member: MemberId,
    ) -> Result<Assignment, Rejection> {
        let Some(spec) = self.spec_of(&task.reference) else {
            return Err(Rejection::TaskNotFound(task.reference.number.0));
        };
        if spec.four_eyes {
            self.must_be_other_eyes(task, &member)?;
        }
        let candidates = self.candidates(task, spec);
        if candidates.contains(&member) {
            return Ok(claimed(member, None));
        }
        let absent = candidates.into_iter().find(|absent| self.stands_in(&member, absent));
        match absent {
            Some(absent) => Ok(claimed(member, Some(absent))),
            None if self.stands_above_empty_role(task, &member) => Ok(claimed(member, None)),
            None => Err(Rejection::NotACandidate(member)),
        }
    }

    /// Where nobody at all is in a task's role, those of the nearest role above that is filled may.
    fn stands_above_empty_role(&self, task: &Task, member: &MemberId) -> bool {
        let Some(role) = &task.role else { return false };
        if !self.members_in(role.as_str(), Some(task)).is_empty() {
            return false;
        }
        let above = self.roles_above(role.as_str());
        let filled = above
            .iter()
            .map(|role| self.members_in(role.as_str(), Some(task)))
            .find(|members| !members.is_empty());
        filled.is_some_and(|members| members.contains(member))
    }

    /// Refuses who did a task that this one looks at.
    pub(super) fn must_be_other_eyes(
        &self,
        task: &Task,
        member: &MemberId,
    ) -> Result<(), Rejection> {
        let Some(spec) = self.spec_of(&task.reference) else { return Ok(()) };
        if !spec.four_eyes {
            return Ok(());
        }
        let done = self.done_before(spec, &task.reference);
        match done.into_iter().find(|(done, _)| done == member) {
            Some((member, task)) => Err(Rejection::FourEyes { task, member }),
            None => Ok(()),
        }
    }
}

fn claimed(member: MemberId, instead_of: Option<MemberId>) -> Assignment {
    Assignment { member, because: AssignmentReason::Claimed, instead_of }
}
